"""The services that carry actions out: drop repeats, do it, answer on `actions.status`."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from streams.topics import ACTION_STATUS, ACTION_TOPICS

ANSWERED = 0.95
"""Share of actions that some service takes up."""


class Services:
    """One consumer for every kind of action.

    Parameters
    ----------
    hear
        Told of each action once.
    said
        When each feedback happened, ms: services of a played past answer in that past, or every urgent
        complaint would seem to wait for weeks.

    Attributes
    ----------
    seen_ms
        When each feedback's first action was appended, milliseconds since the epoch.
    """

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        producer: AIOKafkaProducer,
        hear: Callable[[dict[str, Any]], None],
        rng: Random,
        said: Mapping[str, int],
    ) -> None:
        self._consumer = consumer
        self._producer = producer
        self._hear = hear
        self._rng = rng
        self._said = said
        self._known: set[str] = set()
        self.kinds: Counter[str] = Counter()
        self.repeats = 0
        self.seen_ms: dict[str, int] = {}

    async def run(self) -> None:
        """Serve until cancelled."""
        async for record in self._consumer:
            action = orjson.loads(record.value)
            if action["action_id"] in self._known:
                self.repeats += 1
                continue
            self._known.add(action["action_id"])
            self.kinds[action["kind"]] += 1
            self.seen_ms.setdefault(action["feedback_id"], record.timestamp)
            self._hear(action)
            await self._answer(action, record.key)

    async def _answer(self, action: dict[str, Any], key: bytes | None) -> None:
        luck = self._rng.random()
        if luck >= ANSWERED:
            return
        steps = ["accepted"]
        if luck < 0.03:
            steps.append("failed")
        elif luck < 0.82:
            steps += ["resolved", "customer_told"]
        at = self._said.get(action["feedback_id"])
        for step in steps:
            if at is not None:
                at += self._rng.randint(5, 240) * 60_000
            status = {
                "action_id": action["action_id"],
                "customer_id": action["customer_id"],
                "status": step,
                "by": action["team"],
                "occurred_at": int(time.time() * 1000) if at is None else at,
            }
            await self._producer.send(ACTION_STATUS, orjson.dumps(status), key=key)


def topics() -> list[str]:
    """Return the topics services subscribe to."""
    return list(ACTION_TOPICS)


async def cancel(task: asyncio.Task[None]) -> None:
    """Stop a background task and pass on what made it fail, if something did."""
    if task.done() and not task.cancelled():
        task.result()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
