"""Which models there are, and what their outcomes mean."""

from __future__ import annotations

from models.churn.target import Target, Targets

SENTIMENT = "sentiment"
TOPICS = "topics"
CHURN = "churn"
PURCHASE = "purchase"
ADOPTION = "feature_adoption"

MODELS = (SENTIMENT, TOPICS, CHURN, PURCHASE, ADOPTION)
"""Every model, in the order of the partitions of `models.examples`."""

PROPENSITIES = (CHURN, PURCHASE, ADOPTION)


def targets(horizon_days: float) -> Targets:
    """Return the declared targets.

    Parameters
    ----------
    horizon_days
        Days of silence after which a customer counts as not churned; purchases and adoption
        are decided in half that time.
    """
    return Targets(
        [
            Target(CHURN, frozenset({"churned", "cancellation"}), horizon_days),
            Target(PURCHASE, frozenset({"purchase", "renewal"}), max(horizon_days / 2, 0.01)),
            Target(ADOPTION, frozenset({"feature_adoption"}), max(horizon_days / 2, 0.01)),
        ]
    )
