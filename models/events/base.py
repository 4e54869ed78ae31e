"""Base classes and shared field types of every contract."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

MAX_TEXT = 20_000
"""Longest feedback text accepted, in code points; longer texts are dead letters."""

Identifier = Annotated[str, StringConstraints(min_length=1, max_length=128, strip_whitespace=True)]
Token = Annotated[str, StringConstraints(max_length=64)]
Millis = Annotated[int, Field(ge=0, description="milliseconds since the Unix epoch, UTC")]


Origin = tuple[str, int, int]
"""Topic, partition and offset of the input record; every hop drops what it has already seen of one."""


def _as_utc(value: object) -> object:
    """Read a naive ISO time as UTC, so that no producer's time zone is guessed."""
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value


EventTime = Annotated[datetime, BeforeValidator(_as_utc)]
"""ISO 8601 or a number (seconds or milliseconds since the epoch); no zone means UTC."""


class Inbound(BaseModel):
    """Where producers write: tolerant, so unknown fields are kept rather than refused."""

    model_config = ConfigDict(extra="allow", str_strip_whitespace=False, allow_inf_nan=False)


class Outbound(BaseModel):
    """Where Hark writes: closed, so that a stray field is a failing test."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Channel(StrEnum):
    """Where a feedback was said."""

    APP = "app"
    WEB = "web"
    TICKET = "ticket"
    CALL = "call"
    CHAT = "chat"
    SOCIAL = "social"
    REVIEW = "review"
    SURVEY = "survey"
    COMMUNITY = "community"
    EMAIL = "email"
    VIDEO = "video"
