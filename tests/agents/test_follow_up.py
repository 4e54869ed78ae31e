"""The follow_up agent with its runner: what it reads and writes, statuses nobody knows, what remains."""

from __future__ import annotations

import asyncio
import json

from follow_up_bench import Bench, complaint, status
from follow_up_world import HOUR, NOW, action

from models.events import Action, Alert, DeadLetterRecord, WorkOrderChange
from streams import metrics
from streams.agents.follow_up import TOPICS
from streams.agents.work_orders import MOST_UNKNOWN, MOST_WAITING
from streams.app import Pulse, create_app
from streams.loop_consumer import LoopConsumerThread
from streams.packing import shared_packer
from streams.settings import Settings
from streams.topics import CATALOG


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
        assert {name for name, _ in bench.rows()} == {
            *contracts, "actions.ticket", "actions.escalation",
        }  # fmt: skip
        for name, row in bench.rows():
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
        assert bench.rows() == []

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
        rows = len(bench.rows())
        bench.restart()
        bench.offsets.clear()
        await bench.read("actions.ticket", action())
        await bench.read("actions.status", status("accepted"))
        assert len(bench.rows()) == rows
        await bench.read("actions.ticket", action())  # decide wrote it twice: another offset, the same id
        await bench.read("actions.status", status("accepted"))  # so did the service
        assert len(bench.rows()) == rows

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
