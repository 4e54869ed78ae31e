"""A customer whose client runs wild: what is too much ends cheaply, neighbours and outcomes do not notice."""

from __future__ import annotations

from typing import Any

from memory_broker import Record

from models.churn.delayed import DelayedLabels
from models.clock import VirtualClock
from models.near_duplicate import ClusterIndex
from models.scoring.model_set import ModelSet
from models.scoring.scorer import Scorer
from models.scoring.targets import targets
from models.topics.analyser import Analyser
from streams.agents.score import ScoreStep
from streams.codec import dumps, loads
from streams.outbox import Layout, Outbox
from streams.state import PartitionState
from streams.step import Slice
from streams.topics import EXAMPLES, FEEDBACK_MASKED, FEEDBACK_SCORED

LIMIT, MINUTE = 10, 60_000
LAYOUT = Layout({FEEDBACK_SCORED: 1, EXAMPLES: 8})


def step() -> ScoreStep:
    scorer = Scorer(ModelSet(), Analyser(), learning=False)
    return ScoreStep(
        scorer, VirtualClock(9.0), 7 * 86_400.0, lambda entries: DelayedLabels(targets(14.0), entries),
        lambda: ClusterIndex(64), observing=False, limit=LIMIT,
    )  # fmt: skip


def feedback(offset: int, customer: str, at: int) -> Record:
    value = {
        "event": "feedback", "origin": ["feedback.raw", 0, offset], "feedback_id": f"f{offset}",
        "customer_id": customer, "channel": "app", "text": f"第{offset}次了，还是打不开", "lang": "zh",
        "rating": None, "kind": None, "product": None, "region": None, "order_id": None,
        "occurred_at": at, "received_at": at, "attributes": {}, "masked": {},
    }  # fmt: skip
    return Record(offset, dumps(value), customer.encode(), 0)


def outcome(offset: int, customer: str, at: int) -> Record:
    value = {
        "event": "outcome", "origin": ["outcomes", 0, offset], "id": f"o{offset}", "customer_id": customer,
        "kind": "churned", "occurred_at": at, "received_at": at,
    }  # fmt: skip
    return Record(offset, dumps(value), customer.encode(), 0)


def scored(records: list[Record], *cuts: int) -> list[dict[str, Any]]:
    """Return what is written of the records when they come in slices that end at `cuts`."""
    work, state, found = step(), PartitionState(0), []
    work.open(state)
    for begin, end in zip((0, *cuts), (*cuts, len(records)), strict=True):
        out = Outbox(LAYOUT)
        state.begin()
        work.process(Slice(FEEDBACK_MASKED, 0, records[begin:end], state), out)
        state.commit()
        found += [loads(value or b"") for _, value, _ in out.batches()[FEEDBACK_SCORED, 0]]
    return found


def hot() -> list[Record]:
    rows = [feedback(n, "calm" if n % 10 == 9 else "wild", 5 * MINUTE + n) for n in range(40)]
    return [*rows, outcome(40, "wild", 5 * MINUTE + 40), feedback(41, "wild", 6 * MINUTE)]


def test_the_surplus_of_a_minute_is_told_and_not_scored() -> None:
    found = scored(hot())
    kinds = [
        (row["customer_id"], row["event"], row.get("kind")) for row in found if row["event"] != "outcome"
    ]
    assert sum(kind == ("wild", "dropped", "flood") for kind in kinds) == 36 - LIMIT
    assert sum(customer == "calm" and event == "feedback" for customer, event, _ in kinds) == 4
    assert [row["feedback_id"] for row in found if row["event"] == "feedback"][-1] == "f41", "the next minute"
    assert sum(row["event"] == "outcome" for row in found) == 1


def test_where_slices_are_cut_changes_nothing() -> None:
    whole = scored(hot())
    assert scored(hot(), 3, 11, 12, 30) == whole
