"""Customer events, outcomes and labels at the door, as facts of the customer's log."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ValidationError

from models.events import CustomerEvent, Label, Outcome
from models.events.base import Origin
from models.intake.admission import Limits, millis
from models.intake.privacy import FieldMask
from models.intake.rejection import diagnose, unreadable
from models.outcome import DeadLetter, DeadReason, Emit
from models.outcome import Outcome as StepOutcome

_FIELDS: dict[str, tuple[type[BaseModel], tuple[str, ...], tuple[str, ...]]] = {
    "customer": (CustomerEvent, ("product", "tier", "segment", "region", "time_zone"),
                 ("amount", "quantity", "lifetime_value", "express")),
    "outcome": (Outcome, ("action_id",), ("value",)),
    "label": (Label, ("feedback_id", "model"), ()),
}  # fmt: skip


ERASE = "erase"
_LEAST_NUMBER = 1e9
"""Below this no number of a person fits."""


def is_erasure(event: Mapping[str, Any]) -> bool:
    """Tell whether a record of a customer's log asks to forget the customer.

    It goes through the log like any customer event, so whatever stands before it is forgotten, a
    replay forgets again, and what the customer says afterwards is theirs anew.

    Examples
    --------
    >>> is_erasure({"event": "customer", "kind": "erase"}), is_erasure({"event": "feedback", "kind": None})
    (True, False)
    """
    return bool(event["event"] == "customer" and event["kind"] == ERASE)


class FactAdmission:
    """Turns values of `customers.events`, `outcomes` and `labels` into `CustomerFact` dicts.

    Parameters
    ----------
    event
        "customer", "outcome" or "label".
    """

    def __init__(self, event: str, mask: FieldMask, limits: Limits | None = None) -> None:
        _, self._texts, self._numbers = _FIELDS[event]
        self._event = event
        self._mask = mask
        self._limits = limits or Limits()

    def step(self, value: bytes | None, origin: Origin, appended_ms: int) -> StepOutcome[dict[str, Any]]:
        """Return the fact, with unknown fields left out, or why not."""
        fact = judge_fact(self._event, value, appended_ms, self._limits)
        if isinstance(fact, DeadLetter):
            return fact
        assert value is not None
        # Declared fields alone: a field nobody declared may hold anything, and asking a pydantic model for
        # one it does not have takes 3 µs.
        said = fact.__dict__
        occurred_ms = _millis(fact.occurred_at) or appended_ms
        if refused := self._number_of_a_person(said):
            return DeadLetter(DeadReason.INVALID, refused)
        texts = {name: said[name] for name in self._texts}
        stated = said.get("value")
        kind = said.get("kind") or fact.model
        found: dict[str, int] = {}
        customer = self._mask.identifier("CUSTOMER", fact.customer_id, found)
        ident = fact.id and self._mask.identifier("ID", fact.id, found)
        texts = {name: self._mask.field(text, found) for name, text in texts.items()}
        if isinstance(stated, str):
            stated = self._mask.field(stated, found)
        record: dict[str, Any] = {
            "event": self._event,
            "origin": origin,
            "id": ident or _content_id(self._event, customer, kind, value),
            "customer_id": customer,
            "kind": kind,
            "occurred_at": occurred_ms,
            "received_at": appended_ms,
        }
        record.update((name, text) for name, text in texts.items() if text is not None)
        record.update((name, said[name]) for name in self._numbers if said[name] is not None)
        if self._event == "label":
            record["value"] = stated
        if (since := _millis(said.get("since"))) is not None:
            record["since"] = max(0, since)
        return Emit(record)

    def _number_of_a_person(self, said: Mapping[str, Any]) -> str | None:
        """Return the numeric field that holds a telephone, card or citizen number instead of a quantity."""
        for name in ("value", *self._numbers):
            number = said.get(name)
            if isinstance(number, float) and abs(number) >= _LEAST_NUMBER and number.is_integer():
                found: dict[str, int] = {}
                self._mask.field(str(int(abs(number))), found)
                if found:
                    return name
        return None


def judge_fact(event: str, value: bytes | None, appended_ms: int, limits: Limits) -> Any | DeadLetter:
    """Validate a value of `customers.events`, `outcomes` or `labels` without masking it.

    Returns
    -------
    models.events.CustomerEvent, Outcome or Label, or DeadLetter
        What was read, or why not.
    """
    if refused := unreadable(value, limits.max_bytes):
        return refused
    assert value is not None
    try:
        fact: Any = _FIELDS[event][0].__pydantic_validator__.validate_json(value)
    except ValidationError as error:
        return diagnose(value, error)
    for name in ("occurred_at", "since"):
        if (_millis(fact.__dict__.get(name)) or 0) > appended_ms + limits.future_ms:
            return DeadLetter(DeadReason.TIME_FUTURE, name)
    return fact


def _millis(moment: datetime | None) -> int | None:
    return None if moment is None else millis(moment)


def _content_id(event: str, customer: str, kind: str, value: bytes) -> str:
    digest = hashlib.blake2b(
        b"\x1f".join((event.encode(), customer.encode(), kind.encode(), value)), digest_size=12
    )
    return "h" + digest.hexdigest()
