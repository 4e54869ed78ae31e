"""Which prior an evaluation may use: one that has not seen the texts, told by the texts themselves."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from models.sentiment.prior import SHIPPED, load_prior

HELD_OUT_PRIORS = Path(__file__).parent / "priors"
"""The shipped prior made again without one of its sources, `without_<source>.bin`, by `make prior`."""

_EVERY = 16
_SHARE = 0.05
"""Share of a file's texts beyond which it is the source; short texts ("好") are in every corpus."""


def sampled(texts: Iterable[str]) -> list[int]:
    """Return checksums of every sixteenth distinct text, chosen by the checksum itself, in order.

    Letters and digits alone count, so a text is known again whatever was done to its spaces and marks.

    Examples
    --------
    >>> texts = [f"review {number}" for number in range(400)]
    >>> len(sampled(texts)), sampled(texts) == sampled(text.upper() + "!" for text in reversed(texts))
    (24, True)
    """
    keys = {zlib.crc32("".join(filter(str.isalnum, text.casefold())).encode()) for text in texts}
    return sorted(key for key in keys if key % _EVERY == 0)


def sources_among(texts: Iterable[str], prior: str) -> list[str]:
    """Return the sources of a prior that these texts are of, those with most of them first."""
    found = set(sampled(texts))
    shares: dict[str, float] = {}
    sources = load_prior(prior).recipe.get("sources", [])
    for source in sources if isinstance(sources, list) else []:
        common = len(found.intersection(source.get("sample", ())))
        if common >= _SHARE * max(1, len(found)) and common:
            shares[source["name"]] = common / len(found)
    return sorted(shares, key=lambda name: (-shares[name], name))


def unseen(texts: Sequence[str], prior: str) -> str:
    """Return the prior to evaluate texts with: the shipped one gives way where it has seen them."""
    known = sources_among(texts, prior) if prior == SHIPPED else []
    apart = HELD_OUT_PRIORS / f"without_{known[0]}.bin" if known else None
    return str(apart) if apart is not None and apart.is_file() else prior
