"""`hark import` on files as people have them: every shipped mapping on its example, formats, bad lines."""

from __future__ import annotations

import csv
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from import_examples import example, imported
from typer.testing import CliRunner

from ops.commands.import_ import import_
from ops.failures import UserError
from ops.importing.mapping import shipped


@pytest.mark.parametrize("name", [name for name, _ in shipped()])
def test_every_shipped_mapping_reads_its_example_whole(name: str) -> None:
    importer, events, bad = imported(name, example(name))
    assert len(events) >= 2
    assert bad == []
    assert importer.events == len(events)
    assert len({event.get("id", n) for n, event in enumerate(events)}) == len(events)
    again = imported(name, example(name))[1]
    assert again == events, "importing a file twice gives the same ids"


def test_reviews() -> None:
    first, second, third = imported("app_store_reviews", example("app_store_reviews"))[1]
    assert first == {
        "channel": "review",
        "scale": "stars",
        "id": "appstore-90001",
        "text": "闪退\n更新以后一打开就闪退，客服也没有人回复",
        "author": "momo88",
        "rating": 1.0,
        "lang": "zh",
        "region": "CN",
        "product": "Smart Home",
        "occurred_at": "2026-03-02T01:15:00+00:00",
        "attributes": {"app_version": "5.2.0", "device": "iPhone 15"},
    }
    assert third["text"] == "界面很清爽，全家都在用"


def test_survey_rows_without_words_and_rows_left_out_are_counted() -> None:
    importer, events, _ = imported("nps_survey", example("nps_survey"))
    assert [event["rating"] for event in events] == [9.0, 3.0]
    assert (importer.wordless, importer.skipped) == (1, 1)
    assert importer.filled["comment"] == 0
    assert importer.filled["text"] == 2


def test_a_scale_of_their_own_becomes_percent() -> None:
    low, high = imported("csat_survey", example("csat_survey"))[1]
    assert (low["rating"], low["scale"]) == (16.6667, "percent")
    assert (high["rating"], high["scale"]) == (100.0, "percent")


def test_ticket_types_and_thumbs() -> None:
    first, second = imported("helpdesk_tickets", example("helpdesk_tickets"))[1]
    assert (first["kind"], first["rating"]) == ("complaint", 0.0)
    assert second["kind"] == "question"
    assert "rating" not in second


def test_customer_events() -> None:
    importer, events, _ = imported("purchases", example("purchases"))
    assert importer.topic == "customers.events"
    assert [(event["kind"], event["express"]) for event in events] == [("purchase", True), ("refund", False)]
    changes = imported("subscriptions", example("subscriptions"))[1]
    assert [event["kind"] for event in changes] == ["renewal", "cancellation", "cancellation"]
    profiles = imported("customer_profiles", example("customer_profiles"))[1]
    assert profiles[0]["since"] == "2019-05-31T16:00:00+00:00"
    assert [profile["tier"] for profile in profiles] == ["platinum", "bronze"]


def test_what_customers_do_has_a_mapping() -> None:
    mapped: set[Any] = set()
    for _, mapping in shipped():
        if mapping.target == "customer":
            kind = mapping.fields.get("kind")
            mapped |= set((kind.map or {}).values()) if kind else {mapping.constants["kind"]}
    kinds = "purchase refund visit login usage renewal cancellation profile"
    assert mapped >= set(kinds.split())


def test_a_limit_ends_early() -> None:
    assert len(imported("nps_survey", example("nps_survey"), limit=1)[1]) == 1


def _csv_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_workbook_gives_the_same_as_its_csv(tmp_path: Path) -> None:
    source = example("app_store_reviews")
    rows = _csv_rows(source)
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(list(rows[0]))
    for row in rows:
        date = datetime.strptime(row["date"], "%Y-%m-%d %H:%M:%S")
        cells = {**row, "review_id": int(row["review_id"]), "stars": int(row["stars"]), "date": date}
        sheet.append([value if value != "" else None for value in cells.values()])
        sheet.append([None])
    book.save(tmp_path / "reviews.xlsx")
    _, events, bad = imported("app_store_reviews", tmp_path / "reviews.xlsx")
    assert bad == []
    assert events == imported("app_store_reviews", source)[1]


def test_a_parquet_file_gives_the_same_as_its_csv(tmp_path: Path) -> None:
    source = example("purchases")
    columns: dict[str, list[Any]] = {
        name: [row[name] for row in _csv_rows(source)] for name in _csv_rows(source)[0]
    }
    columns["total"] = [Decimal(value) for value in columns["total"]]
    pq.write_table(pa.table(columns), tmp_path / "orders.parquet")
    _, events, bad = imported("purchases", tmp_path / "orders.parquet")
    assert bad == []
    assert events == imported("purchases", source)[1]


@pytest.mark.parametrize("name", ["broken.xlsx", "broken.parquet", "broken.pdf"])
def test_files_that_cannot_be_read_are_one_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"secret-words")
    with pytest.raises(UserError) as problem:
        imported("purchases", tmp_path / name)
    assert "secret" not in str(problem.value)
    assert "\n" not in str(problem.value)


def test_bad_lines_are_named_without_content(tmp_path: Path) -> None:
    lines = [
        {"review_id": 1, "review": "好", "stars": "secret-words", "nickname": "a"},
        {"review_id": 2, "review": "好", "stars": 9, "nickname": "a"},
        {"review_id": 3, "review": "好", "date": "secret-words", "nickname": "a"},
        {"review_id": 4, "review": "好", "date": "2090-01-01 00:00:00", "nickname": "a"},
        {"review_id": 5, "review": "好" * 20_001, "nickname": "a"},
        {"review_id": 6, "review": "没有名字"},
    ]
    path = tmp_path / "reviews.jsonl"
    path.write_bytes(b"\n".join([*map(orjson.dumps, lines), b"secret-words", b"[]"]))
    importer, events, bad = imported("app_store_reviews", path)
    assert [(line.line, line.problem) for line in bad] == [
        (1, "rating: not a number"),
        (2, "rating_out_of_scale rating"),
        (3, "occurred_at: not a time of the mapping's formats"),
        (4, "time_in_future occurred_at"),
        (5, "text_too_long text"),
        (7, "not JSON"),
        (8, "not a JSON object"),
    ]
    assert [event["author"] for event in events] == ["anonymous-appstore-6"]
    assert sum(importer.reasons.values()) == 7


def command(*words: str) -> Any:
    app = typer.Typer()
    app.command()(import_)
    return CliRunner().invoke(app, list(words))


def test_a_dry_run_tells_what_would_be_published() -> None:
    result = command(str(example("nps_survey")), "--mapping", "nps_survey", "--dry-run")
    assert result.exit_code == 0
    assert "rating                 2 of 2" in result.output
    assert "2 events would be published, 0 lines refused, 1 without words, 1 left out" in result.output
    assert "Waited three weeks" not in result.output


def test_the_list_names_every_mapping() -> None:
    output = command("--list").output
    assert all(name in output for name, _ in shipped())


def test_without_files_it_says_what_to_do() -> None:
    result = command()
    assert result.exit_code == 1
    assert "--list" in result.output
