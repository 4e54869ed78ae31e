"""A feedback with its scores (`feedback.scored`); facts pass through beside it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from models.events.base import Outbound
from models.events.feedback import MaskedFeedback


class CustomerView(Outbound):
    """What is known of the customer at scoring time; the rules' `customer` map."""

    tier: str = ""
    segment: str = ""
    region: str = ""
    time_zone: str = ""
    lifetime_value: float = 0.0
    tenure_days: float = 0.0
    purchases: float = Field(0.0, description="purchases, fading with a half-life of 30 days")
    money: float = Field(0.0, description="money spent, fading with a half-life of 30 days")
    days_since_purchase: float = Field(9999.0, description="9999 when there was none")
    products: list[str] = Field(default_factory=list, description="products bought, latest 8")
    feedbacks: float = 0.0
    negatives: float = 0.0
    open_tickets: int = 0
    late_deliveries: int = 0
    time_sensitive: bool = Field(False, description="paid for express delivery in the last 90 days")


class Scores(Outbound):
    """The rules' `scores` map."""

    polarity: float = Field(ge=-1, le=1)
    confidence: float = Field(ge=0, le=1)
    emotion: str
    effort: bool
    topics: list[str]
    kind: str
    demand: bool
    urgency: Literal["urgent", "normal", "low"]
    response_minutes: int
    priority: float = Field(ge=0, le=1)
    churn: float = Field(ge=0, le=1)
    purchase: float = Field(0.0, ge=0, le=1)
    adoption: float = Field(0.0, ge=0, le=1)


class ScoredFeedback(MaskedFeedback):
    """A masked feedback with scores, the customer as known, and the model versions used."""

    late: bool = Field(description="a day or more behind the newest event of its partition")
    scores: Scores
    customer: CustomerView
    cluster_id: str = Field(
        description="shared by near-identical texts; over partitions too once they are known to be one issue"
    )
    cluster_size: int = Field(description="voices in the cluster so far, as this partition saw them")
    cluster_channels: int = Field(1, description="channels the cluster was heard on")
    duplicate_of: str | None = Field(description="same words by the same customer within a day")
    reasons: list[str] = Field(description="top contributions, in words an operator reads")
    models: dict[str, int] = Field(description="version of each model the scores came from")
    scored_at: int
