"""Customers: what they do (`customers.events`), who they are (`customers.links`)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from models.events.base import Channel, EventTime, Identifier, Inbound, Millis, Origin, Outbound, Token

CustomerEventKind = Literal[
    "profile", "purchase", "refund", "visit", "login", "usage", "renewal", "cancellation",
    "delivery", "ticket_opened", "ticket_closed", "erase",
]  # fmt: skip
OutcomeKind = Literal[
    "retained", "churned", "purchase", "feature_adoption", "renewal", "satisfaction", "reply", "visit"
]


class CustomerEvent(Inbound):
    """A behaviour or a profile change of a customer, published to `customers.events`."""

    id: Identifier | None = None
    customer_id: Identifier
    kind: CustomerEventKind
    amount: float | None = Field(default=None, description="money in the account's currency")
    quantity: float | None = None
    product: Token | None = None
    express: bool | None = Field(default=None, description="a purchase with paid express delivery")
    tier: Token | None = Field(default=None, description="bronze, silver, gold, platinum, …")
    lifetime_value: float | None = Field(default=None, ge=0)
    since: EventTime | None = Field(default=None, description="customer since")
    time_zone: Token | None = Field(default=None, description="IANA name, for quiet hours")
    segment: Token | None = None
    region: Token | None = None
    occurred_at: EventTime | None = None


class Outcome(Inbound):
    """What became of a customer, published to `outcomes`; uplift and propensities learn from it."""

    id: Identifier | None = None
    customer_id: Identifier
    kind: OutcomeKind
    value: float = Field(description="1 or 0 for things that happen or not; money or a score otherwise")
    action_id: Token | None = None
    occurred_at: EventTime | None = None


class Label(Inbound):
    """A human correction of a score, published to `labels`."""

    id: Identifier | None = None
    feedback_id: Identifier = Field(
        description="scored, one of the customer's three latest; else a dead letter `unknown_label_target`"
    )
    customer_id: Identifier
    model: Literal["sentiment", "topics"]
    value: float | str = Field(description="sentiment: -1 … 1; topics: a topic id, group.topic or group")
    occurred_at: EventTime | None = None


class Link(Inbound):
    """Joins a channel handle to a customer, with the consent it rests on (`customers.links`)."""

    channel: Channel
    author: Identifier
    customer_id: Identifier | None = Field(description="null: unlink")
    consent: Literal["granted", "withdrawn"]
    basis: Token | None = Field(default=None, description="what the consent rests on")
    occurred_at: EventTime | None = None


class CustomerFact(Outbound):
    """A customer event, outcome, label or answered action in the customer's own log (`feedback.masked`).

    `burst` is in the log of an issue instead (`feedback.scored` alone): how far it has spread by now. `voice`
    is what the logs of a voice and of the customer it is linked to tell each other (`feedback.masked` alone).
    """

    event: Literal["customer", "outcome", "label", "action_status", "burst", "dropped", "voice"]
    origin: Origin
    id: str
    customer_id: str
    kind: str
    value: float | str | None = None
    amount: float | None = None
    quantity: float | None = None
    product: str | None = None
    express: bool | None = None
    tier: str | None = None
    lifetime_value: float | None = None
    since: Millis | None = None
    time_zone: str | None = None
    segment: str | None = None
    region: str | None = None
    feedback_id: str | None = None
    model: str | None = None
    action_id: str | None = None
    status: str | None = Field(default=None, description="of an action_status: what the service said")
    by: str | None = Field(default=None, description="of an action_status: the team or service")
    reason: str | None = Field(default=None, description="of an action_status: why")
    voices: int | None = Field(default=None, description="of a burst: new customers within a day")
    channels: int | None = Field(default=None, description="of a burst: different channels within a day")
    polarity: float | None = Field(default=None, description="of a burst: running mean, -1 to 1")
    ids: dict[str, float] | None = Field(
        default=None, description="of a voice: digests of the ids it was heard with, and when, in seconds"
    )
    words: dict[str, tuple[str, str, float]] | None = Field(
        default=None, description="of a voice: hashes of its words, with feedback id, channel and time"
    )
    occurred_at: Millis
    received_at: Millis
    late: bool | None = Field(default=None, description="a day or more behind its partition; from the scorer")
    scored_at: Millis | None = Field(default=None, description="when it passed the scorer")
