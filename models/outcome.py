"""What a step returns: expected failures are values, unexpected ones crash.

A step takes one event and returns exactly one of `Emit`, `Drop` or `DeadLetter`; one handler
(`streams.route`) does all sending.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

T = TypeVar("T")


class DropReason(StrEnum):
    """Why an event rightly leaves the stream."""

    DUPLICATE = "duplicate"
    STALE_STATUS = "stale_status"
    ERASED = "erased"
    FLOOD = "flood"


class DeadReason(StrEnum):
    """Why an event could not be processed; stable codes, counted and listed."""

    EMPTY = "empty_value"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    NOT_OBJECT = "not_object"
    SURROGATE = "lone_surrogate"
    TOO_LARGE = "too_large"
    TEXT_TOO_LONG = "text_too_long"
    TEXT_MISSING = "text_missing"
    INVALID = "invalid_field"
    RATING_RANGE = "rating_out_of_scale"
    TIME_FUTURE = "time_in_future"
    TIME_PAST = "time_too_old"
    NO_IDENTITY = "no_customer_or_author"
    UNKNOWN_LABEL_TARGET = "unknown_label_target"
    POISON = "poison"


@dataclass(frozen=True, slots=True)
class Emit(Generic[T]):
    """The event goes on, as `value`."""

    value: T


@dataclass(frozen=True, slots=True)
class Drop:
    """The event ends here, counted under `reason`."""

    reason: DropReason


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """The event cannot be processed.

    Parameters
    ----------
    reason
        Stable code.
    field
        Path of the offending field ("rating.value"), never its content.
    """

    reason: DeadReason
    field: str = ""


Outcome = Emit[T] | Drop | DeadLetter
