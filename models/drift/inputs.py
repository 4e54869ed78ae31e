"""What of an event's input is watched for drift: missingness, language, channel, length."""

from __future__ import annotations

import math
from collections.abc import Mapping

from models.events.base import Channel

LANGUAGES = ("zh", "en")
CHANNELS = tuple(channel.value for channel in Channel)
_LONG = math.log1p(5000)


def input_series(
    *,
    lang: str | None = None,
    channel: str | None = None,
    length: int | None = None,
    fields: Mapping[str, object] | None = None,
) -> dict[str, float]:
    """Return values in [0, 1] by series name, for `Watch.observe`.

    Shares are watched as 0/1 indicators of each known language and channel, others together as
    `other`; length on a log scale, because doubling a text matters the same at any length.

    Parameters
    ----------
    lang, channel
        As in the feedback contract.
    length
        Characters of the text.
    fields
        Optional fields and their values; None, "" and NaN count as missing.

    Examples
    --------
    >>> input_series(lang="zh", length=0, fields={"rating": None, "product": "app"})
    {'language:zh': 1.0, 'language:en': 0.0, 'language:other': 0.0, 'length': 0.0, 'missing': 0.5}
    """
    out: dict[str, float] = {}
    for name, value, known in (("language", lang, LANGUAGES), ("channel", channel, CHANNELS)):
        if value is not None:
            out |= {f"{name}:{one}": float(value == one) for one in known}
            out[f"{name}:other"] = float(value not in known)
    if length is not None:
        out["length"] = min(1.0, math.log1p(max(0, length)) / _LONG)
    if fields:
        missing = sum(value is None or value == "" or value != value for value in fields.values())
        out["missing"] = missing / len(fields)
    return out
