"""What the propensities saw when a feedback was scored, computed again from the customer's stored log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from models.scoring.customer import CustomerMemory
from models.topics.analyser import Analyser

_WEEK = 604_800.0


def inputs_at(
    records: Iterable[Mapping[str, Any]], feedback_id: str, analyser: Analyser
) -> dict[str, Any] | None:
    """Return the inputs of the propensities at one feedback, None when it is not among the records.

    Nothing is stored for this an event: the same code runs over the same log. Scores are stored with
    four digits, so means of polarity may differ in the fifth.

    Parameters
    ----------
    records
        The customer's scored feedbacks and facts, in the order of the log, from the beginning.
    """
    memory = CustomerMemory(None, _WEEK)
    for record in records:
        if record["event"] == "customer":
            memory.fact(record)
        elif record["event"] == "action_status":
            memory.status(record)
        if record["event"] != "feedback":
            continue
        memory.behind(record)
        at, scores = record["occurred_at"] / 1000.0, record["scores"]
        polarity = float(scores["polarity"])
        if record.get("duplicate_of") is None:
            memory.features.update("feedback", at, polarity=polarity, topics=scores["topics"])
            rating = record["rating"]
            stars = None if rating is None else 3.0 + 2.0 * rating
            if "refund" in analyser.analyse(record["text"], record["lang"], polarity, stars).demands:
                memory.features.update("demand", at)
        if record["feedback_id"] == feedback_id:
            return {**memory.features.vector(at), "polarity": polarity, "channel": record["channel"]}
    return None
