"""Which contracts there are, which topics carry them, and their JSON Schemas."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from models import events
from models.events.base import Inbound
from rules.publish import CatalogRecord
from streams.topics import CATALOG, FEEDBACK_MASKED, FEEDBACK_SCORED, RULES_CATALOG, Topic

Direction = Literal["inbound", "outbound"]
Json = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
BESIDE: dict[str, tuple[type[BaseModel], ...]] = {
    FEEDBACK_MASKED: (events.CustomerFact,),
    FEEDBACK_SCORED: (events.CustomerFact,),
    RULES_CATALOG: (CatalogRecord,),
}
"""Contracts a topic carries besides the one its table row names."""

CE_TYPES: dict[str, str] = {
    "MaskedFeedback": "hark.feedback.masked",
    "ScoredFeedback": "hark.feedback.scored",
    "CustomerFact": "hark.customer.fact",
    "Decision": "hark.decision",
    "Action": "hark.action.<kind>",
    "WorkOrderChange": "hark.work_order.change",
    "Alert": "hark.alert",
    "Assignment": "hark.assignment",
    "CatalogRecord": "hark.rule.change",
    "DeadLetterRecord": "hark.dead_letter",
    "ModelMetric": "hark.model.metric",
}
"""`ce_type` of the contracts that travel with CloudEvents headers."""


class Schemas(GenerateJsonSchema):
    """Says that a time may be a number too, as `models.events.base.EventTime` reads it."""

    def datetime_schema(self, schema: core_schema.DatetimeSchema) -> JsonSchemaValue:
        """Return the schema of a time."""
        return {"anyOf": [super().datetime_schema(schema), {"type": "number"}]}


def contracts_of(topic: Topic) -> tuple[type[BaseModel], ...]:
    """Return the contracts a topic carries; none for what only Hark itself reads.

    Examples
    --------
    >>> from streams.topics import BY_NAME
    >>> [model.__name__ for model in contracts_of(BY_NAME["feedback.masked"])]
    ['MaskedFeedback', 'CustomerFact']
    """
    return ((topic.contract,) if topic.contract else ()) + BESIDE.get(topic.name, ())


def contracts() -> dict[str, type[BaseModel]]:
    """Return every contract by name, sorted."""
    found = {model.__name__: model for topic in CATALOG for model in contracts_of(topic)}
    return dict(sorted(found.items()))


def direction_of(model: type[BaseModel]) -> Direction:
    """Return who writes a contract: producers ("inbound") or Hark ("outbound").

    Examples
    --------
    >>> direction_of(events.Feedback), direction_of(events.Action)
    ('inbound', 'outbound')
    """
    return "inbound" if issubclass(model, Inbound) else "outbound"


def schema_of(model: type[BaseModel]) -> Json:
    """Return the JSON Schema (draft 2020-12) of one contract, on its own."""
    return {"$schema": DIALECT, **model.model_json_schema(schema_generator=Schemas)}


def components(models: Iterable[type[BaseModel]], template: str) -> Json:
    """Return the schemas of several contracts and all they are made of, by name, sharing parts.

    Parameters
    ----------
    template
        How one schema points at another, with `{model}` for the name.
    """
    mode: Literal["validation"] = "validation"
    wanted = [(model, mode) for model in models]
    _, shared = models_json_schema(wanted, ref_template=template, schema_generator=Schemas)
    return dict(sorted(shared["$defs"].items()))
