"""Erasing a customer from a running pipeline: a search for what should be gone, and what must stay."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from databases import fresh, running_store
from planted import DAY, START, Planted

from models.intake.privacy import FieldMask
from ops.erase import EraseError, delete_rows, erase, tables_of_customers
from ops.local import LocalCluster
from rules.rule import Rule
from sinks.clickhouse.client import Client, connect
from streams import kafka
from streams.catalog import shipped_catalog
from streams.masking import masker
from streams.packing import shared_packer
from streams.settings import Settings
from streams.topics import CUSTOMER_EVENTS, CUSTOMER_LINKS, FEEDBACK_RAW, HOLDOUTS, OUTCOMES

GONE, KEPT, HANDLE = "cust-000777", "cust-000888", "gone_handle"
EVENTS = 12
SILENT_POLLS = 3
ALWAYS = "safety_escalation"
"""The rule that leaves a decision, acted or suppressed, for everything said here; they can be counted."""


async def say(producer: AIOKafkaProducer, topic: str, **event: Any) -> None:
    key = str(event.get("customer_id") or event.get("author")).encode()
    await producer.send_and_wait(topic, value=orjson.dumps(event), key=key)


async def live(producer: AIOKafkaProducer) -> None:
    """Let two customers complain until rules fire; one is linked to a handle after speaking through it."""
    await say(
        producer, FEEDBACK_RAW, channel="social", author=HANDLE, text="the kettle leaks, I want a refund"
    )
    link = {"channel": "social", "author": HANDLE, "customer_id": GONE, "consent": "granted"}
    await producer.send_and_wait(CUSTOMER_LINKS, value=orjson.dumps(link), key=f"social:{HANDLE}".encode())
    for customer in (GONE, KEPT):
        await say(
            producer, CUSTOMER_EVENTS, customer_id=customer, kind="profile", tier="gold", lifetime_value=5000,
            since="2024-01-01T00:00:00Z",
        )  # fmt: skip
        await say(producer, OUTCOMES, customer_id=customer, kind="purchase", value=1)
        for number in range(EVENTS):
            await say(
                producer, FEEDBACK_RAW, id=f"{customer}-{number}", channel="app", customer_id=customer,
                text=f"terrible, it caught fire and nobody answers, refund me now {number}", rating=1,
                product="kettle",
            )  # fmt: skip


async def newest(settings: Settings, topic: str, partitions: int | None = None) -> dict[bytes, bytes]:
    """Return what compaction would keep of a topic; nothing is written to it, as it is somebody's state."""
    found: dict[bytes, bytes] = {}
    consumer: AIOKafkaConsumer = kafka.reader(settings, "search")
    await consumer.start()
    try:
        places = [TopicPartition(topic, number) for number in range(partitions or settings.partitions)]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        silent = 0
        while silent < SILENT_POLLS:
            got = await consumer.getmany(timeout_ms=500)
            silent = 0 if got else silent + 1
            for records in got.values():
                for record in records:
                    found.pop(record.key, None)
                    if record.value is not None:
                        found[record.key] = shared_packer().unpack(record.value)
    finally:
        await consumer.stop()
    return found


def rows_of(client: Client, names: list[str]) -> dict[str, int]:
    found = {}
    for table, column in tables_of_customers(client):
        query = f"SELECT count() FROM {table} WHERE {column} IN {{names:Array(String)}}"
        if count := client.query(query, parameters={"names": names}).result_rows[0][0]:
            found[f"{table}.{column}"] = count
    return found


def missing(client: Client, rules: Mapping[str, Rule]) -> str:
    """Return what of the two customers' rows the store does not have yet; empty when all has come to rest.

    Topics reach the store in no order among each other, so each is held against what caused it: decisions
    against feedback, actions and assignments against decisions, work orders against actions.
    """

    def ask(sql: str) -> list[Any]:
        return [
            row if len(row) > 1 else row[0] for row in client.query(f"{sql} SETTINGS final = 1").result_rows
        ]

    ours = "customer_id LIKE 'cust-%'"
    if len(ask("SELECT feedback_id FROM feedback")) < 2 * EVENTS + 1:
        return "feedback"
    facts = set(ask(f"SELECT customer_id, kind FROM facts WHERE {ours}"))
    if not facts >= {(name, kind) for name in (GONE, KEPT) for kind in ("profile", "purchase")} | {
        (GONE, "linked")
    }:
        return "facts"
    if len(ask(f"SELECT feedback_id FROM decisions WHERE {ours} AND rule_id = '{ALWAYS}'")) < 2 * EVENTS:
        return "decisions"
    acted = ask(f"SELECT decision_id, rule_id FROM decisions WHERE {ours} AND arm = 'acted'")
    drawn = ask(f"SELECT customer_id, rule_id FROM decisions WHERE {ours} AND arm IN ('acted', 'holdout')")
    if not set(drawn) <= set(ask("SELECT customer_id, rule_id FROM assignments")):
        return "assignments"
    actions = ask("SELECT action_id, decision_id FROM actions")
    owed = {decision: 1 + len(rules[rule].also) for decision, rule in acted}
    if any(sum(of == decision for _, of in actions) < count for decision, count in owed.items()):
        return "actions"
    opened = set(ask("SELECT action_id, change FROM work_order_changes"))
    return "" if {(action, "opened") for action, of in actions if of in owed} <= opened else "work orders"


async def at_rest(client: Client) -> None:
    """Wait until the store has everything that follows from what was said."""
    rules, lacking = shipped_catalog(None).rules, "everything"
    try:
        async with asyncio.timeout(90):
            while lacking := await asyncio.to_thread(missing, client, rules):
                await asyncio.sleep(0.2)
    except TimeoutError:
        pytest.fail(f"after 90 s the store still lacks {lacking}")


@pytest.fixture(scope="module")
def searched() -> dict[str, Any]:
    """Run a pipeline, erase one of two customers, and bring home everything a search needs."""

    async def run() -> dict[str, Any]:
        environment = {"HARK_ARCHIVE_LINGER_S": "0.2", "HARK_GLOBAL_HOLDOUT": "0.5"}
        async with LocalCluster(1, environment=environment) as cluster:
            settings = cluster.settings
            client = await asyncio.to_thread(connect, cluster.stack.store.url, "default", "", "hark")
            mask = FieldMask(masker(settings))
            producer = kafka.producer(settings, "test")
            await producer.start()
            try:
                await live(producer)
                await at_rest(client)
                voice = mask.handle("social", HANDLE)
                before = {name: rows_of(client, [name]) for name in (GONE, KEPT, voice)}
                held = {t: await newest(settings, t) for t in ("state.score", "state.decide", HOLDOUTS)}
                hourly = "SELECT uniqCombined64Merge(events) FROM feedback_hourly"
                aggregates = client.query(hourly).result_rows
                done = await erase(settings, client, mask, GONE, quiet=1.5)
                return {
                    "done": done, "before": before, "held": held, "voice": voice,
                    "after": {name: rows_of(client, [name]) for name in (GONE, KEPT, voice)},
                    "left": {t: await newest(settings, t) for t in held},
                    "links": await newest(settings, CUSTOMER_LINKS, 1),
                    "aggregates": (aggregates, client.query(hourly).result_rows),
                    "again": await erase(settings, client, mask, GONE, quiet=1.5),
                    "end": {name: rows_of(client, [name]) for name in (GONE, KEPT, voice)},
                }  # fmt: skip
            finally:
                await producer.stop()
                client.close()

    return asyncio.run(run())


def of(state: dict[bytes, bytes], name: str) -> list[bytes]:
    return [key for key, value in state.items() if name.encode() in key or name.encode() in value]


def test_there_was_something_to_erase(searched: dict[str, Any]) -> None:
    assert {"feedback.customer_id", "decisions.customer_id", "facts.customer_id"} <= set(
        searched["before"][GONE]
    )
    assert searched["before"][searched["voice"]], "the voice spoke before it was linked"
    for topic, state in searched["held"].items():
        assert of(state, GONE), topic


def test_no_row_of_the_customer_or_their_voices_is_left(searched: dict[str, Any]) -> None:
    assert searched["after"][GONE] == {} == searched["after"][searched["voice"]]
    assert searched["done"].rows["feedback"] >= EVENTS + 1 and searched["done"].names == 2


def test_no_state_names_the_customer_any_more(searched: dict[str, Any]) -> None:
    for topic, state in searched["left"].items():
        # Feedback ids a cluster was founded by stay for its seven days: see ops/docs/erasure.md.
        named = [key for key in of(state, GONE) if not key.startswith(b"k:") and key != b"~rules"]
        assert named == [], topic


def test_links_are_withdrawn(searched: dict[str, Any]) -> None:
    assert searched["done"].links == 1
    assert not of(searched["links"], HANDLE) and not of(searched["links"], GONE)


def test_the_other_customer_and_the_aggregates_stay(searched: dict[str, Any]) -> None:
    assert searched["after"][KEPT] == searched["before"][KEPT] == searched["end"][KEPT]
    assert of(searched["left"]["state.score"], KEPT)
    assert searched["aggregates"][0] == searched["aggregates"][1]


def test_erasing_again_finds_only_its_own_trace_and_removes_it(searched: dict[str, Any]) -> None:
    assert set(searched["again"].rows) <= {"facts"} and searched["again"].links == 0
    assert searched["end"][GONE] == {} == searched["end"][searched["voice"]]


def test_rows_go_from_every_table_that_has_customers() -> None:
    with running_store() as store:
        client, plant = fresh(store), Planted()
        for customer in ("a", "b"):
            feedback = plant.says(customer, START)
            plant.fact(customer, "customer", "visit", START)
            action = plant.acts(
                customer, plant.decides(customer, START, "acted", feedback, "r"), feedback, START
            )
            plant.answers(customer, action, "resolved", START + DAY)
            plant.put("holdouts", customer_id=customer, rule_id="r", arm="treat", share=0.1, salt="s")
        plant.write(store, client)
        deleted = delete_rows(client, ["a", "v-a"])
        assert {"feedback", "facts", "decisions", "actions", "action_status", "assignments", "links"} == set(
            deleted
        )
        assert rows_of(client, ["a", "v-a"]) == {} and len(rows_of(client, ["b"])) == 7
        parts = "SELECT sum(rows) FROM system.parts WHERE active AND table = 'feedback' AND database = '{}'"
        assert client.query(parts.format(client.database)).result_rows[0][0] == 1  # rewritten, not hidden
        assert delete_rows(client, ["a", "v-a"]) == {}
        client.close()


def test_without_workers_it_says_so_and_deletes_nothing() -> None:
    from ops.erase import _arrived

    async def quickly(seconds: float) -> None:
        assert seconds > 0

    with running_store() as store:
        client = fresh(store)
        with pytest.raises(EraseError, match="are workers running"):
            asyncio.run(_arrived(client, ["erase-1"], 0.0, quickly))
        client.close()
