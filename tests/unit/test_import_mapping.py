"""What a mapping says: files that are none, values it does not know, times without a zone."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
import typer
from hypothesis import example as instance
from hypothesis import given
from hypothesis import strategies as st
from import_examples import imported
from typer.testing import CliRunner

from ops.commands.import_ import import_
from ops.failures import UserError
from ops.importing.convert import Unfit, to_event
from ops.importing.mapping import Mapping, load, parse


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
