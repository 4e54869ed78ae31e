"""Feedback as producers send it (`feedback.raw`) and as it goes on (`feedback.masked`)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from models.events.base import (
    MAX_TEXT,
    Channel,
    EventTime,
    Identifier,
    Inbound,
    Millis,
    Origin,
    Outbound,
    Token,
)

Scale = Literal["stars", "nps", "csat", "percent", "thumbs"]
Kind = Literal["complaint", "suggestion", "praise", "question", "request"]

SCALES: dict[str, tuple[float, float]] = {
    "stars": (1.0, 5.0),
    "nps": (0.0, 10.0),
    "csat": (1.0, 5.0),
    "percent": (0.0, 100.0),
    "thumbs": (0.0, 1.0),
}
"""Lowest and highest value of each rating scale."""


class Attachment(Inbound):
    """A picture, voice or video that came with the words."""

    kind: Literal["image", "audio", "video"]
    uri: Annotated[str, StringConstraints(max_length=2048)]
    media_type: Token | None = None
    text: Annotated[str, StringConstraints(max_length=MAX_TEXT)] | None = None


class Feedback(Inbound):
    """One thing a customer said, as a producer publishes it to `feedback.raw`.

    Survey answers, ticket fields and transcripts fit the same contract; what has no field of
    its own is kept in `attributes`.
    """

    id: Identifier | None = Field(default=None, description="producer's id; made from the content if absent")
    channel: Channel
    text: Annotated[str, StringConstraints(max_length=MAX_TEXT)] = Field(
        default="", description="what was said; may be absent where an attachment says it"
    )
    customer_id: Identifier | None = None
    author: Annotated[str, StringConstraints(min_length=1, max_length=256)] | None = Field(
        default=None, description="channel handle; needed when customer_id is absent"
    )
    rating: float | None = None
    scale: Scale = "stars"
    kind: Kind | None = None
    lang: Annotated[str, StringConstraints(max_length=16)] | None = None
    product: Annotated[str, StringConstraints(max_length=128)] | None = None
    region: Annotated[str, StringConstraints(max_length=128)] | None = None
    order_id: Annotated[str, StringConstraints(max_length=128)] | None = None
    occurred_at: EventTime | None = Field(default=None, description="defaults to the time of the append")
    attributes: dict[str, Any] = Field(default_factory=dict)
    attachments: list[Attachment] = Field(default_factory=list, max_length=16)


class MaskedFeedback(Outbound):
    """A valid feedback without personal data, keyed by customer (`feedback.masked`)."""

    event: Literal["feedback"] = "feedback"
    origin: Origin
    feedback_id: str
    customer_id: str
    linked: bool = Field(description="false: customer_id is the pseudonym of an unlinked voice")
    voice: str | None = Field(description="pseudonym of channel and handle, where an author was given")
    channel: Channel
    text: str
    lang: str = Field(description="zh, en or another ISO 639 code; guessed where not given")
    rating: float | None = Field(description="on one scale: -1 worst … 1 best")
    label: bool | None = Field(description="polarity the rating states; null between")
    kind: Kind | None
    product: str | None
    region: str | None
    order_id: str | None
    occurred_at: Millis
    received_at: Millis = Field(description="append time on feedback.raw; latency is measured from it")
    masked: dict[str, int] = Field(description="personal data found, by type")
    media_pending: int = Field(default=0, description="attachments whose text is not known yet")
    attributes: dict[str, Any] = Field(default_factory=dict)
