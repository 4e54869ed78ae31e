"""Examples keep their contracts; the compatibility check finds what would break somebody."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from models.events import Alert, Feedback
from ops.docgen.asyncapi import agents
from ops.docgen.compatibility import breakages
from ops.docgen.contracts import CE_TYPES, contracts, contracts_of, direction_of, schema_of
from ops.docgen.examples import Example, contract_of, read_examples
from streams.alerts import add_alert
from streams.outbox import Layout, Outbox
from streams.pipeline import AGENTS as PIPELINE
from streams.topics import ALERTS, BY_NAME, CATALOG

EXAMPLES = read_examples(Path(__file__).parent.parent / "examples")
ALL = [example for cases in EXAMPLES.values() for example in cases]
OPAQUE = {topic.name for topic in CATALOG if topic.key in {"model/slot/part", "state key"}}
"""Topics that only the agent that writes them reads, in a form of its own."""


def test_every_topic_has_examples_and_no_other() -> None:
    assert EXAMPLES.keys() == BY_NAME.keys() - OPAQUE


@pytest.mark.parametrize("example", ALL, ids=lambda example: f"{example.topic}/{example.case}")
def test_example_keeps_a_contract_of_its_topic(example: Example) -> None:
    topic = BY_NAME[example.topic]
    assert example.note.endswith(".")
    if example.value is None:
        assert topic.compacted, "only a compacted topic has records without a value"
    elif contracts_of(topic):
        model = contract_of(topic, example.value)
        assert model is not None
        Draft202012Validator(schema_of(model)).validate(example.value)


def test_feedback_examples_cover_every_channel_in_both_languages() -> None:
    feedback = [Feedback.model_validate_json(json.dumps(e.value)) for e in EXAMPLES["feedback.raw"]]
    seen = {(str(event.channel), event.lang) for event in feedback}
    channels = Feedback.model_json_schema()["$defs"]["Channel"]["enum"]
    assert {(channel, lang) for channel in channels for lang in ("zh", "en")} <= seen
    assert {event.scale for event in feedback if event.rating is not None} >= {
        "stars",
        "nps",
        "csat",
        "thumbs",
    }


def test_keys_of_examples_are_those_the_catalogue_names() -> None:
    for example in ALL:
        if BY_NAME[example.topic].key == "customer":
            assert example.key in {example.value["customer_id"], example.value.get("author")}


def test_every_agent_of_the_pipeline_is_in_the_catalogue() -> None:
    assert set(agents()) >= PIPELINE.keys()


def test_alerts_travel_with_the_declared_type() -> None:
    out = Outbox(Layout({ALERTS: 1}))
    add_alert(out, "drift", "sentiment/error", "it went up", "warning", 1_773_813_600_000)
    ((_, value, headers),) = out.batches()[ALERTS, 0]
    assert value is not None
    Alert.model_validate_json(value)
    assert dict(headers)["ce_type"].decode() == CE_TYPES["Alert"]
    assert CE_TYPES.keys() <= contracts().keys()


def _changed(name: str, edit: Any) -> list[str]:
    old = schema_of(contracts()[name])
    new = copy.deepcopy(old)
    edit(new)
    return breakages(name, old, new, direction_of(contracts()[name]))


@pytest.mark.parametrize("name", contracts())
def test_published_schemas_are_json_schema(name: str) -> None:
    Draft202012Validator.check_schema(schema_of(contracts()[name]))


@pytest.mark.parametrize("name", contracts())
def test_an_unchanged_contract_breaks_nobody(name: str) -> None:
    assert _changed(name, lambda schema: None) == []


INBOUND = {
    "required": (lambda s: s["required"].append("lang"), "Feedback.lang became required"),
    "removed": (lambda s: s["properties"].pop("region"), "Feedback.region was removed"),
    "type": (
        lambda s: s["properties"].update(text={"type": "integer"}),
        "Feedback.text no longer takes string",
    ),
    "null": (
        lambda s: s["properties"].update(rating={"type": "number"}),
        "Feedback.rating no longer takes null",
    ),
    "integer only": (
        lambda s: s["properties"]["rating"]["anyOf"][0].update(type="integer"),
        "Feedback.rating no longer takes number",
    ),
    "enum": (
        lambda s: s["$defs"]["Channel"]["enum"].remove("video"),
        "Feedback.channel no longer takes video",
    ),
    "const": (
        lambda s: s["properties"].update(scale={"type": "string", "const": "stars"}),
        "Feedback.scale no longer takes csat, nps, percent, thumbs",
    ),
    "shorter": (
        lambda s: s["properties"]["text"].update(maxLength=100),
        "Feedback.text has a maxLength of 100",
    ),
    "longer": (lambda s: s["properties"]["text"].update(minLength=2), "Feedback.text has a minLength of 2"),
    "pattern": (lambda s: s["properties"]["text"].update(pattern="^a"), "Feedback.text has another pattern"),
    "closed": (lambda s: s.update(additionalProperties=False), "Feedback is closed now"),
    "inner": (
        lambda s: s["$defs"]["Attachment"]["required"].append("text"),
        "Feedback.attachments[].text became required",
    ),
}
OUTBOUND = {
    "removed": (lambda s: s["properties"].pop("team"), "Action.team was removed"),
    "type": (lambda s: s["properties"].update(team={"type": "integer"}), "Action.team changed from string"),
    "null": (
        lambda s: s["properties"].update(team={"anyOf": [{"type": "string"}, {"type": "null"}]}),
        "Action.team changed from string to null or string",
    ),
    "fraction": (
        lambda s: s["properties"]["deadline"].update(type="number"),
        "Action.deadline changed from integer to number",
    ),
    "optional": (lambda s: s["required"].remove("deadline"), "Action.deadline became optional"),
}


@pytest.mark.parametrize("edit, sentence", INBOUND.values(), ids=INBOUND)
def test_what_would_refuse_producers_is_found(edit: Any, sentence: str) -> None:
    (said,) = _changed("Feedback", edit)
    assert said.startswith(sentence) and said.endswith(".")


@pytest.mark.parametrize("edit, sentence", OUTBOUND.values(), ids=OUTBOUND)
def test_what_would_surprise_consumers_is_found(edit: Any, sentence: str) -> None:
    (said,) = _changed("Action", edit)
    assert said.startswith(sentence) and said.endswith(".")


@pytest.mark.parametrize(
    "name, edit",
    [
        ("Feedback", lambda s: s["properties"].update(mood={"type": "string"})),
        ("Feedback", lambda s: s["$defs"]["Channel"]["enum"].append("fax")),
        ("Feedback", lambda s: s["required"].remove("channel")),
        ("Feedback", lambda s: s["properties"]["text"].update(maxLength=40_000)),
        ("Outcome", lambda s: s["properties"]["value"].update(anyOf=[{"type": "number"}, {"type": "null"}])),
        ("Action", lambda s: s["properties"].update(mood={"type": "string"})),
        ("Action", lambda s: s["$defs"]["ActionKind"]["enum"].append("gift")),
        ("Action", lambda s: s["properties"]["priority"].update(description="0 … 1")),
    ],
)
def test_growth_breaks_nobody(name: str, edit: Any) -> None:
    assert _changed(name, edit) == []
