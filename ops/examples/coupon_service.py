"""A service that carries actions out: each one once, and answers where the action stood."""

import json
import sqlite3
import time

from confluent_kafka import Consumer, Message, Producer


def handle(record: Message, done: sqlite3.Connection, producer: Producer) -> None:
    """Carry an action out unless that was done before; a repeat gets the same answer again."""
    action = json.loads(record.value() or b"")
    if not (said := done.execute("SELECT said FROM done WHERE id = ?", [action["action_id"]]).fetchone()):
        print("coupon", action["parameters"], "with idempotency key", action["action_id"])
        answer = {"status": "delivered", "by": "coupons", "occurred_at": time.time()}
        said = [json.dumps(answer | {name: action[name] for name in ("action_id", "customer_id")})]
        done.execute("INSERT INTO done VALUES (?, ?)", [action["action_id"], *said])
    producer.produce("actions.status", said[0], key=record.key(), partition=record.partition())


if __name__ == "__main__":
    done, broker = (
        sqlite3.connect("coupons.db", isolation_level=None),
        {"bootstrap.servers": "127.0.0.1:9092"},
    )
    done.execute("CREATE TABLE IF NOT EXISTS done (id TEXT PRIMARY KEY, said TEXT)")
    group = {"group.id": "coupons", "enable.auto.commit": False, "auto.offset.reset": "earliest"}
    producer, consumer = Producer(broker), Consumer(broker | group)
    consumer.subscribe(["actions.coupon"])
    for record in (found for found in iter(consumer.poll, None) if not found.error()):
        handle(record, done, producer)
        producer.flush()  # the offset follows once the answer stands in Kafka
        consumer.commit(record)
