"""Identity links at the door: applied to every later feedback, and told to the store."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from models.events import Link
from models.events.base import Origin
from models.identity import Links
from models.intake.admission import Limits, millis
from models.intake.privacy import FieldMask
from models.intake.rejection import diagnose, unreadable
from models.outcome import DeadLetter, DeadReason, Emit, Outcome

VOICE = "voice"
"""Event of the records that logs tell each other of a voice; they go no further than the scorer."""

LINKED, UNLINKED = "linked", "unlinked"
_validate = Link.__pydantic_validator__.validate_json


class LinkAdmission:
    """Turns values of `customers.links` into facts of the customers' logs.

    The fact holds the voice's pseudonym and never the handle, so the store can join what a voice
    said before the link (`linked`, `unlinked`; `ops/docs/sources.md`). An unlinked voice has its own
    log, because the record that unlinks names no customer.

    Parameters
    ----------
    links
        What `apply` changes; it is what `Admission` asks.
    """

    def __init__(self, mask: FieldMask, links: Links, limits: Limits | None = None) -> None:
        self._mask = mask
        self._links = links
        self._limits = limits or Limits()

    def apply(self, key: bytes | None, value: bytes | None) -> DeadLetter | None:
        """Apply a record of the broadcast; returns why it is refused, None when it is applied.

        An empty value is a tombstone: its key, `channel:author`, says whose link is forgotten.
        """
        if not value:
            voice = self._named(key)
            if voice is None:
                return DeadLetter(DeadReason.EMPTY)
            self._links.put(voice, None, "withdrawn", "")
            return None
        link = judge_link(value, self._limits)
        if isinstance(link, DeadLetter):
            return link
        voice, customer = self._resolve(link)
        self._links.put(voice, customer, link.consent, link.basis or "")
        return None

    def step(self, value: bytes | None, origin: Origin, appended_ms: int) -> Outcome[dict[str, Any]]:
        """Return the fact (`models.events.CustomerFact` as a dict) or why not."""
        link = judge_link(value, self._limits)
        if isinstance(link, DeadLetter):
            return link
        if link.occurred_at and millis(link.occurred_at) > appended_ms + self._limits.future_ms:
            return DeadLetter(DeadReason.TIME_FUTURE, "occurred_at")
        voice, customer = self._resolve(link)
        owner = customer if link.consent == "granted" else None
        occurred_ms = millis(link.occurred_at) if link.occurred_at else appended_ms
        kind = UNLINKED if owner is None else LINKED
        said = "\x1f".join((kind, voice, owner or "", str(occurred_ms)))
        return Emit(
            {
                "event": "customer",
                "origin": origin,
                "id": "l" + hashlib.blake2b(said.encode(), digest_size=12).hexdigest(),
                "customer_id": owner or voice,
                "kind": kind,
                "value": voice,
                "occurred_at": max(0, occurred_ms),
                "received_at": appended_ms,
            }
        )

    def forgotten(self, key: bytes | None, origin: Origin, appended_ms: int) -> dict[str, Any] | None:
        """Return what a voice's log is told of an empty value under `key`, None where it names no voice."""
        voice = self._named(key)
        if voice is None or (key or b"").startswith(b"~"):  # our own marks, see `ops.erase`
            return None
        _, partition, offset = origin
        told = {"origin": origin, "id": f"l{partition}-{offset}", "occurred_at": appended_ms}
        return _told(voice, UNLINKED, told | {"received_at": appended_ms})

    def _named(self, key: bytes | None) -> str | None:
        """Return the voice that a key, `channel:author`, names."""
        channel, colon, author = (key or b"").decode(errors="replace").partition(":")
        return self._mask.handle(channel, author) if colon and author else None

    def _resolve(self, link: Link) -> tuple[str, str | None]:
        voice = self._mask.handle(str(link.channel), link.author)
        # An e-mail address may serve as customer id: the same pseudonym as on the customer's own events.
        customer = link.customer_id and self._mask.identifier("CUSTOMER", link.customer_id, {})
        return voice, customer


def told_of(link: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what a voice's log is told of a link, None where the fact of the link already stands there.

    Parameters
    ----------
    link
        The fact of `LinkAdmission.step`.
    """
    voice, customer = link["value"], link["customer_id"]
    if link["kind"] != LINKED or voice == customer:
        return None
    return _told(voice, LINKED, link) | {"value": customer}


def _told(voice: str, kind: str, of: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record of a voice's log that follows from another, given by origin, id and times."""
    topic, partition, offset = of["origin"]
    return {
        "event": VOICE,
        # Both records of one link may come to one partition, whose fence passes an origin once.
        "origin": (f"{topic}/{VOICE}", partition, offset),
        "id": f"{of['id']}/{VOICE}",
        "customer_id": voice,
        "kind": kind,
        "occurred_at": of["occurred_at"],
        "received_at": of["received_at"],
    }


def judge_link(value: bytes | None, limits: Limits) -> Link | DeadLetter:
    """Validate a value of `customers.links`."""
    if refused := unreadable(value, limits.max_bytes):
        return refused
    assert value is not None
    try:
        link: Link = _validate(value)
    except ValidationError as error:
        return diagnose(value, error)
    return link
