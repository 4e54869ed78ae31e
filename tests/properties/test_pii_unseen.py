"""Forms written without sight of the recognisers: recall, precision, and that masking them is final."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

from models.pii import STRUCTURED, Finder, Keyring, Masker
from ops.evaluation.pii import Row, Truth, score

sys.path.insert(0, str(Path(__file__).parent))
import pii_forms
import pii_fresh
import pii_unseen

SEED = 20261122
FINDER = Finder()
UNGATED = Finder(gated=False)
MASKER = Masker(FINDER, {}, Keyring({1: bytes(32)}, 1))


def _rows(name: str) -> list[Row]:
    rows = [
        Row(one.text, one.lang, (Truth(one.start, one.end, one.type, False),), (), None)
        for one in pii_unseen.draw(pii_unseen.groups(name), SEED)
    ]
    rng = random.Random(SEED)
    texts = [pii_unseen.build(text, rng) for text in pii_unseen.negatives(name)]
    return rows + [Row(text, "en" if text.isascii() else "zh", (), (), None) for text in texts]


FRESH = pii_fresh.halves(SEED, draws=1)
HALVES = {
    "first": _rows("first"),
    "held back": _rows("held_back"),
    "fresh, first": FRESH.tuning,
    "fresh, held back": FRESH.held_back,
    "last": pii_fresh.rows_of("pii_last.txt", SEED),
    "judge": pii_fresh.rows_of("pii_judge.txt", SEED),
    "judge, last": pii_fresh.rows_of("pii_judge_last.txt", SEED),
    **{f"round {name}": pii_forms.rows(name, SEED) for name in pii_forms.ROUNDS},
}


@pytest.mark.parametrize("half", sorted(HALVES))
def test_recall_and_precision(half: str) -> None:
    rows = HALVES[half]
    figures = score(rows, [FINDER.find(row.text) for row in rows])["structured"]
    assert figures["recall"] >= 0.98, figures
    assert figures["precision"] >= 0.98, figures


@pytest.mark.parametrize("half", sorted(HALVES))
def test_masking_is_final(half: str) -> None:
    for row in HALVES[half]:
        once = MASKER.mask(row.text)
        assert MASKER.mask(once.text) == (once.text, {})


@pytest.mark.parametrize("half", sorted(HALVES))
def test_gate_loses_nothing(half: str) -> None:
    for row in HALVES[half]:
        assert FINDER.find(row.text) == UNGATED.find(row.text)


def test_every_structured_type_is_in_both_halves() -> None:
    for half in ("first", "held back"):
        rows = HALVES[half]
        assert {truth.type for row in rows for truth in row.spans} >= set(STRUCTURED)


def test_long_text_is_read_as_its_parts_are() -> None:
    rows = HALVES["first"][:120]
    text = "\n".join(row.text for row in rows)
    whole = {(span.type, span.value) for span in FINDER.find(text)}
    parts = {(span.type, span.value) for row in rows for span in FINDER.find(row.text)}
    assert len(whole & parts) >= 0.97 * len(parts)


def test_list_of_findings_is_covered_to_its_end() -> None:
    text = "13812345678，" * 1000 + "li.wei@example.com"
    spans = FINDER.find(text)
    assert spans[-1].end == len(text)
    assert len(spans) < 1000
    assert len(FINDER.find(text, bounded=False)) >= 1000
    masked = MASKER.mask(text).text
    assert "138" not in masked and "li.wei" not in masked
    assert MASKER.mask(masked).text == masked
