"""A few hundred events through the whole pipeline, seen by clients that are not ours."""

from __future__ import annotations

import json
import time
from random import Random
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from stack import Pipeline
from typer.testing import CliRunner

from ops.cli import app
from ops.simulator import personal
from ops.simulator.words import Words
from sinks.clickhouse.client import connect
from sinks.clickhouse.queries import ask
from streams.topics import ACTION_TOPICS, CUSTOMER_EVENTS, FEEDBACK_RAW

EVENTS, COPIES, SEED = 300, 30, 20
CUPS = (
    "这批保温杯全是裂的，一倒热水就漏得到处都是", "这批保温杯都是裂的，一倒热水就漏得到处都是",
    "刚收到，这批保温杯全是裂的，一倒热水就漏得到处都是", "这批保温杯全是裂的，一倒热水就漏得到处都是，差评",
    "你们这批保温杯全是裂的，一倒热水就漏得到处都是", "这批保温杯全是裂的，一倒热水就会漏得到处都是",
    "这批保温杯全是裂的，倒热水就漏得到处都是了", "这批保温杯全都是裂的，一倒热水就漏得到处都是",
    "买的这批保温杯全是裂的，一倒热水就漏得到处都是", "这批保温杯全是裂的，一倒开水就漏得到处都是",
    "这批保温杯全是裂的，一倒热水就漏得桌上都是", "这批保温杯全是裂的！一倒热水就漏得到处都是，退货",
)  # fmt: skip
"""One fault in twelve wordings."""
OURS = "startsWith(feedback_id, 'pipe-')"
PERSONAL = 0.2


class Sent:
    """What the outside client published."""

    def __init__(self) -> None:
        rng = Random(SEED)
        words = Words(rng)
        self.events: list[dict[str, Any]] = []
        self.secrets: list[str] = []
        for number in range(EVENTS):
            lang = rng.choice(("zh", "en"))
            mood = rng.choice(("negative", "negative", "positive"))
            text = words.opinion(lang, mood, rng.choice(words.topics(lang, mood)), words.product(lang))
            if rng.random() < PERSONAL:
                number_of = personal.phone(rng)
                self.secrets.append(number_of)
                text += f" 电话{number_of}" if lang == "zh" else f" Call +86 {number_of}."
            self.events.append(
                {"id": f"pipe-{number:06d}", "customer_id": f"pipe-{number % 40:05d}", "text": text,
                 "lang": lang, "channel": rng.choice(("app", "web", "email", "review"))}
            )  # fmt: skip
        self.copies = rng.sample(self.events, COPIES)


def publish(pipeline: Pipeline, topic: str, events: list[dict[str, Any]]) -> None:
    producer = Producer({"bootstrap.servers": pipeline.settings.broker, "acks": "all"})
    failures: list[KafkaError] = []
    for event in events:
        producer.produce(
            topic,
            json.dumps(event, ensure_ascii=False).encode(),
            key=event["customer_id"].encode(),
            on_delivery=lambda error, message: failures.append(error) if error else None,
        )
    assert producer.flush(60) == 0
    assert failures == []


@pytest.fixture(scope="module")
def sent(pipeline: Pipeline) -> Sent:
    sent = Sent()
    profiles = [
        {"id": f"prof-{n:05d}", "customer_id": f"pipe-{n:05d}", "kind": "profile", "tier": "gold",
         "lifetime_value": 9000.0} for n in range(40)
    ]  # fmt: skip
    publish(pipeline, CUSTOMER_EVENTS, profiles)
    pipeline.until("profiles are stored", lambda: count(pipeline, "facts", "startsWith(id, 'prof-')") >= 40)
    publish(pipeline, FEEDBACK_RAW, [*sent.events, *sent.copies])
    pipeline.until(
        "all events are stored",
        lambda: count(pipeline, "feedback", OURS) >= EVENTS and count(pipeline, "facts", OURS) >= COPIES,
    )
    return sent


def count(pipeline: Pipeline, table: str, where: str) -> int:
    return int(pipeline.ask(f"SELECT count() FROM {table} FINAL WHERE {where}")[0][0])


def test_every_event_is_stored_once_and_every_copy_is_accounted_for(pipeline: Pipeline, sent: Sent) -> None:
    rows = pipeline.ask(f"SELECT feedback_id, customer_id, lang, channel FROM feedback FINAL WHERE {OURS}")
    stored = sorted(tuple(row) for row in rows)
    assert stored == sorted((e["id"], e["customer_id"], e["lang"], e["channel"]) for e in sent.events)
    dropped = pipeline.ask(f"SELECT feedback_id FROM facts FINAL WHERE event = 'dropped' AND {OURS}")
    assert sorted(row[0] for row in dropped) == sorted(event["id"] for event in sent.copies)


def test_both_languages_are_scored_by_their_own_words(pipeline: Pipeline, sent: Sent) -> None:
    rows = pipeline.ask(
        "SELECT lang, min(scores.polarity), max(scores.polarity) FROM feedback FINAL "
        f"WHERE {OURS} GROUP BY lang"
    )
    assert sorted(row[0] for row in rows) == ["en", "zh"]
    assert all(lowest < 0 < highest for _, lowest, highest in rows)


def test_personal_data_does_not_reach_the_store(pipeline: Pipeline, sent: Sent) -> None:
    texts = "\n".join(
        row[0]
        for row in pipeline.ask("SELECT text FROM feedback FINAL WHERE startsWith(feedback_id, 'pipe-')")
    )
    assert len(sent.secrets) > 20
    assert [secret for secret in sent.secrets if secret in texts] == []
    assert int(pipeline.ask("SELECT count() FROM feedback FINAL WHERE masked LIKE '%PHONE%'")[0][0]) >= len(
        sent.secrets
    )


def test_an_outside_consumer_reads_exactly_the_actions_that_were_decided(
    pipeline: Pipeline, sent: Sent
) -> None:
    def decided() -> dict[str, str]:
        """Return the decision of each action decided on first."""
        rows = pipeline.ask(
            f"SELECT action_id, decision_id FROM decisions FINAL WHERE arm = 'acted' AND {OURS}"
        )
        return {action: decision for action, decision in rows}

    def original() -> dict[str, str]:
        """Return the decision of each action seen; what follow_up adds names the work order it is about."""
        return {a["action_id"]: a["decision_id"] for a in seen.values() if "follow_up" not in a["parameters"]}

    pipeline.until("something was decided", lambda: len(decided()) > 0)
    consumer = Consumer({"bootstrap.servers": pipeline.settings.broker, "group.id": "outside",
                         "auto.offset.reset": "earliest", "enable.auto.commit": False})  # fmt: skip
    seen: dict[str, dict[str, Any]] = {}
    try:
        consumer.assign([TopicPartition(topic, p, 0) for topic in ACTION_TOPICS for p in range(4)])

        def all_there() -> bool:
            for message in consumer.consume(500, 0.5):
                assert message.error() is None, message.error()
                action = json.loads(message.value() or b"")
                assert dict(message.headers() or [])["ce_type"].decode() == f"hark.action.{action['kind']}"
                if action["feedback_id"].startswith("pipe-"):
                    seen[action["action_id"]] = action
            # Topics reach the store at their own pace: neither side may be ahead of the other for good.
            stored, read = decided(), original()
            return stored.items() <= read.items() and set(read.values()) == set(stored.values())

        pipeline.until("every action is on its topic and every decision in the store", all_there)
    finally:
        consumer.close()
    assert {action["customer_id"] for action in seen.values()} <= {e["customer_id"] for e in sent.events}


def test_twelve_wordings_over_partitions_and_channels_are_one_issue_with_twelve_voices(
    pipeline: Pipeline, sent: Sent
) -> None:
    began = int(time.time() * 1000)
    voices = [
        {"id": f"cup-{n:02d}", "customer_id": f"voice-{n:02d}", "text": CUPS[n % 12], "lang": "zh",
         "channel": ("app", "social", "call")[n % 3]} for n in range(13)
    ]  # fmt: skip
    publish(pipeline, FEEDBACK_RAW, voices[:12])
    client = connect(pipeline.url, "default", "", pipeline.database)

    def issues() -> list[dict[str, Any]]:
        period = {"from": began - 60_000, "to": began + 600_000, "least": 2, "most": 100}
        return [row for row in ask(client, "insight_clusters", period) if "水就" in row["example"]]

    def are_one() -> bool:
        return [(row["customers"], row["events"], row["channels"]) for row in issues()] == [(12, 12, 3)]

    pipeline.until("twelve wordings are one issue", are_one)
    issue = issues()[0]["cluster_id"]
    parts = "SELECT uniqExact(_partition), uniqExact(cluster_id) FROM feedback FINAL WHERE feedback_id LIKE "
    assert min(pipeline.ask(f"{parts}'cup-%'")[0]) >= 3, "spread over partitions, under ids of their own"
    # What is said from now on has the issue's id at once, for rules too.
    publish(pipeline, FEEDBACK_RAW, voices[12:])
    latest = "SELECT cluster_id FROM feedback FINAL WHERE feedback_id = 'cup-12'"
    pipeline.until("the thirteenth is stored", lambda: bool(pipeline.ask(latest)))
    assert [row[0] for row in pipeline.ask(latest)] == [issue]


def test_a_store_row_leads_back_to_the_record_it_came_from(pipeline: Pipeline, sent: Sent) -> None:
    topic, partition, offset = pipeline.ask(
        "SELECT origin.1, origin.2, origin.3 FROM feedback FINAL WHERE feedback_id = 'pipe-000007' LIMIT 1"
    )[0]
    consumer = Consumer({"bootstrap.servers": pipeline.settings.broker, "group.id": "origin"})
    try:
        consumer.assign([TopicPartition(topic, int(partition), int(offset))])
        found: list[dict[str, Any]] = []

        def read() -> bool:
            found.extend(json.loads(m.value() or b"") for m in consumer.consume(1, 1.0) if not m.error())
            return bool(found)

        pipeline.until("the original record is read", read)
    finally:
        consumer.close()
    assert found[0]["id"] == "pipe-000007"


def test_a_work_order_is_handed_on_and_resolved_from_the_command_line(
    pipeline: Pipeline, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Store to people, people to Kafka, follow_up, and back to the store."""
    for name in ("broker", "clickhouse_url", "clickhouse_database"):
        monkeypatch.setenv(f"HARK_{name.upper()}", getattr(pipeline.settings, name))

    def hark(*words: str) -> Any:
        result = CliRunner().invoke(app, ["tickets", *words])
        assert result.exit_code == 0, result.output
        return json.loads(result.output) if "--json" in words else result.output

    def order() -> dict[str, Any]:
        return dict(hark("show", ident, "--json"))

    pipeline.until("there are work orders", lambda: bool(hark("list", "--json", "--limit", "1")))
    ident = hark("list", "--json", "--limit", "1")[0]["action_id"]
    hark("assign", ident, "--team", "night", "--by", "day", "--reason", "shift")
    pipeline.until("it was handed on", lambda: order()["team"] == "night")
    hark("resolve", ident, "--by", "night", "--told")
    pipeline.until("it is done", lambda: bool(order()["told_at"]))
    done = order()
    assert done["state"] in ("resolved", "closed") and done["resolved_at"]
    trail = [(line["change"], line["by"]) for line in done["trail"]]
    assert ("assigned", "day") in trail and ("resolved", "night") in trail
    answers = f"event = 'action_status' AND action_id = '{ident}'"
    pipeline.until("rules see what was said", lambda: count(pipeline, "facts", answers) == 3)
