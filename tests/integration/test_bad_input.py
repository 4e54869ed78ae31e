"""Every bad input through the running pipeline: a dead letter, a stream that goes on, counts that add up."""

from __future__ import annotations

import json
from collections import Counter
from functools import partial
from typing import Any
from urllib.request import urlopen

import pytest
from backports import zstd
from canaries import SAID, Canaries
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from stack import Pipeline

from models.outcome import DeadReason
from models.snapshot_parts import Assembler
from streams.packing import shared_packer
from streams.topics import CATALOG, FEEDBACK_RAW, SNAPSHOTS, partitions_of

SEED = 77
ZSTD = b"\x28\xb5\x2f\xfd"


def event(**fields: Any) -> bytes:
    whole = {"channel": "app", "customer_id": "bad-000001", "text": "ok", **fields}
    return json.dumps({k: v for k, v in whole.items() if v is not ...}).encode()


BAD: tuple[tuple[str, bytes | None, DeadReason], ...] = (
    ("no value", None, DeadReason.EMPTY),
    ("an empty value", b"", DeadReason.EMPTY),
    ("not JSON", b"not json at all", DeadReason.NOT_JSON),
    ("half a JSON", event()[:-7], DeadReason.NOT_JSON),
    ("two JSON values", event() + event(), DeadReason.NOT_JSON),
    ("not a number", b'{"channel":"app","customer_id":"c","text":"x","rating":NaN}', DeadReason.INVALID),
    ("a list", b"[1, 2, 3]", DeadReason.NOT_OBJECT),
    ("a string", b'"hello"', DeadReason.NOT_OBJECT),
    ("null", b"null", DeadReason.NOT_OBJECT),
    ("deep nesting", b"[" * 100_000 + b"]" * 100_000, DeadReason.NOT_JSON),
    ("invalid UTF-8", b'{"channel":"app","customer_id":"c","text":"\xff\xfe"}', DeadReason.NOT_UTF8),
    ("UTF-16", '{"channel":"app","text":"x"}'.encode("utf-16"), DeadReason.NOT_UTF8),
    ("a lone surrogate", b'{"channel":"app","customer_id":"c","text":"\\ud800"}', DeadReason.SURROGATE),
    ("no text", event(text=...), DeadReason.TEXT_MISSING),
    ("an empty text", event(text=""), DeadReason.TEXT_MISSING),
    ("only blanks", event(text=" \n\t "), DeadReason.TEXT_MISSING),
    ("a text of a wrong type", event(text=5), DeadReason.INVALID),
    ("a text of 20,001 characters", event(text="x" * 20_001), DeadReason.TEXT_TOO_LONG),
    ("no channel", event(channel=...), DeadReason.INVALID),
    ("an unknown channel", event(channel="pigeon"), DeadReason.INVALID),
    ("nobody", event(customer_id=...), DeadReason.NO_IDENTITY),
    ("an empty customer", event(customer_id=""), DeadReason.INVALID),
    ("a customer of 129 characters", event(customer_id="c" * 129), DeadReason.INVALID),
    ("a rating outside its scale", event(rating=11), DeadReason.RATING_RANGE),
    ("a rating of a wrong type", event(rating="high"), DeadReason.INVALID),
    ("an unknown scale", event(rating=1, scale="bananas"), DeadReason.INVALID),
    ("the far future", event(occurred_at="2199-01-01T00:00:00Z"), DeadReason.TIME_FUTURE),
    ("the distant past", event(occurred_at="1971-01-01T00:00:00Z"), DeadReason.TIME_PAST),
    ("a time that is none", event(occurred_at="yesterday"), DeadReason.INVALID),
    ("attributes that are a list", event(attributes=[1]), DeadReason.INVALID),
    ("300 kB", event(attributes={"a": "x" * 300_000}), DeadReason.TOO_LARGE),
    ("5 MB of nonsense", b"nonsense " * 560_000, DeadReason.TOO_LARGE),
)  # fmt: skip


class Outside:
    """A producer that is not ours; remembers where every value went."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._producer = Producer({
            "bootstrap.servers": pipeline.settings.broker, "message.max.bytes": 8_000_000,
            "compression.type": "zstd",
        })  # fmt: skip
        self.places: list[tuple[int, int]] = []

    def send(
        self, value: bytes | None, key: bytes | None = None, topic: str = FEEDBACK_RAW
    ) -> tuple[int, int]:
        """Publish one value and return its partition and offset."""
        done: list[Message] = []

        def note(error: Any, message: Message) -> None:
            assert error is None, error
            done.append(message)

        self._producer.produce(FEEDBACK_RAW, value, key, on_delivery=note)
        self._producer.flush(30)
        return int(done[0].partition() or 0), int(done[0].offset() or 0)


@pytest.fixture(scope="module")
def outside(pipeline: Pipeline) -> Outside:
    return Outside(pipeline)


@pytest.fixture(scope="module")
def buried(pipeline: Pipeline, outside: Outside) -> dict[tuple[int, int], tuple[str, DeadReason]]:
    """Publish all bad inputs with null keys, good ones between them, and wait until all are accounted for."""
    places = {}
    for number, (name, value, reason) in enumerate(BAD):
        places[outside.send(value)] = (name, reason)
        outside.send(event(id=f"good-{number:06d}", text=f"very good service number {number}"))
    good = "SELECT count() FROM feedback FINAL WHERE startsWith(feedback_id, 'good-')"
    pipeline.until("good events are stored", lambda: int(pipeline.ask(good)[0][0]) >= len(BAD))
    dead = "SELECT count() FROM dead_letters FINAL WHERE topic = 'feedback.raw'"
    pipeline.until("bad events are buried", lambda: int(pipeline.ask(dead)[0][0]) >= len(BAD))
    return places


def test_every_bad_input_is_a_dead_letter_with_its_reason_and_place(
    pipeline: Pipeline, buried: dict[tuple[int, int], tuple[str, DeadReason]]
) -> None:
    rows = pipeline.ask(
        "SELECT partition, offset, reason FROM dead_letters FINAL WHERE topic = 'feedback.raw'"
    )
    found = {(int(partition), int(offset)): reason for partition, offset, reason in rows}
    wrong = {
        name: (found.get(place), str(reason))
        for place, (name, reason) in buried.items()
        if found.get(place) != str(reason)
    }
    assert wrong == {}


def test_the_stream_goes_on_and_every_good_event_between_is_stored_once(
    pipeline: Pipeline, buried: dict[tuple[int, int], tuple[str, DeadReason]]
) -> None:
    rows = pipeline.ask("SELECT feedback_id FROM feedback FINAL WHERE startsWith(feedback_id, 'good-')")
    assert sorted(row[0] for row in rows) == [f"good-{number:06d}" for number in range(len(BAD))]


def test_the_worker_counts_each_reason(
    pipeline: Pipeline, buried: dict[tuple[int, int], tuple[str, DeadReason]]
) -> None:
    wanted = Counter(str(reason) for _, _, reason in BAD)
    text = urlopen(pipeline.metrics_url, timeout=10).read().decode()
    counted = {reason: metric(text, f'agent="intake",reason="{reason}"') for reason in wanted}
    assert all(counted[reason] >= count for reason, count in wanted.items()), counted


def metric(text: str, labels: str) -> float:
    lines = [line for line in text.splitlines() if line.startswith("hark_dead_letters_total{" + labels)]
    return float(lines[0].rsplit(" ", 1)[1]) if lines else 0.0


def planted(canaries: Canaries) -> list[bytes]:
    """Return events that carry fresh values of every type in each field in turn."""
    found = []
    for number, kind in enumerate(SAID):
        new = partial(canaries.said, kind)
        base = {"channel": "social", "customer_id": f"canary-{number:04d}", "text": "不错，很满意"}
        told = [
            {**base, "text": f"请联系我，{new()}，谢谢"},
            {**base, "customer_id": new()},
            {k: v for k, v in {**base, "author": new()}.items() if k != "customer_id"},
            {**base, "id": new()},
            {**base, "order_id": new()},
            {**base, "product": new()},
            {**base, "region": new()},
            {**base, "attributes": {"note": new(), "deep": [{"er": new()}]}},
            {**base, "attributes": {new(): "as a key"}},
            {**base, "unknown_field": new()},
            {**base, "text": "x" * 20_001 + new()},
            {**base, "rating": 99, "text": new()},
            {**base, "channel": new()},
            {**base, "lang": new()[:16]},
            {**base, "kind": new()},
            {**base, "occurred_at": new()},
            {**base, new(): {"x": 1}, "text": ""},
        ]  # fmt: skip
        # Without ids of their own, equal words of one customer would be one feedback.
        for place, one in enumerate(told):
            one.setdefault("id", f"can-{number:03d}{place:03d}")
        found += [json.dumps(one, ensure_ascii=False).encode() for one in told]
        found += [f"not json {new()}".encode(), b"\xff" + new().encode()]
    return found


def test_no_personal_value_is_found_anywhere_but_in_raw_feedback(
    pipeline: Pipeline, outside: Outside
) -> None:
    canaries = Canaries(SEED)
    events = planted(canaries)
    stored = "SELECT (SELECT count() FROM feedback FINAL), (SELECT count() FROM dead_letters FINAL)"
    before = sum(int(n) for n in pipeline.ask(stored)[0])
    for value in events:
        outside.send(value, key=canaries.value("PHONE").encode())
    pipeline.until(
        "canaries are through", lambda: sum(map(int, pipeline.ask(stored)[0])) >= before + len(events)
    )
    places = {"worker log": pipeline.worker_log.read_text(errors="replace"),
              "metrics": urlopen(pipeline.metrics_url, timeout=10).read().decode()}  # fmt: skip
    for (table,) in pipeline.ask("SELECT name FROM system.tables WHERE database = currentDatabase()"):
        places[f"table {table}"] = json.dumps(pipeline.ask(f"SELECT * FROM {table}"), ensure_ascii=False)
    for topic, text in contents(pipeline).items():
        places[f"topic {topic}"] = text
    raw = places.pop(f"topic {FEEDBACK_RAW}")
    assert [value for value in canaries.values if value not in raw and value[:10] not in raw] == []
    leaks = {(value, place) for place, text in places.items() for value in canaries.values if value in text}
    assert leaks == set()
    assert "topic feedback.masked" in places and "table feedback" in places
    assert '"config_hash":' in places[f"topic {SNAPSHOTS}"]


def contents(pipeline: Pipeline) -> dict[str, str]:
    """Return every record of every topic as text: keys, headers and values, state and models unpacked."""
    found: dict[str, list[str]] = {topic.name: [] for topic in CATALOG}
    models = Assembler()
    consumer = Consumer({"bootstrap.servers": pipeline.settings.broker, "group.id": "canary-reader",
                         "fetch.message.max.bytes": 8_000_000})  # fmt: skip
    try:
        consumer.assign([
            TopicPartition(topic.name, partition, 0)
            for topic in CATALOG for partition in range(partitions_of(topic, pipeline.settings.partitions))
        ])  # fmt: skip
        quiet = 0
        while quiet < 4:
            messages = consumer.consume(1000, 1.0)
            quiet = 0 if messages else quiet + 1
            for message in messages:
                assert message.error() is None, message.error()
                value = shared_packer().unpack(as_bytes(message.value()))
                headers = (value for _, value in message.headers() or ())
                parts = [as_bytes(part) for part in (message.key(), value, *headers)]
                text = " ".join(part.decode(errors="replace") for part in parts)
                found[str(message.topic())].append(text)
                if message.topic() == SNAPSHOTS and (whole := models.add(parts[0].decode(), value)):
                    found[SNAPSHOTS].append(
                        zstd.decompress(whole[whole.index(ZSTD) :]).decode(errors="replace")
                    )
    finally:
        consumer.close()
    return {topic: "\n".join(texts) for topic, texts in found.items()}


def as_bytes(part: str | bytes | None) -> bytes:
    return part.encode() if isinstance(part, str) else part or b""
