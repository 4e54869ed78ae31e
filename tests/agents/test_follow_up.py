"""The follow_up agent with its runner: outputs before state, timers once, statuses nobody knows."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from models.clock import VirtualClock
from models.events import Action, Alert, DeadLetterRecord, WorkOrderChange
from models.follow_up import Desk, Follower, load_policy
from streams import metrics
from streams.agents.follow_up import TOPICS, FollowUpStep
from streams.agents.work_orders import MOST_UNKNOWN, MOST_WAITING
from streams.app import Pulse, create_app
from streams.codec import dumps
from streams.loop_consumer import LoopConsumerThread
from streams.outbox import Layout
from streams.packing import shared_packer
from streams.polls import PartitionLost
from streams.settings import Settings
from streams.state import PartitionState
from streams.ticks import TimedRunner
from streams.topics import CATALOG

HOUR = 3_600_000
START = 1_773_194_400.0  # Wednesday 11 March 2026, 10:00 in Shanghai
NOW = int(START * 1000)


@dataclass
class Batch:
    rows: list[tuple[bytes | None, bytes | None]] = field(default_factory=list)

    def append(self, *, key: bytes, value: bytes, timestamp: int | None, headers: Any) -> int:
        self.rows.append((key, value))
        return len(self.rows)


class Producer:
    """Confirms batches at once; `fails` makes the next send die before it is confirmed."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, int, dict[str, Any]]] = []
        self.fails = False

    def create_batch(self, size: int) -> Batch:
        return Batch()

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> Any:
        if self.fails:
            raise ConnectionError("gone")
        self.rows += [(topic, partition, json.loads(value)) for _, value in batch.rows if value is not None]
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


class Log:
    """A changelog in memory; `dies` loses the write, `lost` says that somebody else has taken over."""

    def __init__(self) -> None:
        self.held: dict[int, dict[bytes, bytes]] = {}
        self.marks: dict[int, dict[str, int]] = {}
        self.dies = self.lost = False
        self.writes = 0

    async def load(self, partition: int, known: PartitionState | None = None) -> PartitionState:
        state = PartitionState(partition)
        for key, value in self.held.get(partition, {}).items():
            state.put(key, value)
        state.marks = dict(self.marks.get(partition, {}))
        state.commit()
        return state

    async def write(self, state: PartitionState) -> None:
        if self.lost:
            raise PartitionLost("taken over")
        if self.dies:
            raise ConnectionError("died")
        self.writes += 1
        held = self.held.setdefault(state.partition, {})
        for key, value in list(state.changes())[:-1]:
            if value is None:
                held.pop(key, None)
            else:
                held[key] = value
        self.marks[state.partition] = dict(state.marks)


@dataclass
class Rec:
    value: bytes
    offset: int
    key: bytes = b"cust-1"
    headers: tuple[Any, ...] = ()
    timestamp: int = NOW


class Bench:
    """An agent on virtual time; `restart` makes a new process on the same changelog."""

    def __init__(self, *, most: int = 1000) -> None:
        self.always = False
        self.clock, self.producer, self.log = VirtualClock(START), Producer(), Log()
        self.most = most
        self.offsets: dict[str, int] = {}
        self.restart()

    def restart(self) -> None:
        desk = Desk(load_policy(), "09:00-18:00", "Asia/Shanghai", always=self.always)
        step = FollowUpStep(Follower(desk), self.clock, self.most)
        layout = Layout({topic.name: 1 for topic in CATALOG})
        self.runner = TimedRunner("follow_up", step, self.producer, layout, self.clock, self.log)
        self.runner.assigned({0})

    async def read(self, topic: str, *values: dict[str, Any] | bytes, key: bytes = b"cust-1") -> None:
        at = int(self.clock.now() * 1000)
        records = []
        for value in values:
            offset = self.offsets[topic] = self.offsets.get(topic, -1) + 1
            records.append(Rec(value if isinstance(value, bytes) else dumps(value), offset, key, (), at))
        await self.runner.run(topic, 0, records)

    async def wait(self, hours: float) -> None:
        self.clock.advance(hours * 3600)
        await self.runner.tick(0)

    def of(self, topic: str) -> list[dict[str, Any]]:
        return [row for name, _, row in self.producer.rows if name == topic]

    def changes(self) -> list[str]:
        return [row["change"] for row in self.of("work.orders")]


def action(ident: str = "a1", kind: str = "ticket", **changes: Any) -> dict[str, Any]:
    return {
        "action_id": ident, "decision_id": "d1", "feedback_id": "f1", "customer_id": "cust-1", "kind": kind,
        "rule_id": "rescue", "rule_version": 3, "team": "retention", "template": "text", "lang": "en",
        "parameters": {}, "explanation": "why", "priority": 0.8, "topic": "service.attitude",
        "urgency": "normal", "deadline": NOW + 6 * HOUR, "received_at": NOW, "decided_at": NOW,
    } | changes  # fmt: skip


def status(word: str, ident: str = "a1", at: int = NOW + 1000, **more: Any) -> dict[str, Any]:
    return {
        "action_id": ident,
        "customer_id": "cust-1",
        "status": word,
        "by": "desk",
        "occurred_at": at,
    } | more


def complaint(ident: str, topic: str, at: int) -> dict[str, Any]:
    return {
        "event": "feedback", "feedback_id": ident, "customer_id": "cust-1", "occurred_at": at,
        "scores": {"kind": "complaint", "topics": [topic]},
    }  # fmt: skip


def test_it_reads_every_kind_of_action_the_answers_and_the_scored_log() -> None:
    assert {topic.name for topic in CATALOG if "follow_up" in topic.consumers} - {"state.follow_up"} == set(
        TOPICS
    )


def test_what_it_writes_keeps_the_contracts() -> None:
    async def run() -> None:
        bench = Bench()
        await bench.read("actions.ticket", action())
        for _ in range(40):
            await bench.wait(24)
        contracts = {"work.orders": WorkOrderChange, "alerts": Alert}
        assert {name for name, _, _ in bench.producer.rows} == {
            *contracts, "actions.ticket", "actions.escalation",
        }  # fmt: skip
        for name, _, row in bench.producer.rows:
            contracts.get(name, Action).model_validate(row)
        assert all(row["kind"] == "sla" for row in bench.of("alerts"))

    asyncio.run(run())


def test_actions_it_sent_itself_open_no_work_orders() -> None:
    async def run() -> None:
        bench = Bench()
        await bench.read("actions.ticket", action())
        await bench.wait(7)
        escalations = bench.of("actions.escalation")
        assert len(escalations) == 1
        await bench.read("actions.escalation", *escalations)
        for handed in bench.of("actions.ticket"):
            await bench.read("actions.ticket", handed)
        assert bench.changes().count("opened") == 1

    asyncio.run(run())


@pytest.mark.parametrize("dies", ["producer", "changelog"])
def test_a_death_in_a_tick_fires_again_with_the_same_ids(dies: str) -> None:
    async def run() -> None:
        bench = Bench()
        await bench.read("actions.ticket", action())
        await bench.read("actions.status", status("accepted"))
        before = len(bench.producer.rows)
        if dies == "producer":
            bench.producer.fails = True
        else:
            bench.log.dies = True
        with pytest.raises(ConnectionError):
            await bench.wait(6.5)
        lost = bench.producer.rows[before:]
        bench.producer.fails = bench.log.dies = False
        bench.restart()
        await bench.wait(0)
        again = bench.producer.rows[before + len(lost) :]
        names = ("action_id", "change_id", "alert_id")
        ids = [{row.get(name) for name in names} for _, _, row in lost]
        assert len(again) >= 3
        if dies == "changelog":
            assert ids == [{row.get(name) for name in names} for _, _, row in again]
        await bench.wait(0)
        assert len(bench.producer.rows) == before + len(lost) + len(again)
        assert len({row["action_id"] for row in bench.of("actions.escalation")}) == 1

    asyncio.run(run())


def test_timers_survive_a_restart_and_fire_without_any_record() -> None:
    async def run() -> None:
        bench = Bench()
        await bench.read("actions.ticket", action())
        bench.restart()
        bench.clock.advance(6.5 * 3600)
        await bench.runner.tick_all()
        assert "escalated" in bench.changes()

    asyncio.run(run())


def test_a_restart_with_another_policy_sets_the_timers_anew() -> None:
    async def run() -> None:
        bench = Bench()
        bench.clock.advance(7 * 3600)
        opened = action(decided_at=NOW + 7 * HOUR, deadline=NOW + 13 * HOUR)
        await bench.read("actions.ticket", opened)
        await bench.wait(6.5)
        assert bench.changes() == ["opened"]
        bench.always = True
        bench.restart()
        await bench.wait(0)
        assert "escalated" in bench.changes()

    asyncio.run(run())


def test_a_tick_with_nothing_due_writes_nothing() -> None:
    async def run() -> None:
        bench = Bench()
        await bench.read("actions.ticket", action())
        rows, writes = len(bench.producer.rows), bench.log.writes
        await bench.wait(0.5)
        assert (len(bench.producer.rows), bench.log.writes) == (rows, writes)

    asyncio.run(run())


def test_slices_and_ticks_of_a_partition_take_turns() -> None:
    async def run() -> None:
        bench = Bench()
        await bench.read("actions.ticket", action())
        bench.clock.advance(6.5 * 3600)
        resolved = status("resolved", at=NOW + 6 * HOUR)
        await asyncio.gather(
            bench.runner.tick(0), bench.read("actions.status", resolved), bench.runner.tick(0)
        )
        assert bench.changes()[-1] == "resolved"
        sequences = [row["sequence"] for row in bench.of("work.orders")]
        assert sequences == sorted(set(sequences))

    asyncio.run(run())


def test_a_worker_that_lost_the_partition_writes_nothing_and_stops() -> None:
    async def run() -> None:
        bench = Bench()
        await bench.read("actions.ticket", action())
        bench.clock.advance(6.5 * 3600)
        rows = len(bench.producer.rows)
        with pytest.raises(PartitionLost):
            await bench.runner.tick(0, lambda: False)
        assert len(bench.producer.rows) == rows
        bench.log.lost = True
        with pytest.raises(PartitionLost):
            await bench.runner.tick_all()
        bench.log.lost = False
        await bench.runner.revoked()
        await bench.runner.tick_all()
        assert bench.log.writes == 1

    asyncio.run(run())


def test_ticks_go_on_by_themselves_and_a_fault_stops_the_app() -> None:
    async def run() -> None:
        bench, stopped = Bench(), asyncio.Event()
        seen: list[Exception] = []

        async def crash(problem: Exception) -> None:
            seen.append(problem)
            stopped.set()

        await bench.read("actions.ticket", action())
        bench.runner.bind(lambda: lambda: True, crash)
        bench.clock.advance(6.5 * 3600)
        bench.log.dies = True
        await bench.runner.start()
        await asyncio.wait_for(stopped.wait(), 5)
        await bench.runner.stop()
        assert isinstance(seen[0], ConnectionError)

    asyncio.run(run())


def test_answers_before_the_action_are_kept_counted_and_taken() -> None:
    async def run() -> None:
        bench = Bench()
        before = metrics.UNKNOWN_STATUS._value.get()
        await bench.read("actions.status", status("resolved"), status("accepted", at=NOW + 1))
        assert metrics.UNKNOWN_STATUS._value.get() == before + 2
        bench.restart()
        await bench.read("actions.ticket", action())
        assert bench.changes() == ["opened", "resolved", "accepted"]
        assert bench.of("work.orders")[-1]["state"] == "resolved"
        assert not any(key.startswith(b"u:") for key in bench.log.held[0])

    asyncio.run(run())


def test_answers_to_actions_that_never_come_are_bounded_and_forgotten() -> None:
    async def run() -> None:
        bench = Bench()
        one = [status("accepted", "ghost", at=NOW + number) for number in range(MOST_WAITING + 5)]
        many = [status("accepted", f"ghost{number}") for number in range(MOST_UNKNOWN + 5)]
        await bench.read("actions.status", *one, *many)
        held = bench.log.held[0]
        assert len(held) == MOST_UNKNOWN
        assert len(json.loads(shared_packer().unpack(held[b"u:ghost"]))["said"]) == MOST_WAITING
        bench.clock.advance(4 * 86_400)
        await bench.runner.tick(0)
        assert bench.log.held[0] == {}
        assert bench.producer.rows == []

    asyncio.run(run())


def test_an_answer_that_breaks_the_contract_is_a_dead_letter() -> None:
    async def run() -> None:
        bench = Bench()
        await bench.read("actions.ticket", action())
        await bench.read(
            "actions.status", b"", b"not json", status("done"), status("accepted", extra="kept out")
        )
        dead = [DeadLetterRecord.model_validate(row) for row in bench.of("dead.letters")]
        assert [(letter.reason.value, letter.field, letter.offset) for letter in dead] == [
            ("empty_value", "", 0), ("invalid_field", "", 1), ("invalid_field", "status", 2),
        ]  # fmt: skip
        assert bench.changes()[-1] == "accepted"

    asyncio.run(run())


def test_a_slice_read_again_changes_nothing() -> None:
    async def run() -> None:
        bench = Bench()
        await bench.read("actions.ticket", action())
        await bench.read("actions.status", status("accepted"))
        rows = len(bench.producer.rows)
        bench.restart()
        bench.offsets.clear()
        await bench.read("actions.ticket", action())
        await bench.read("actions.status", status("accepted"))
        assert len(bench.producer.rows) == rows
        await bench.read("actions.ticket", action())  # decide wrote it twice: another offset, the same id
        await bench.read("actions.status", status("accepted"))  # so did the service
        assert len(bench.producer.rows) == rows

    asyncio.run(run())


def test_a_complaint_about_the_same_topic_reopens() -> None:
    async def run() -> None:
        bench = Bench()
        await bench.read("actions.ticket", action())
        await bench.read("actions.status", status("resolved"))
        bench.clock.advance(7200)
        later = NOW + 2 * HOUR
        await bench.read("feedback.scored", complaint("f7", "price.expensive", later))
        await bench.read("feedback.scored", complaint("f8", "service.attitude", later), key=b"cust-2")
        assert bench.changes() == ["opened", "resolved"]
        await bench.read("feedback.scored", complaint("f8", "service.attitude", later))
        await bench.wait(0)
        assert bench.changes() == ["opened", "resolved", "reopened", "sent_again"]
        (ticket,) = bench.of("actions.ticket")
        assert ticket["parameters"]["follow_up"]["step"] == "reopen"

    asyncio.run(run())


def test_an_answer_to_an_action_that_followed_finds_the_work_order_after_a_restart() -> None:
    async def run() -> None:
        bench = Bench()
        await bench.read("actions.coupon", action(kind="coupon"))
        await bench.read("actions.status", status("failed"))
        await bench.wait(0.5)
        (retry,) = bench.of("actions.coupon")
        bench.restart()
        await bench.read("actions.status", status("delivered", retry["action_id"], NOW + HOUR))
        assert bench.of("work.orders")[-1]["state"] == "resolved"

    asyncio.run(run())


def test_nothing_is_left_of_a_work_order_that_is_over() -> None:
    async def run() -> None:
        bench = Bench()
        await bench.read("actions.coupon", action(kind="coupon"))
        await bench.read("actions.status", status("failed"))
        await bench.wait(0.5)
        await bench.read("actions.status", status("delivered", at=NOW + HOUR))
        for _ in range(12):
            await bench.wait(24)
        assert bench.changes()[-1] == "closed"
        assert bench.log.held[0] == {}

    asyncio.run(run())


def test_an_erased_customer_has_no_work_orders() -> None:
    async def run() -> None:
        bench = Bench()
        await bench.read("actions.ticket", action())
        assert bench.log.held[0]
        erasure = {"event": "customer", "kind": "erase", "customer_id": "cust-1", "occurred_at": NOW}
        await bench.read("feedback.scored", erasure)
        assert bench.log.held[0] == {}
        await bench.wait(48)
        assert bench.changes() == ["opened"]

    asyncio.run(run())


def test_past_the_limit_new_actions_are_not_followed_and_somebody_is_told() -> None:
    async def run() -> None:
        bench = Bench(most=2)
        await bench.read("actions.ticket", *(action(f"a{number}") for number in range(4)))
        assert bench.changes() == ["opened", "opened"]
        assert {row["severity"] for row in bench.of("alerts")} == {"critical"}
        assert len({row["alert_id"] for row in bench.of("alerts")}) == 1

    asyncio.run(run())


def test_one_work_order_that_cannot_be_fired_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        bench = Bench()
        await bench.read("actions.ticket", action("a1"), action("a2"))
        fire = Follower.fire

        def explode(self: Follower, order: Any, now_ms: int) -> Any:
            if order.ident == "a1":
                raise ZeroDivisionError
            return fire(self, order, now_ms)

        monkeypatch.setattr(Follower, "fire", explode)
        await bench.wait(6.5)
        assert {row["action_id"] for row in bench.of("work.orders") if row["change"] == "escalated"} == {"a2"}
        assert [row["kind"] for row in bench.of("alerts")].count("poison") == 1

    asyncio.run(run())


def test_partition_p_of_every_topic_comes_to_one_worker() -> None:
    """State and timers are by partition number; round robin would tear topics apart with three workers."""

    class Cluster:
        def partitions_for_topic(self, topic: str) -> set[int]:
            return set(range(8))

    async def run() -> None:
        app = create_app(Settings(), "follow_up", TOPICS, Bench().runner, Pulse(10.0))
        thread = LoopConsumerThread(app.consumer)
        consumer = thread._create_worker_consumer(app.transport)
        assignor = thread._assignor
        members = {name: assignor.metadata(set(TOPICS)) for name in ("one", "two", "three")}
        given = assignor.assign(Cluster(), members)
        owners = {
            partition: {
                name for name, own in given.items() for _, held in own.assignment if partition in held
            }
            for partition in range(8)
        }
        assert all(len(names) == 1 for names in owners.values())
        assert {name for names in owners.values() for name in names} == set(members)
        await consumer.stop()

    asyncio.run(run())
