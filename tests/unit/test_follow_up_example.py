"""The example consumer: the effect once, the answer as often as it is asked, where the action stood."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from typing import Any

import pytest
from follow_up_world import action

from models.events import ActionStatus
from ops.examples.coupon_service import handle


@dataclass
class Record:
    body: bytes
    at: int

    def value(self) -> bytes:
        return self.body

    def key(self) -> bytes:
        return b"cluster-7"

    def partition(self) -> int:
        return self.at


@dataclass
class Producer:
    sent: list[tuple[str, str, bytes, int]] = field(default_factory=list)

    def produce(self, topic: str, value: str, *, key: bytes, partition: int) -> None:
        self.sent.append((topic, value, key, partition))


def test_a_repeat_is_answered_and_not_carried_out(capsys: pytest.CaptureFixture[str]) -> None:
    done: Any = sqlite3.connect(":memory:", isolation_level=None)
    done.execute("CREATE TABLE done (id TEXT PRIMARY KEY, said TEXT)")
    producer: Any = Producer()
    for ident in ("a1", "a2", "a1"):
        record: Any = Record(json.dumps(action(ident, "coupon")).encode(), 5)
        handle(record, done, producer)
    done.close()
    assert capsys.readouterr().out.count("coupon") == 2
    assert producer.sent[0] == producer.sent[2]
    for topic, value, key, partition in producer.sent:
        assert (topic, key, partition) == ("actions.status", b"cluster-7", 5)
        assert ActionStatus.model_validate_json(value).status == "delivered"
