"""Rules published through the broker reach a running worker's engine within seconds, and the store."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import orjson
import pytest
from broker_world import running_broker

from models.identity import Links
from models.intake import FieldMask, LinkAdmission
from models.pii import Finder, Masker
from models.pii.keyring import Keyring
from ops.bench.sink import START_MS as T0
from ops.bench.sink import decision, feedback
from ops.embedded.store import EmbeddedStore
from ops.wiring.catalog import AUTHOR, KafkaPublisher
from ops.wiring.log import read
from rules.engine import Engine
from rules.limits import load_limits
from sinks.base import Slice
from sinks.clickhouse import ClickHouseSink, Schema, connect
from streams import kafka
from streams.broadcast import Broadcast
from streams.catalog import LIMITS, SHIPPED, LiveCatalog, shipped_catalog
from streams.codec import loads
from streams.settings import Settings
from streams.topics import CUSTOMER_LINKS, RULES_CATALOG
from streams.whole import read_whole

RULE = "late_delivery_coupon"


@pytest.fixture(scope="module")
def settings() -> Iterator[Settings]:
    with running_broker(2) as config:
        yield config


def test_a_live_engine_follows_pause_resume_publish_and_rollback(
    settings: Settings, hark, tmp_path: Path
) -> None:
    engine = Engine(shipped_catalog(None), load_limits(LIMITS))
    text = (SHIPPED / f"{RULE}.yaml").read_text(encoding="utf-8")
    folder = tmp_path / "catalog"
    shutil.copytree(SHIPPED, folder)
    file = folder / f"{RULE}.yaml"

    async def reader():
        consumer = kafka.reader(settings, "test")
        await consumer.start()
        return consumer

    async def until(version: int, status: str, *words: str) -> float:
        began = time.monotonic()
        await asyncio.to_thread(hark, *words)
        sent = time.monotonic()
        while True:
            rule = engine.catalog.rules[RULE]
            if (rule.version, rule.status) == (version, status):
                return time.monotonic() - sent
            assert time.monotonic() - began < 30, f"{words}: still {rule.version} {rule.status}"
            await asyncio.sleep(0.01)

    async def scenario() -> list[float]:
        following = Broadcast(reader, {RULES_CATALOG: LiveCatalog(engine).apply})
        await following.start()
        try:
            file.write_text(text.replace("version: 1", "version: 2", 1), encoding="utf-8")
            return [
                await until(1, "paused", "rules", "pause", RULE, "--author", "ann"),
                await until(1, "live", "rules", "resume", RULE, "--author", "ann"),
                await until(2, "live", "rules", "publish", str(file), "--author", "bob", "--comment", "two"),
                await until(1, "live", "rules", "rollback", RULE, "--author", "ann"),
            ]
        finally:
            await following.stop()

    assert max(asyncio.run(scenario())) < 5.0
    changes = [
        (r.change, r.version, r.author) for r in KafkaPublisher(settings).records() if r.rule_id == RULE
    ]
    assert changes == [
        ("publish", 1, AUTHOR),
        ("pause", 1, "ann"),
        ("resume", 1, "ann"),
        ("publish", 2, "bob"),
        ("rollback", 1, "ann"),
    ]


def test_with_approval_a_version_waits_for_somebody_else(
    settings: Settings, hark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARK_RULES_APPROVAL", "true")
    rule = "active_reviewer_beta"
    text = (SHIPPED / f"{rule}.yaml").read_text(encoding="utf-8")
    (tmp_path / f"{rule}_test.yaml").write_bytes((SHIPPED / f"{rule}_test.yaml").read_bytes())
    file = tmp_path / f"{rule}.yaml"
    file.write_text(text.replace("version: 1", "version: 5", 1), encoding="utf-8")
    assert "waits for approval" in hark("rules", "publish", str(file), "--author", "bob")
    assert "cannot approve it" in hark("rules", "approve", rule, "--author", "bob", ok=False)
    hark("rules", "approve", rule, "--author", "ann")
    newest = [r for r in KafkaPublisher(settings).records() if r.rule_id == rule][-1]
    assert (newest.version, newest.author, newest.approver) == (5, "bob", "ann")


def test_what_is_older_or_unknown_is_refused_in_a_sentence(hark, tmp_path: Path) -> None:
    rule = "question_auto_reply"
    for name in (f"{rule}.yaml", f"{rule}_test.yaml"):
        (tmp_path / name).write_bytes((SHIPPED / name).read_bytes())
    said = hark("rules", "publish", str(tmp_path / f"{rule}.yaml"), "--author", "bob", ok=False)
    assert "must be higher" in said
    assert "it is not in force" in hark("rules", "pause", "nothing", "--author", "ann", ok=False)


def test_links_are_put_and_removed(settings: Settings, hark) -> None:
    keys = Keyring.new()
    joined = LinkAdmission(FieldMask(Masker(Finder(), {}, keys)), links := Links())
    handle = ("--channel", "social", "--author", "@sunny_side")
    hark("links", "put", *handle, "--customer", "cust-1", "--basis", "account", "--at", "2026-03-14T00:00:00")
    (put,) = read(settings, CUSTOMER_LINKS)
    assert put[0] == b"social:@sunny_side" and loads(put[1])["occurred_at"] == "2026-03-14T00:00:00.000Z"
    assert joined.apply(*put) is None
    voice = FieldMask(Masker(Finder(), {}, keys)).handle("social", "@sunny_side")
    assert links.customer_of(voice) is not None
    hark("links", "remove", *handle)
    _, gone, tombstone = read(settings, CUSTOMER_LINKS)
    assert loads(gone[1])["consent"] == "withdrawn" and tombstone == (put[0], None)
    assert joined.apply(*gone) is None and joined.apply(*tombstone) is None
    assert links.customer_of(voice) is None
    said = hark("links", "put", *handle, "--customer", "x" * 300, ok=False)
    assert "customer_id cannot be used" in said and "xxx" not in said


def test_changes_are_stored_with_who_and_when_and_why_reads_what_was_decided(
    settings: Settings, hark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hark("rules", "pause", "safety_escalation", "--author", "ann", "--comment", "too many")
    said = feedback(Random(1), T0)
    spent = decision(Random(1), T0) | {
        "customer_id": said["customer_id"], "feedback_id": said["feedback_id"], "rule_id": RULE,
        "arm": "suppressed", "reason": "budget", "action_id": None,
    }  # fmt: skip

    async def reader():
        consumer = kafka.reader(settings, "test")
        await consumer.start()
        return consumer

    async def scenario() -> list[tuple]:
        store = EmbeddedStore(tmp_path)
        await store.start()
        try:
            client = await asyncio.to_thread(connect, store.url)
            await asyncio.to_thread(Schema(client, "hark").migrate)
            records = await read_whole(reader, RULES_CATALOG)
            lines = [(n, value) for n, (_, value) in enumerate(records) if value is not None]
            sink = ClickHouseSink(store.url)
            await sink.start()
            await sink.write(
                [
                    Slice(RULES_CATALOG, 0, 0, len(records) - 1, lines),
                    Slice("feedback.scored", 0, 0, 0, [(0, orjson.dumps(said))]),
                    Slice("decisions", 0, 0, 0, [(0, orjson.dumps(spent))]),
                ]
            )
            await sink.close()
            query = (
                "SELECT change, author, status, note, at > 0 FROM rule_changes FINAL "
                "WHERE rule_id = 'safety_escalation'"
            )
            rows = client.query(query).result_rows
            client.close()
            monkeypatch.setenv("HARK_CLICKHOUSE_URL", store.url)
            told.append(await asyncio.to_thread(hark, "rules", "why", said["customer_id"], "--rule", RULE))
            return [tuple(row) for row in rows]
        finally:
            await store.stop()

    told: list[str] = []
    assert asyncio.run(scenario()) == [("pause", "ann", "paused", "too many", 1)]
    assert f"feedback {said['feedback_id']}, 2025-" in told[0]
    assert "suppressed budget\n" in told[0] and "spent on that day; decided by version 3" in told[0]
