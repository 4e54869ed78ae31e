"""What services answer, as facts of the customer's log: rules that wait for an answer see it there."""

from __future__ import annotations

import hashlib
from typing import Any

from pydantic import ValidationError

from models.events import ActionStatus
from models.events.base import Origin
from models.intake.admission import Limits, millis
from models.intake.privacy import FieldMask
from models.intake.rejection import unreadable
from models.outcome import Drop, DropReason, Emit, Outcome


class StatusAdmission:
    """Turns values of `actions.status` into facts.

    What breaks the contract is dropped here without a word: follow_up reads the same topic and makes it a
    dead letter, and one record needs only one.
    """

    def __init__(self, mask: FieldMask, limits: Limits | None = None) -> None:
        self._mask = mask
        self._limits = limits or Limits()

    def step(self, value: bytes | None, origin: Origin, appended_ms: int) -> Outcome[dict[str, Any]]:
        """Return the fact (`models.events.CustomerFact` as a dict)."""
        if unreadable(value, self._limits.max_bytes) or value is None:
            return Drop(DropReason.STALE_STATUS)
        try:
            said = ActionStatus.model_validate_json(value)
        except ValidationError:
            return Drop(DropReason.STALE_STATUS)
        at = appended_ms if said.occurred_at is None else min(appended_ms, millis(said.occurred_at))
        found: dict[str, int] = {}
        words = (said.action_id, said.status, said.by or "", said.reason or "", str(said.occurred_at or ""))
        digest = hashlib.blake2b("\x1f".join(words).encode(), digest_size=12).hexdigest()
        record: dict[str, Any] = {
            "event": "action_status",
            "origin": origin,
            "id": f"s{digest}",
            "customer_id": self._mask.identifier("CUSTOMER", said.customer_id, found),
            "kind": str(said.status),
            "action_id": self._mask.identifier("ID", said.action_id, found),
            "status": str(said.status),
            "occurred_at": max(0, at),
            "received_at": appended_ms,
        }
        for name in ("by", "reason"):
            if (text := getattr(said, name)) is not None:
                record[name] = self._mask.field(text, found)
        return Emit(record)
