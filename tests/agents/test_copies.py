"""The same event sent twice, the same words elsewhere, and one issue over many voices, through the steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from memory_broker import Record

from models.churn.delayed import DelayedLabels
from models.clock import VirtualClock
from models.identity import Links
from models.intake import Admission, FieldMask
from models.near_duplicate import ClusterIndex
from models.pii import Finder, Keyring, Masker
from models.scoring.model_set import ModelSet
from models.scoring.scorer import Scorer
from models.scoring.targets import targets
from models.topics.analyser import Analyser
from streams.agents.intake import IntakeStep
from streams.agents.score import ScoreStep
from streams.codec import loads
from streams.dead_letters import FloodGuard
from streams.outbox import Layout, Outbox
from streams.state import PartitionState
from streams.step import Slice
from streams.topics import EXAMPLES, FEEDBACK_MASKED, FEEDBACK_RAW, FEEDBACK_SCORED

START, HOUR, DAY = 1_760_000_000_000, 3_600_000, 86_400_000
PARTITIONS = 4
LAYOUT = Layout({FEEDBACK_MASKED: PARTITIONS, FEEDBACK_SCORED: PARTITIONS, EXAMPLES: 8})
Said = tuple[int, int, dict[str, Any]]
"""Partition of `feedback.raw`, time in ms, and the event."""


class Worker:
    """Intake and score of one worker, with the state of all partitions."""

    def __init__(self, before: Worker | None = None) -> None:
        clock = VirtualClock(START / 1000)
        mask = FieldMask(Masker(Finder(), {}, Keyring({1: bytes(32)}, 1)))
        self._intake = IntakeStep(Admission(mask, Links()), {}, FloodGuard(1.0), clock)
        self._score = ScoreStep(
            Scorer(ModelSet(), Analyser(), learning=False), clock, 7 * 86_400.0,
            lambda entries: DelayedLabels(targets(14.0), entries), lambda: ClusterIndex(64), observing=False,
        )  # fmt: skip
        self.log: dict[int, list[tuple[bytes, bytes | None]]] = {n: [] for n in range(PARTITIONS)}
        self._states = {n: PartitionState(n) for n in range(PARTITIONS)}
        self._ends: dict[tuple[str, int], int] = dict(before._ends) if before else {}
        for partition, state in self._states.items():
            for key, value in before.log[partition] if before else ():
                state.replay(key, value, 0, 0)
            self.log[partition] = list(before.log[partition]) if before else []
            self._score.open(state)

    def _offset(self, topic: str, partition: int) -> int:
        end = self._ends.get((topic, partition), 0)
        self._ends[topic, partition] = end + 1
        return end

    def takes(self, said: Sequence[Said]) -> list[dict[str, Any]]:
        """Return what score writes of the events, one after the other."""
        found = []
        for partition, at, event in said:
            out = Outbox(LAYOUT)
            body = orjson.dumps({**event, "occurred_at": at})
            raw = Record(self._offset(FEEDBACK_RAW, partition), body, None, at)
            self._intake.process(Slice(FEEDBACK_RAW, partition, [raw], PartitionState(partition)), out)
            for (_, place), rows in out.batches().items():
                for key, value, _ in rows:
                    assert value is not None
                    masked = Record(self._offset(FEEDBACK_MASKED, place), value, key, at)
                    found += self._scored(place, masked)
        return found

    def _scored(self, place: int, record: Record) -> list[dict[str, Any]]:
        state, out = self._states[place], Outbox(LAYOUT)
        state.begin()
        self._score.process(Slice(FEEDBACK_MASKED, place, [record], state), out)
        self.log[place] += state.changes()
        state.commit()
        return [
            loads(value or b"") | {"place": place} for _, value, _ in out.batches()[FEEDBACK_SCORED, place]
        ]


def event(ident: str, customer: str = "c-1", **more: Any) -> dict[str, Any]:
    return {"id": ident, "customer_id": customer, "channel": "app", "text": "第二次打不开了", **more}


def kinds(rows: list[dict[str, Any]]) -> list[tuple[str, str | None]]:
    return [(row["event"], row.get("kind")) for row in rows]


def test_a_copy_is_dropped_wherever_it_lands() -> None:
    worker = Worker()
    assert kinds(worker.takes([(0, START, event("f-1"))])) == [("feedback", None)]
    copy = ("dropped", "duplicate")
    assert kinds(worker.takes([(3, START, event("f-1"))])) == [copy], "another partition"
    assert kinds(worker.takes([(0, START + 5 * HOUR, event("f-1"))])) == [copy], "hours later"
    other = Worker(worker)
    assert kinds(other.takes([(1, START + 6 * DAY, event("f-1"))])) == [copy], "another worker, or a restart"
    assert kinds(other.takes([(1, START + 8 * DAY, event("f-1"))])) == [("feedback", None)], "a week over"


def test_the_same_words_elsewhere_are_linked_and_no_second_voice() -> None:
    worker = Worker()
    first, second, third, late = worker.takes([
        (0, START, event("f-1", text="充电器用了两天就烧坏了，要求退款")),
        (1, START + HOUR, event("f-2", text="充电器用了两天就烧坏了，要求退款！", channel="social")),
        (2, START + HOUR, event("f-3", "c-2", text="充电器用了两天就烧坏了，要求退款", channel="social")),
        (2, START + 2 * DAY, event("f-4", text="充电器用了两天就烧坏了，要求退款", channel="call")),
    ])  # fmt: skip
    assert first["duplicate_of"] is None
    assert second["duplicate_of"] == "f-1", "through another channel within a day"
    assert third["duplicate_of"] is None, "another customer's words"
    assert late["duplicate_of"] is None, "a day is over"


def test_twelve_complaints_about_one_batch_over_three_platforms_are_one_issue() -> None:
    said = (
        "这批奶粉结块了，冲不开，批次号 20260311，电话13812345678",
        "这批奶粉结块了!冲不开!!批次号２０２６０３１２，电话15912345678 😡",
        "【这批奶粉结块了】冲不开。批次号99，电话１７７１２３４５６７８",
    )
    worker, sizes = Worker(), dict[int, int]()
    rows = worker.takes([
        (n % 3, START + n * HOUR, event(f"f-{n}", f"c-{n % 12}", text=said[n % 3],
                                        channel=("app", "social", "call")[n % 3]))
        for n in range(14)
    ])  # fmt: skip
    assert len({row["cluster_id"] for row in rows}) == 1
    for row in rows:
        sizes[row["place"]] = max(sizes.get(row["place"], 0), row["cluster_size"])
    assert len(sizes) > 1, "spread over partitions"
    assert sum(sizes.values()) == 12, "whoever says it again is no new voice"
    (other,) = worker.takes([(0, START, event("g-1", "c-99", text="物流很快，包装也好"))])
    assert other["cluster_id"] != rows[0]["cluster_id"]


def test_other_words_for_one_fault_are_one_issue_where_they_meet() -> None:
    worker = Worker()
    rows = worker.takes([
        (0, START, event("f-1", text="这批杯子全是裂的，一倒热水就漏")),
        (1, START + HOUR, event("f-2", text="这批杯子都是裂的，一倒热水就漏！", channel="social")),
    ])  # fmt: skip
    assert len({row["cluster_id"] for row in rows}) == 1
