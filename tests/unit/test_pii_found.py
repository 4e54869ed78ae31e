"""Findings of other tools beside Hark's: how they are counted, and what happens without them."""

from __future__ import annotations

import sys
from pathlib import Path

from ops.bench.pii_found import compared, own, rival
from ops.evaluation.pii import Row, Truth

TEXT = "电话13812345678，共3件，13号到"
ROW = Row(TEXT, "zh", (Truth(2, 13, "PHONE", False), Truth(2, 13, "NAME", False)), ((14, 16),), None)


def test_types_do_not_matter_and_half_is_enough() -> None:
    found = compared([ROW], [[(5, 13, "credit_card"), (14, 16, "phone"), (17, 19, "phone")]])
    assert found == (1.0, 2 / 3, 1)


def test_less_than_half_is_missed_and_names_do_not_count() -> None:
    assert compared([ROW], [[(9, 13, "phone"), (0, 2, "person"), (17, 19, "URL")]]) == (0.0, 1.0, 1)


def test_values_that_came_starred_are_not_asked_for() -> None:
    starred = ROW._replace(spans=(Truth(2, 13, "PHONE", True),))
    assert compared([starred], [[]]) == (0.0, 0.0, 0)


def test_hark_finds_its_own_values() -> None:
    assert compared([ROW], own([ROW])) == (1.0, 1.0, 1)


def test_a_tool_that_is_not_there_is_skipped_and_named(tmp_path: Path) -> None:
    said = rival("presidio", [ROW], sys.executable, tmp_path)
    assert isinstance(said, str) and "presidio_analyzer" in said
