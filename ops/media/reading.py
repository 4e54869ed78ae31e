"""From a feedback whose attachments have no text to a follow-up that says what they hold.

The feedback itself never waits: intake sends it on and counts what is pending. What a picture says
comes as a second feedback of the same voice, with an id made of the first one's, so that reading it
twice changes nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import orjson

from models.events import Attachment
from models.intake import Judged, Limits, content_id, judge_feedback
from models.media import Folder, Refused, Transcribers, Unread
from models.outcome import DeadLetter

MOST_ID = 128
_CARRIED = ("channel", "customer_id", "author", "lang", "product", "region", "order_id")


@dataclass(slots=True)
class Read:
    """What came of one feedback: the follow-up, if any, and how each attachment went."""

    value: bytes | None = None
    outcomes: list[tuple[str, str]] = field(default_factory=list)


class MediaReader:
    """Reads attachments without a text.

    Parameters
    ----------
    limits
        Intake's limits; what it refuses is not read.
    """

    def __init__(self, transcribers: Transcribers, folder: Folder, limits: Limits) -> None:
        self._transcribers = transcribers
        self._folder = folder
        self._limits = limits

    def read(self, value: bytes | None, appended_ms: int) -> Read:
        """Return the follow-up of a `feedback.raw` value; takes seconds, so call it in a thread."""
        # Most events have none: 0.1 µs instead of a parse.
        if not value or b'"attachments"' not in value:
            return Read()
        judged = judge_feedback(value, appended_ms, self._limits)
        if isinstance(judged, DeadLetter):
            return Read()
        result, texts = Read(), []
        for item in judged.event.attachments:
            if item.text:
                continue
            text, outcome = self._one(item, judged.event.lang or "")
            result.outcomes.append((item.kind, outcome))
            if text:
                texts.append(text)
        if texts:
            result.value = _follow_up(judged, "\n".join(texts), appended_ms)
        return result

    def _one(self, item: Attachment, lang: str) -> tuple[str, str]:
        transcriber = self._transcribers.of(item.kind)
        if transcriber is None:
            return "", "no_transcriber"
        try:
            text = transcriber.transcribe(self._folder.read(item.uri), lang).strip()
        except Refused:
            return "", "refused"
        except Unread:
            return "", "unread"
        return text, "read" if text else "empty"


def _follow_up(judged: Judged, text: str, appended_ms: int) -> bytes:
    event = judged.event
    first = event.id or content_id(event)
    ident = f"{first}.media"
    if len(ident) > MOST_ID:
        ident = "m" + hashlib.blake2b(first.encode(), digest_size=12).hexdigest()
    carried: dict[str, Any] = {
        name: value for name in _CARRIED if (value := getattr(event, name)) is not None
    }
    return orjson.dumps(
        {
            **carried,
            "id": ident,
            "text": text[:20_000],
            "occurred_at": judged.occurred_ms / 1000,
            "attributes": {"media_of": first},
        }
    )
