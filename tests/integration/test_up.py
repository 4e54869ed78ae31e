"""`hark up` as its users meet it: a Kafka client and an HTTP client that are not ours, twice in a row."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

from confluent_kafka import Consumer, Producer

SECONDS = 90.0
POLL = 0.2


@contextmanager
def running(data: Path) -> Iterator[dict[str, str]]:
    """Run `hark up` on free ports and yield the addresses it prints."""
    command = [sys.executable, "-m", "ops.cli", "up", "--data", str(data)]
    command += ["--broker-port", "0", "--store-port", "0", "--metrics-port", "0"]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
    )
    said: list[str] = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            if "stop with Ctrl-C" in line:
                break
        text = "".join(said)
        found = re.search(r"broker +(\S+).*ClickHouse +(\S+).*metrics +(\S+)", text, re.S)
        assert found, text
        yield {"broker": found[1], "store": found[2], "metrics": found[3]}
    finally:
        process.send_signal(signal.SIGTERM)
        rest = process.communicate(timeout=60)[0]
    assert process.returncode == 0, rest


def ask(store: str, sql: str) -> str:
    """Query ClickHouse the way curl does."""
    with urlopen(f"{store}/?database=hark&query={quote(sql)}", timeout=10) as response:
        return str(response.read().decode()).strip()


def publish(broker: str, events: list[dict[str, object]]) -> None:
    """Publish with librdkafka."""
    producer = Producer({"bootstrap.servers": broker})
    for event in events:
        producer.produce("feedback.raw", json.dumps(event).encode(), key=str(event["customer_id"]))
    assert producer.flush(30) == 0


def complaint(number: int) -> dict[str, object]:
    """Return a feedback that must be escalated, with a made-up phone number in it."""
    text = f"充电宝充电时冒烟起火了，太危险，请回电 1381234{5000 + number}"
    return {
        "id": f"up-{number}",
        "channel": "chat",
        "customer_id": f"cust-{number}",
        "text": text,
        "rating": 1,
    }


def first_action(broker: str, topic: str) -> dict[str, object]:
    """Read one action as an outside service."""
    consumer = Consumer(
        {
            "bootstrap.servers": broker,
            "group.id": "outside",
            "auto.offset.reset": "earliest",
            "session.timeout.ms": 6000,
        }
    )
    consumer.subscribe([topic])
    try:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            message = consumer.poll(1.0)
            if message is not None and message.error() is None:
                action: dict[str, object] = json.loads(message.value())
                return action
    finally:
        consumer.close()
    raise AssertionError(f"no action on {topic}")


def stored(store: str, wanted: int) -> str:
    """Wait until so many feedbacks stand in the store, and return the count."""
    end, count = time.monotonic() + SECONDS, ""
    while time.monotonic() < end:
        count = ask(store, "SELECT count() FROM feedback FINAL")
        if int(count) >= wanted:
            break
        time.sleep(POLL)
    return count


def test_outside_clients_publish_read_and_query_and_the_store_is_kept(tmp_path: Path) -> None:
    with running(tmp_path) as at:
        publish(at["broker"], [complaint(n) for n in range(3)])
        action = first_action(at["broker"], "actions.escalation")
        assert action["rule_id"] == "safety_escalation"
        assert stored(at["store"], 3) == "3"
        masked = ask(at["store"], "SELECT text FROM feedback FINAL WHERE feedback_id = 'up-0'")
        assert "<PHONE:k1:" in masked and "1381234" not in masked
        with urlopen(at["metrics"], timeout=10) as page:
            assert b"hark_events_total" in page.read()
        assert (tmp_path / "guardrail.log").exists(), "the guardrail job runs beside the workers"
    # The embedded broker forgets: its new log counts from zero and must not be fenced by the old one.
    with running(tmp_path) as at:
        publish(at["broker"], [complaint(n) for n in range(3, 5)])
        assert stored(at["store"], 5) == "5"
