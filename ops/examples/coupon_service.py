"""A service that carries actions out: each one once, and answers where the action stood."""

import json
import sqlite3
import time
from typing import Any

from confluent_kafka import Consumer, Producer


def handle(record: Any, done: sqlite3.Connection, producer: Any) -> None:
    """Carry an action out unless that was done before; a repeat gets the same answer again."""
    action = json.loads(record.value())
    said = done.execute("SELECT answer FROM done WHERE action_id = ?", [action["action_id"]]).fetchone()
    if said is None:
        print("coupon", action["parameters"], "with idempotency key", action["action_id"])
        answer = {"action_id": action["action_id"], "customer_id": action["customer_id"]}
        said = [json.dumps(answer | {"status": "delivered", "by": "coupons", "occurred_at": time.time()})]
        done.execute("INSERT INTO done VALUES (?, ?)", [action["action_id"], said[0]])
    producer.produce("actions.status", said[0], key=record.key(), partition=record.partition())


def main(broker: str = "127.0.0.1:9092") -> None:
    """Serve until stopped; an offset is committed once the answer stands in Kafka."""
    done = sqlite3.connect("coupons.db", isolation_level=None)
    done.execute("CREATE TABLE IF NOT EXISTS done (action_id TEXT PRIMARY KEY, answer TEXT)")
    producer = Producer({"bootstrap.servers": broker, "enable.idempotence": True})
    group = {"group.id": "coupons", "enable.auto.commit": False, "auto.offset.reset": "earliest"}
    consumer = Consumer({"bootstrap.servers": broker} | group)
    consumer.subscribe(["actions.coupon"])
    while True:
        record = consumer.poll(1.0)
        if record is not None and record.error() is None:
            handle(record, done, producer)
            producer.flush()
            consumer.commit(record)


if __name__ == "__main__":
    main()
