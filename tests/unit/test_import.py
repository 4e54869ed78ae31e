"""Mapping files and the formats they read: every shipped mapping on its example, and what goes wrong."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from hypothesis import example as instance
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import ops.importing.rows
from models.intake import Limits
from ops.commands.import_ import import_
from ops.failures import UserError
from ops.importing.convert import Unfit, to_event
from ops.importing.importer import Importer
from ops.importing.mapping import Mapping, load, parse, shipped
from ops.importing.turns import TurnGroups
from ops.producing.reader import Parsed

NOW = 1_790_000_000_000
EXAMPLES = Path(ops.importing.rows.__file__).parent / "mappings" / "examples"


def imported(name: str, path: Path, **options: Any) -> tuple[Importer, list[dict[str, Any]], list[Parsed]]:
    importer = Importer(load(name), Limits(), NOW, **options)
    records = list(importer.records(path))
    events = [orjson.loads(record.value) for record in records if not isinstance(record, Parsed)]
    return importer, events, [record for record in records if isinstance(record, Parsed)]


def example(name: str) -> Path:
    (path,) = EXAMPLES.glob(f"{name}.*")
    return path


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


def test_chats_become_one_feedback_a_turn_of_the_customer() -> None:
    events = imported("chat_logs", example("chat_logs"))[1]
    assert [(event["id"], event["text"]) for event in events] == [
        ("c-1-1", "你好\n洗衣机漏水了，地板都泡了"),
        ("c-2-1", "Is the heat pump model in stock?"),
        ("c-1-2", "型号我找一下，你们太慢了"),
    ]
    assert events[1]["author"] == "v-77"


def test_calls_are_opened_segment_by_segment() -> None:
    events = imported("call_transcripts", example("call_transcripts"))[1]
    assert [event["text"] for event in events][:2] == ["空调不制冷\n已经报修两次了", "今天必须来人"]
    assert events[0]["attributes"] == {"call_id": "call-1", "line": "repairs"}


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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "not YAML, line"),
        ("[]", "the whole"),
        ("about: x", "fields"),
        ("about: x\nfields: {txt: a}", "txt is no field of the feedback contract"),
        ("about: x\ntarget: customer\nfields: {text: a}", "text is no field of the customer contract"),
        ("about: x\nfields: {text: {form: a}}", "fields.text"),
        ("about: x\nfields: {occurred_at: {from: a, zone: Nowhere/City}}", "no such time zone"),
        ("about: x\nfields: {rating: {from: a, span: [5, 1]}}", "fields.rating.span"),
    ],
)
def test_mappings_that_are_none_say_where(text: str, said: str) -> None:
    with pytest.raises(UserError) as problem:
        parse(text, "mine.yaml")
    assert str(problem.value).startswith("mine.yaml: ")
    assert said in str(problem.value)


def test_an_unknown_mapping_names_those_there_are() -> None:
    with pytest.raises(UserError, match="app_store_reviews, call_transcripts"):
        load("nothing")


def test_a_map_without_the_value_refuses_and_a_default_does_not() -> None:
    rule = {"about": "x", "fields": {"kind": {"from": "k", "map": {"a": "praise"}}}}
    with pytest.raises(Unfit, match="kind"):
        to_event({"k": "b"}, Mapping.model_validate(rule))
    assert to_event({"k": "A"}, Mapping.model_validate(rule)) == {"kind": "praise"}
    assert to_event({}, Mapping.model_validate(rule)) == {}


def test_times_without_a_zone_are_of_the_mapping_s_and_counted(tmp_path: Path) -> None:
    fields = {"text": "text", "occurred_at": "at", "customer_id": "who"}
    file = tmp_path / "t.jsonl"
    rows = [{"text": "hello", "who": "c1", "at": at} for at in ("2026-01-20 09:00", "2026-01-20T09:00:00Z")]
    file.write_bytes(b"\n".join(map(orjson.dumps, rows)))
    whole = {"about": "x", "constants": {"channel": "ticket"}, "fields": fields}
    mapping = tmp_path / "m.yaml"
    mapping.write_bytes(orjson.dumps(whole | {"zone": "Asia/Shanghai"}))
    importer, events, _ = imported(str(mapping), file)
    assert [event["occurred_at"][11:13] for event in events] == ["01", "09"]
    assert importer.zoneless == {"Asia/Shanghai": 1}
    app = typer.Typer()
    app.command()(import_)
    asked = [str(file), "--mapping", str(mapping), "--dry-run", "--zone"]
    told = CliRunner().invoke(app, [*asked, "Europe/Berlin"])
    assert "1 times without a zone are taken as Europe/Berlin" in told.output
    refused = CliRunner().invoke(app, [*asked, "Nowhere"])
    assert refused.exit_code == 1 and "no such time zone" in refused.output
    with pytest.raises(UserError, match="zone: .*no such time zone"):
        parse("about: x\nzone: Mars/City\nfields: {text: a}", "mine")


def test_daylight_saving_goes_by_the_zone() -> None:
    rule = {"about": "x", "fields": {"occurred_at": {"from": "t", "zone": "Europe/Berlin"}}}
    mapping = Mapping.model_validate(rule)
    winter, summer = (
        to_event({"t": "2026-01-01T12:00"}, mapping),
        to_event({"t": "2026-07-01T12:00"}, mapping),
    )
    assert (winter["occurred_at"][11:13], summer["occurred_at"][11:13]) == ("11", "10")
    assert to_event({"t": datetime(2026, 7, 1, tzinfo=UTC)}, mapping)["occurred_at"].startswith(
        "2026-07-01T00"
    )


def test_a_pause_ends_a_feedback() -> None:
    turns = load("chat_logs").turns
    assert turns is not None
    groups = TurnGroups(turns)

    def turn(minute: int) -> list[tuple[int, dict[str, Any]]]:
        row = {"conversation_id": "c", "role": "customer"}
        at = f"2026-01-01T10:{minute:02d}:00+00:00"
        return list(groups.add(minute, row, {"text": str(minute), "occurred_at": at}))

    assert turn(0) == turn(20) == []
    ((line, event),) = turn(51)
    assert (line, event["text"], event["id"]) == (0, "0\n20", "c-1")
    assert [event["id"] for _, event in groups.rest()] == ["c-2"]


SPEECH = st.lists(
    st.tuples(
        st.sampled_from("abc"), st.sampled_from(["customer", "agent", "bot"]), st.text("xyz ", max_size=3)
    ),
    max_size=30,
)


@given(speech=SPEECH)
def test_no_word_of_the_customer_is_lost_or_moved(speech: list[tuple[str, str, str]]) -> None:
    turns = load("chat_logs").turns
    assert turns is not None
    groups = TurnGroups(turns)

    def events() -> Iterator[dict[str, Any]]:
        for number, (conversation, role, text) in enumerate(speech):
            row = {"conversation_id": conversation, "role": role}
            event = {"text": text.strip()} if text.strip() else {}
            yield from (event for _, event in groups.add(number, row, event))
        yield from (event for _, event in groups.rest())

    found = list(events())
    assert len({event["id"] for event in found}) == len(found)
    for name in "abc":
        said = [
            text.strip()
            for where, role, text in speech
            if where == name and role == "customer" and text.strip()
        ]
        told = [line for event in found if event["id"].startswith(name) for line in event["text"].split("\n")]
        assert told == said


ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.decimals()
    | st.dates(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=5,
)


@given(row=st.dictionaries(st.sampled_from(["comment_id", "author", "content", "created", "likes"]), ANY))
@instance(row={"content": Decimal("sNaN"), "likes": Decimal("Infinity")})
def test_no_row_is_a_fault(row: dict[str, Any]) -> None:
    mapping = load("social_comments")
    try:
        event = to_event(row, mapping)
    except Unfit as problem:
        assert str(problem)
        return
    assert event["channel"] == "social"


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
