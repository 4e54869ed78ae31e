"""What Presidio and argus-redact find of labelled texts beside Hark, whatever type they call it.

To be generous to the others, a value counts as found when any of their findings covers half of it, and a
finding counts as right when half of it is any true or optional value. Findings of types that are no values
(names, places, dates, plain links, "I") neither help nor harm precision.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from models.pii import STRUCTURED, Finder
from ops.evaluation.pii import Row

SCRIPT = r"""
import json, sys
name, path = sys.argv[1], sys.argv[2]
rows = json.load(open(path, encoding="utf-8"))
if name == "presidio":
    from presidio_analyzer import RecognizerRegistry
    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"])
    known = [
        one for one in registry.recognizers
        if any(base.__name__ == "PatternRecognizer" for base in type(one).__mro__)
        or type(one).__name__ == "PhoneRecognizer"
    ]
    def find(text, lang):
        return [
            (one.start, one.end, one.entity_type)
            for recogniser in known
            for one in recogniser.analyze(text, recogniser.supported_entities, None) or ()
            if one.score >= 0.4
        ]
else:
    from argus_redact import redact
    def find(text, lang):
        said = redact(text, lang=lang, mode="fast", detailed=True)[2]["entities"]
        return [(one["start"], one["end"], one["type"]) for one in said]
print(json.dumps([find(text, lang) for text, lang in rows]))
"""
VALUES = frozenset(
    (
        *("PHONE_NUMBER", "CREDIT_CARD", "EMAIL_ADDRESS", "IBAN_CODE", "IP_ADDRESS", "US_SSN", "US_PASSPORT"),
        *("phone", "email", "id_number", "bank_card", "credit_card", "ssn", "passport", "license_plate"),
        *("ip_address", "ipv4", "ipv6", "wechat", "qq", "us_phone", "us_passport", "iban"),
    )
)
"""Types of the others that name a value of a number system, and so count against precision."""

Bounds = tuple[int, int, str]


class Found(NamedTuple):
    """How much of the values was found, and how much of what was found is one; counts behind them.

    Parameters
    ----------
    recall, precision
        Shares, 0 where there was nothing.
    values
        True values.
    """

    recall: float
    precision: float
    values: int


def own(rows: Sequence[Row]) -> list[list[Bounds]]:
    """Return Hark's findings of structured types by row."""
    finder = Finder()
    return [
        [(span.start, span.end, span.type) for span in finder.find(row.text) if span.type in STRUCTURED]
        for row in rows
    ]


def rival(name: str, rows: Sequence[Row], python: str, folder: Path) -> list[list[Bounds]] | str:
    """Return another tool's findings by row, or why it was skipped."""
    path = folder / "rows.json"
    path.write_text(json.dumps([(row.text, row.lang) for row in rows], ensure_ascii=False), encoding="utf-8")
    done = subprocess.run(
        [python, "-c", SCRIPT, name, str(path)], capture_output=True, text=True, timeout=600, check=False
    )
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["no output"])[-1]
    found: list[list[list[int | str]]] = json.loads(done.stdout.strip().splitlines()[-1])
    return [[(int(start), int(end), str(kind)) for start, end, kind in one] for one in found]


def compared(rows: Sequence[Row], found: Sequence[Sequence[Bounds]]) -> Found:
    """Return how much was found and how much of it is right, types aside.

    Examples
    --------
    >>> from ops.evaluation.pii import Truth
    >>> row = Row("call 555-0132 now", "en", (Truth(5, 13, "PHONE", False),), (), None)
    >>> compared([row, row], [[(5, 13, "phone"), (14, 17, "phone")], [(0, 4, "person")]])
    Found(recall=0.5, precision=0.5, values=2)
    """
    hits = values = right = counted = 0
    for row, spans in zip(rows, found, strict=True):
        for truth in row.spans:
            if truth.type in STRUCTURED and not truth.ignore:
                values += 1
                hits += _half(truth.start, truth.end, ((start, end) for start, end, _ in spans))
        true = [(truth.start, truth.end) for truth in row.spans] + list(row.optional)
        for start, end, kind in spans:
            if kind in VALUES or kind in STRUCTURED:
                counted += 1
                right += _half(start, end, true)
    return Found(hits / max(values, 1), right / max(counted, 1), values)


def _half(start: int, end: int, others: Iterable[tuple[int, int]]) -> bool:
    return any(2 * (min(end, last) - max(start, first)) >= end - start for first, last in others)
