"""Files become records: good lines go on, bad ones are named by line and problem."""

import json
from pathlib import Path

import pytest

from ops.commands.produce import good_records, parse_mapping
from ops.failures import UserError
from ops.producing.reader import Parsed
from ops.simulator.world import Produced


def test_stars_users_and_times_come_along(tmp_path: Path) -> None:
    file = tmp_path / "reviews.jsonl"
    row = {"id": "r1", "text": "很好用", "user": "u1", "rating": 5, "ts": "2019-01-01T00:00:00+08:00"}
    file.write_text(f"{json.dumps(row)}\n{{}}\nnot json\n", encoding="utf-8")
    good, no_text, not_json = good_records(file, {}, "review")
    assert isinstance(good, Produced) and isinstance(no_text, Parsed) and isinstance(not_json, Parsed)
    event = json.loads(good.value)
    assert (event["author"], event["rating"], event["occurred_at"]) == ("u1", 5, row["ts"])
    assert [(bad.line, bad.problem) for bad in (no_text, not_json)] == [(2, "no text"), (3, "not JSON")]


def test_a_mapping_renames_fields(tmp_path: Path) -> None:
    file = tmp_path / "tickets.csv"
    file.write_text("nr,words,who\n7,慢,kunde\n", encoding="utf-8-sig")
    (record,) = good_records(file, parse_mapping(["id=nr", "text=words", "customer_id=who"]), "ticket")
    assert isinstance(record, Produced)
    assert json.loads(record.value) == {
        "id": "7", "text": "慢", "customer_id": "kunde", "channel": "ticket"
    }  # fmt: skip


def test_an_unknown_ending_and_a_bad_mapping_are_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "a.pdf"
    file.write_bytes(b"x")
    with pytest.raises(UserError, match="must end in"):
        list(good_records(file, {}, "review"))
    with pytest.raises(UserError, match="event_field=file_field"):
        parse_mapping(["text"])
