"""The same event sent twice, the same words elsewhere, and one issue over many voices, through the steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from memory_broker import Record

from models.churn.delayed import DelayedLabels
from models.clock import VirtualClock
from models.identity import Links
from models.intake import Admission, FieldMask, LinkAdmission
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
from streams.topics import CUSTOMER_LINKS, EXAMPLES, FEEDBACK_MASKED, FEEDBACK_RAW, FEEDBACK_SCORED

START, HOUR, DAY = 1_760_000_000_000, 3_600_000, 86_400_000
PARTITIONS = 4
LAYOUT = Layout({FEEDBACK_MASKED: PARTITIONS, FEEDBACK_SCORED: PARTITIONS, EXAMPLES: 8})
Said = tuple[int, int, dict[str, Any]]
"""Partition of `feedback.raw`, time in ms, and the event."""


class Worker:
    """Intake and score of one worker, with the state of all partitions."""

    repeating = False

    def __init__(self, before: Worker | None = None) -> None:
        clock = VirtualClock(START / 1000)
        mask = FieldMask(Masker(Finder(), {}, Keyring({1: bytes(32)}, 1)))
        links = Links()
        self._links = LinkAdmission(mask, links)
        facts = {CUSTOMER_LINKS: self._links.step}
        self._intake = IntakeStep(
            Admission(mask, links), facts, FloodGuard(1.0), clock, self._links.forgotten
        )
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
            found += self._goes(FEEDBACK_RAW, partition, {**event, "occurred_at": at}, at)
        return found

    def links(self, at: int, author: str, customer: str | None, apply: bool = True) -> list[dict[str, Any]]:
        """Return what score writes of a link; `apply`: intake has heard of it on its broadcast too."""
        link: dict[str, Any] = {"channel": "app", "author": author, "customer_id": customer}
        link["consent"] = "granted"
        link["occurred_at"] = at
        if apply:
            self._links.apply(None, orjson.dumps(link))
        return self._goes(CUSTOMER_LINKS, 0, link, at)

    def forgets(self, author: str) -> None:
        """Take an empty value under the key of a link."""
        key = f"app:{author}".encode()
        self._links.apply(key, None)
        self._goes(CUSTOMER_LINKS, 0, None, START, key)

    def _goes(
        self, topic: str, partition: int, event: dict[str, Any] | None, at: int, key: bytes | None = None
    ) -> list[dict[str, Any]]:
        out = Outbox(LAYOUT)
        raw = Record(self._offset(topic, partition), event and orjson.dumps(event), key, at)
        self._intake.process(Slice(topic, partition, [raw], PartitionState(partition)), out)
        return self._masked(out, at)

    def _masked(self, out: Outbox, at: int) -> list[dict[str, Any]]:
        found = []
        for (topic, place), rows in out.batches().items():
            for key, value, _ in rows if topic == FEEDBACK_MASKED else ():
                assert value is not None
                # An agent that died before its ack writes everything twice.
                for _ in range(2 if self.repeating else 1):
                    masked = Record(self._offset(FEEDBACK_MASKED, place), value, key, at)
                    found += self._scored(place, masked)
        return found

    def _scored(self, place: int, record: Record) -> list[dict[str, Any]]:
        state, out = self._states[place], Outbox(LAYOUT)
        state.begin()
        self._score.process(Slice(FEEDBACK_MASKED, place, [record], state), out)
        self.log[place] += state.changes()
        state.commit()
        written = out.batches().get((FEEDBACK_SCORED, place), ())
        scored = [loads(value or b"") | {"place": place} for _, value, _ in written]
        return scored + self._masked(out, record.timestamp)


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


def said_by(ident: str, author: str = "moon_42", **more: Any) -> dict[str, Any]:
    return {"id": ident, "author": author, "channel": "app", "text": "第二次打不开了，还要等多久", **more}


@pytest.mark.parametrize("repeating", [False, True])
def test_a_copy_that_arrives_after_its_voice_was_linked_is_dropped(repeating: bool) -> None:
    worker = Worker()
    worker.repeating = repeating
    (first,) = worker.takes([(0, START, said_by("f-1"))])
    assert first["customer_id"] == first["voice"] and not first["linked"]
    assert kinds(worker.links(START + HOUR, "moon_42", "c-7")) == [("customer", "linked")]
    copy = ("dropped", "duplicate")
    (again,) = worker.takes([(2, START + HOUR + 1000, said_by("f-1"))])
    assert (again["event"], again["kind"]) == copy and again["customer_id"] == "c-7"
    assert kinds(worker.takes([(1, START + 2 * HOUR, said_by("f-2", text="还是打不开"))])) == [
        ("feedback", None)
    ]
    other = Worker(worker)
    assert kinds(other.takes([(1, START + 3 * HOUR, said_by("f-1", customer_id="c-7"))])) == [copy], (
        "restarted"
    )


def test_what_came_to_the_voice_after_the_link_is_known_to_the_customer_too() -> None:
    worker = Worker()
    worker.links(START, "moon_42", "c-7", apply=False)
    (late,) = worker.takes([(0, START + 10, said_by("f-1"))])
    assert not late["linked"], "this worker has not heard of the link yet"
    worker.links(START + 20, "moon_42", "c-7")
    assert kinds(worker.takes([(0, START + 30, said_by("f-1"))])) == [("dropped", "duplicate")]
    worker.links(START + HOUR, "moon_42", "c-8")
    (copy,) = worker.takes([(0, START + 2 * HOUR, said_by("f-1"))])
    assert copy["kind"] == "duplicate" and copy["customer_id"] == "c-8", "linked to somebody else"


def test_voices_linked_to_each_other_do_not_tell_each_other_for_ever() -> None:
    worker = Worker()
    moon, star = (worker.takes([(0, START, said_by(f"f-{a}", a))])[0]["voice"] for a in ("moon_42", "star_7"))
    worker.links(START + 10, "moon_42", star)
    worker.links(START + 20, "star_7", moon)
    (copy,) = worker.takes([(0, START + HOUR, said_by("f-moon_42", "moon_42"))])
    assert copy["kind"] == "duplicate" and copy["customer_id"] == star
    assert kinds(worker.takes([(0, START + HOUR, said_by("f-3", "star_7"))])) == [("feedback", None)]


def test_a_link_forgotten_by_an_empty_value_hands_nothing_on() -> None:
    worker = Worker()
    worker.takes([(0, START, said_by("f-1"))])
    worker.links(START + 10, "moon_42", "c-7")
    worker.forgets("moon_42")
    worker.takes([(0, START + HOUR, said_by("f-2", text="又打不开了，很失望"))])
    (own,) = worker.takes(
        [(0, START + 2 * HOUR, event("f-3", "c-7", text="又打不开了，很失望", channel="call"))]
    )
    assert own["duplicate_of"] is None, "what a voice without a link said is nothing to the customer"


def test_words_said_before_the_link_are_no_second_complaint() -> None:
    worker = Worker()
    worker.takes([(0, START, said_by("f-1"))])
    worker.links(START + 10, "moon_42", "c-7")
    (second,) = worker.takes(
        [(1, START + HOUR, event("f-2", "c-7", channel="call", text=said_by("")["text"]))]
    )
    assert second["duplicate_of"] == "f-1"


def test_unlinked_a_voice_knows_what_it_said_before_and_learns_nothing_of_the_customer() -> None:
    worker = Worker()
    worker.takes([(0, START, said_by("f-1")), (0, START, event("g-1", "c-7"))])
    worker.links(START + HOUR, "moon_42", "c-7")
    worker.links(START + 2 * HOUR, "moon_42", None)
    (copy, new) = worker.takes([(0, START + 3 * HOUR, said_by("f-1")), (0, START + 3 * HOUR, said_by("g-1"))])
    assert copy["kind"] == "duplicate" and copy["customer_id"] != "c-7"
    assert new["event"] == "feedback", "an id of the customer's is nothing to the voice"
    (third,) = worker.takes([(0, START + 4 * HOUR, event("f-9", "c-7", text="别的事"))])
    assert third["event"] == "feedback"
    worker.takes([(0, START + 5 * HOUR, said_by("f-10"))])
    (kept,) = worker.takes([(0, START + 5 * HOUR, event("f-10", "c-7", text="又一件"))])
    assert kept["event"] == "feedback", "an unlinked voice hands nothing on"
