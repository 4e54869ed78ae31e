"""Feedback at the door: validate, normalise, resolve identity, mask."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pydantic import ValidationError

from models.events import MAX_TEXT, Feedback
from models.events.base import Origin
from models.identity import Links
from models.intake.privacy import FieldMask
from models.intake.rating import in_scale, polarity_of, to_unit
from models.intake.rejection import diagnose, unreadable
from models.outcome import DeadLetter, DeadReason, Emit, Outcome
from models.sentiment.language import guess_language

DAY_MS = 86_400_000
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_validate = Feedback.__pydantic_validator__.validate_json


@dataclass(frozen=True, slots=True)
class Limits:
    """What intake refuses.

    Parameters
    ----------
    max_bytes
        Largest value.
    future_ms, max_age_ms
        How far the event time may lie ahead of and behind the append.
    """

    max_bytes: int = 262_144
    future_ms: int = DAY_MS
    max_age_ms: int = 7300 * DAY_MS


class Judged(NamedTuple):
    """A feedback that is in order, still unmasked: never log it.

    Parameters
    ----------
    text
        The customer's words and the text of what was attached to them.
    """

    event: Feedback
    text: str
    occurred_ms: int


class Admission:
    """Turns a `feedback.raw` value into the masked record of a customer's log.

    Pure: the same value, origin and append time give the same record, so a replay is harmless.
    """

    def __init__(self, mask: FieldMask, links: Links, limits: Limits | None = None) -> None:
        self._mask = mask
        self._links = links
        self._limits = limits or Limits()

    def step(self, value: bytes | None, origin: Origin, appended_ms: int) -> Outcome[dict[str, Any]]:
        """Return the masked feedback (`models.events.MaskedFeedback` as a dict) or why not.

        Parameters
        ----------
        appended_ms
            Time of the append on `feedback.raw`, milliseconds since the epoch.
        """
        judged = self.judge(value, appended_ms)
        if isinstance(judged, DeadLetter):
            return judged
        return Emit(self._record(judged.event, judged.text, origin, judged.occurred_ms, appended_ms))

    def judge(self, value: bytes | None, appended_ms: int) -> Judged | DeadLetter:
        """Return the feedback as it will be admitted, or why it will not be."""
        return judge_feedback(value, appended_ms, self._limits)

    def _record(
        self, event: Feedback, text: str, origin: Origin, occurred_ms: int, appended_ms: int
    ) -> dict[str, Any]:
        channel = str(event.channel)
        masked = self._mask.text(text, channel)
        counts = dict(masked.counts)
        voice = self._mask.handle(channel, event.author) if event.author else None
        identifier, field = self._mask.identifier, self._mask.field
        ident = event.id and identifier("ID", event.id, counts)
        customer = event.customer_id and identifier("CUSTOMER", event.customer_id, counts)
        lang = field(event.lang, counts)
        linked = customer is not None
        if customer is None and voice is not None:
            owner = self._links.customer_of(voice)
            customer, linked = owner or voice, owner is not None
        attributes = {**(event.__pydantic_extra__ or {}), **event.attributes}
        rated = event.rating is not None
        return {
            "event": "feedback",
            "origin": origin,
            "feedback_id": ident or content_id(event),
            "customer_id": customer,
            "linked": linked,
            "voice": voice,
            "channel": channel,
            "text": masked.text,
            "lang": (lang or guess_language(text))[:16],
            "rating": to_unit(event.rating, event.scale) if event.rating is not None else None,
            "label": polarity_of(event.rating, event.scale) if rated and event.rating is not None else None,
            "kind": event.kind,
            "product": field(event.product, counts),
            "region": field(event.region, counts),
            "order_id": event.order_id and identifier("ORDER", event.order_id, counts),
            "occurred_at": occurred_ms,
            "received_at": appended_ms,
            "masked": counts,
            "media_pending": sum(1 for item in event.attachments if not item.text)
            if event.attachments
            else 0,
            "attributes": self._mask.attributes(attributes, counts) if attributes else attributes,
        }


def content_id(event: Feedback) -> str:
    """Return an id made of what was said, by whom and when, for producers that send none."""
    when = event.occurred_at.isoformat() if event.occurred_at else ""
    parts = (str(event.channel), event.customer_id or "", event.author or "", when, event.text)
    digest = hashlib.blake2b("\x1f".join(parts).encode(), digest_size=12)
    return "h" + digest.hexdigest()


def judge_feedback(value: bytes | None, appended_ms: int, limits: Limits) -> Judged | DeadLetter:
    """Validate a `feedback.raw` value without masking it.

    Parameters
    ----------
    appended_ms
        Time of the append, or now where it is still to come, milliseconds since the epoch.
    """
    if refused := unreadable(value, limits.max_bytes):
        return refused
    assert value is not None
    try:
        event: Feedback = _validate(value)
    except ValidationError as error:
        return diagnose(value, error)
    text = _words(event)
    if not text and not event.attachments:
        return DeadLetter(DeadReason.TEXT_MISSING, "text")
    if _CONTROL.search(text):
        text = _CONTROL.sub(" ", text)
    if event.rating is not None and not in_scale(event.rating, event.scale):
        return DeadLetter(DeadReason.RATING_RANGE, "rating")
    occurred_ms = millis(event.occurred_at) if event.occurred_at else appended_ms
    if occurred_ms > appended_ms + limits.future_ms:
        return DeadLetter(DeadReason.TIME_FUTURE, "occurred_at")
    if occurred_ms < appended_ms - limits.max_age_ms or occurred_ms < 0:
        return DeadLetter(DeadReason.TIME_PAST, "occurred_at")
    if event.customer_id is None and event.author is None:
        return DeadLetter(DeadReason.NO_IDENTITY, "customer_id")
    return Judged(event, text, occurred_ms)


def millis(moment: datetime) -> int:
    """Return milliseconds since the epoch; a time without a zone is UTC, whatever zone this machine is in.

    Examples
    --------
    >>> millis(datetime(1970, 1, 1, 0, 0, 2))
    2000
    """
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _words(event: Feedback) -> str:
    text = event.text.strip()
    if not event.attachments:
        return text
    attached = [item.text.strip() for item in event.attachments if item.text]
    return "\n".join(part for part in (text, *attached) if part)[:MAX_TEXT]
