"""The shipped ACLs on a real authorizer: agents work with them, and only intake reads raw feedback."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import TopicAuthorizationFailedError

from models.clock import SystemClock, VirtualClock
from models.pii.keyring import Keyring
from ops.kafka.acl_file import grants, load
from ops.kafka.acls import Grant, Operation, Resource, allow
from ops.kafka.cluster import Cluster
from ops.topic_admin import apply, apply_acls
from streams import kafka, metrics
from streams.codec import dumps
from streams.pipeline import build_decide
from streams.runtime import Runtime
from streams.settings import Settings
from streams.ticks import TimedRunner
from streams.topics import FEEDBACK_SCORED, read_by

pytestmark = pytest.mark.kafka

STRANGER, LIMITED = "stranger", "limited"
TICKETS, OTHERS = "actions.ticket", "actions.escalation"
SCORED = Path(__file__).parents[1] / "golden" / "feedback.scored.json"
GOLDEN_S = 1_773_813_600.0
"""The time of the golden records."""
SECONDS = 150.0


def settings(cluster: Cluster, user: str, **more: str) -> Settings:
    return Settings.model_validate({
        "broker": cluster.bootstrap, "security_protocol": "SASL_SSL", "ssl_ca": str(cluster.ca_file),
        "sasl_username": user, "sasl_password": cluster.passwords[user], "partitions": 2, **more,
    })  # fmt: skip


@pytest.fixture(scope="module")
def locked(kafka_available: None) -> Iterator[Cluster]:
    users = [*load().users, STRANGER, LIMITED]
    with Cluster(nodes=1, tls=True, sasl=True, acls=True, users=users) as cluster:
        admin = settings(cluster, "admin")
        asyncio.run(apply(admin))
        granted, limited = asyncio.run(apply_acls(admin))
        assert granted > 80 and limited == 0
        yield cluster


def test_a_reader_with_a_fetch_under_way_is_closed_at_once(locked: Cluster) -> None:
    """Under uvloop it took 30 s, the time TLS gives the other side to say goodbye."""

    async def run() -> None:
        reader = kafka.reader(settings(locked, "admin"), "closing")
        await reader.start()
        place = TopicPartition(TICKETS, 0)
        reader.assign([place])
        assert await reader.getmany(place, timeout_ms=300) == {}
        async with asyncio.timeout(10):
            await reader.stop()

    uvloop.run(run())


async def read(cluster: Cluster, user: str, topic: str, wanted: int = 1) -> list[bytes]:
    consumer = AIOKafkaConsumer(topic, **cluster.client_settings(user), auto_offset_reset="earliest")
    found: list[bytes] = []
    try:
        await consumer.start()
        async with asyncio.timeout(SECONDS):
            while len(found) < wanted:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    found += [record.value for record in records]
    finally:
        await consumer.stop()
    return found


async def publish(cluster: Cluster, user: str, topic: str, value: bytes) -> None:
    producer = AIOKafkaProducer(**cluster.client_settings(user))
    try:
        await producer.start()
        await producer.send_and_wait(topic, value)
    finally:
        await producer.stop()


@pytest.mark.parametrize("user", [name for name in load().users if name != "hark-intake"])
def test_nobody_but_intake_reads_raw_feedback(locked: Cluster, user: str) -> None:
    with pytest.raises(TopicAuthorizationFailedError):
        asyncio.run(read(locked, user, "feedback.raw"))


def test_services_answer_but_do_not_decide(locked: Cluster) -> None:
    asyncio.run(publish(locked, "hark-services", "actions.status", b"{}"))
    with pytest.raises(TopicAuthorizationFailedError):
        asyncio.run(publish(locked, "hark-services", "actions.coupon", b"{}"))


def test_a_worker_that_may_see_its_input_but_not_read_it_says_so_at_the_start(locked: Cluster) -> None:
    async def connect() -> None:
        grants = [
            Grant(STRANGER, Resource.TOPIC, name, (Operation.DESCRIBE,))
            for name in (*read_by("intake"), "feedback.masked", "dead.letters", "alerts")
        ]
        await allow(locked.client_settings(), grants)
        run = Runtime(settings(locked, STRANGER), SystemClock())
        try:
            await run.connect(["intake"])
        finally:
            await run.close()

    with pytest.raises(TopicAuthorizationFailedError):
        asyncio.run(asyncio.wait_for(connect(), 60))


def test_agents_with_a_user_each_carry_an_event_to_its_score(locked: Cluster, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    Keyring.new().save(keys)
    workers = []
    for agent in ("intake", "score"):
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("HARK_")},
            "HARK_BROKER": locked.bootstrap, "HARK_SECURITY_PROTOCOL": "SASL_SSL",
            "HARK_SSL_CA": str(locked.ca_file), "HARK_SASL_USERNAME": f"hark-{agent}",
            "HARK_SASL_PASSWORD": locked.passwords[f"hark-{agent}"], "HARK_PARTITIONS": "2",
            "HARK_PII_KEYS_FILE": str(keys),
        }  # fmt: skip
        with (tmp_path / f"{agent}.log").open("wb") as log:
            command = [sys.executable, "-m", "ops.cli", "worker", "--agent", agent]
            workers.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
    try:
        event = {"channel": "app", "customer_id": "acl-000001", "text": "too slow, nobody answers"}
        asyncio.run(publish(locked, "hark-producers", "feedback.raw", json.dumps(event).encode()))
        try:
            scored = asyncio.run(read(locked, "hark-archive", "feedback.scored"))
        except TimeoutError:
            pytest.fail("".join((tmp_path / f"{a}.log").read_text()[-1500:] for a in ("intake", "score")))
        assert json.loads(scored[0])["customer_id"] == "acl-000001"
        began = time.monotonic()
        for worker in workers:
            worker.terminate()
        assert [worker.wait(15) for worker in workers] == [0, 0]
        assert time.monotonic() - began < 12
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    logs = "".join((tmp_path / f"{agent}.log").read_text() for agent in ("intake", "score"))
    assert not [user for user, password in locked.passwords.items() if password in logs]


@asynccontextmanager
async def deciding(cluster: Cluster, clock: VirtualClock) -> AsyncIterator[TimedRunner]:
    """Run decide for partition 0 as a user that may not write tickets, until the process is gone."""
    run = Runtime(settings(cluster, LIMITED, holdout_salt="golden"), clock)
    try:
        await run.connect(["decide"])
        runner = cast(TimedRunner, build_decide(run)[1])
        runner.assigned({0})
        yield runner
    finally:
        await run.close()


def test_an_action_its_topic_refuses_waits_while_others_arrive_and_goes_once_it_may(locked: Cluster) -> None:
    async def run() -> None:
        rights = [grant for grant in grants(load()) if grant.user == "hark-decide" and grant.name != TICKETS]
        seen = Grant(LIMITED, Resource.TOPIC, TICKETS, (Operation.DESCRIBE,))
        await allow(locked.client_settings(), [seen, *(replace(grant, user=LIMITED) for grant in rights)])
        event, clock = json.loads(SCORED.read_text())["feedback.raw/social_zh"], VirtualClock(GOLDEN_S)
        key, parked = event["customer_id"].encode(), metrics.PARKED.labels("decide", TICKETS)
        record = SimpleNamespace(key=key, value=dumps(event), headers=(), offset=0, timestamp=0)
        async with deciding(locked, clock) as runner:
            await runner.run(FEEDBACK_SCORED, 0, [record])
            assert parked._value.get() == 1
            await runner.tick_all()
        other = json.loads((await read(locked, "hark-archive", OTHERS))[0])
        await allow(locked.client_settings(), [replace(seen, operations=(Operation.WRITE,))])
        async with deciding(locked, clock) as runner, asyncio.timeout(SECONDS):
            await runner.tick_all()
            while parked._value.get():  # the brokers may learn of the grant a moment later
                clock.advance(60)
                await runner.tick_all()
        ticket = json.loads((await read(locked, "hark-archive", TICKETS))[0])
        assert (ticket["kind"], ticket["decision_id"]) == ("ticket", other["decision_id"])

    asyncio.run(asyncio.wait_for(run(), SECONDS))
