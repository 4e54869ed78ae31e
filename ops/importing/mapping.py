"""Mapping files: which field of a row becomes which field of the contract."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)

from models.events import CustomerEvent, Feedback
from ops.failures import UserError


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("no such time zone") from None
    return name


Zone = Annotated[str, AfterValidator(_zone)]


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Paths = Annotated[list[str], BeforeValidator(_listed)]
"""Field paths of a row, the first that is not empty counts; `a.b` reaches into nested objects."""


class FieldRule(_Closed):
    """How one field of the event is made; each part is applied in the order written here."""

    paths: Paths = Field(default_factory=list, alias="from")
    join: list[str] = Field(default_factory=list, description="paths whose texts are put together")
    separator: str = "\n"
    default: Any = Field(default=None, description="where the row has nothing")
    map: dict[str, Any] | None = Field(default=None, description="value of the row, lower case → value")
    formats: list[str] = Field(
        default_factory=list, description="times: strptime formats, iso, epoch or epoch_ms, tried in order"
    )
    zone: Zone | None = Field(default=None, description="zone of times that name none; else the mapping's")
    span: tuple[float, float] | None = Field(
        default=None, description="ratings: lowest and highest value of a scale that is none of ours"
    )
    prefix: str = Field(default="", description="put before ids, to tell sources apart")

    @field_validator("span")
    @classmethod
    def _ordered(cls, span: tuple[float, float] | None) -> tuple[float, float] | None:
        if span is not None and not span[0] < span[1]:
            raise ValueError("lowest and highest value")
        return span


def _as_rule(value: object) -> object:
    return {"from": value} if isinstance(value, (str, list)) else value


class Turns(_Closed):
    """Conversations: consecutive turns of the customer become one feedback.

    Parameters
    ----------
    conversation, speaker
        Paths.
    customer
        Speakers, lower case, that are the customer.
    gap_minutes
        A pause that ends a feedback though nobody else spoke.
    """

    conversation: str
    speaker: str
    customer: list[str]
    gap_minutes: float = 30.0


class Mapping(_Closed):
    """One mapping file."""

    about: str
    target: Literal["feedback", "customer"] = "feedback"
    sheet: str | None = None
    zone: Zone = Field(default="UTC", description="zone of times that name none, IANA")
    each: str | None = Field(default=None, description="path of a list; each item is a row of its own")
    turns: Turns | None = None
    skip: dict[str, list[str]] = Field(default_factory=dict, description="path → values of rows to leave out")
    constants: dict[str, Any] = Field(default_factory=dict)
    fields: dict[str, Annotated[FieldRule, BeforeValidator(_as_rule)]]
    attributes: list[str] = Field(default_factory=list, description="paths kept beside the contract")

    def unknown(self) -> str | None:
        """Return a field the contract does not have, None when all are known."""
        contract: type[BaseModel] = Feedback if self.target == "feedback" else CustomerEvent
        named = [*self.constants, *self.fields]
        return next((name for name in named if name not in contract.model_fields), None)


_SHIPPED = files(__package__) / "mappings"


def shipped() -> Iterator[tuple[str, Mapping]]:
    """Yield name and mapping of those that come with Hark."""
    for entry in sorted(_SHIPPED.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".yaml"):
            name = entry.name.removesuffix(".yaml")
            yield name, parse(entry.read_text(encoding="utf-8"), name)


def load(name: str) -> Mapping:
    """Return a shipped mapping by name, or the one in a file.

    Raises
    ------
    UserError
        When there is none, or it is not a mapping; the message says where it is wrong.
    """
    entry = _SHIPPED / f"{name}.yaml"
    if "/" not in name and entry.is_file():
        return parse(entry.read_text(encoding="utf-8"), name)
    path = Path(name)
    if not path.is_file():
        known = ", ".join(known for known, _ in shipped())
        raise UserError(f"no mapping {name}: give a file, or one of {known}")
    return parse(path.read_text(encoding="utf-8"), name)


def in_zone(mapping: Mapping, zone: str) -> Mapping:
    """Return a mapping whose times that name no zone are of this one, where no field says otherwise.

    Raises
    ------
    UserError
        When there is no such zone.
    """
    try:
        return mapping.model_copy(update={"zone": _zone(zone)})
    except ValueError as error:
        raise UserError(f"--zone {zone}: {error}; it looks like Europe/Berlin") from None


def parse(text: str, name: str) -> Mapping:
    """Return the mapping a YAML text describes.

    Raises
    ------
    UserError
        When it describes none.
    """
    try:
        mapping = Mapping.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise UserError(f"{name}: not YAML{f', line {mark.line + 1}' if mark else ''}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise UserError(f"{name}: {where}: {first['msg']}") from None
    if wrong := mapping.unknown():
        raise UserError(f"{name}: {wrong} is no field of the {mapping.target} contract; use attributes")
    return mapping
