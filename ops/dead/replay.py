"""Publishes the originals of dead letters again, one at a time, with their keys and ids."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import orjson
from aiokafka import TopicPartition

from models.intake import Limits, judge_fact, judge_feedback, judge_link
from models.outcome import DeadLetter, DeadReason
from ops.dead.letters import Letter
from streams.codec import Header
from streams.topics import CUSTOMER_EVENTS, CUSTOMER_LINKS, FEEDBACK_MASKED, FEEDBACK_RAW, FEEDBACK_SCORED
from streams.topics import LABELS as LABEL_TOPIC
from streams.topics import OUTCOMES as OUTCOME_TOPIC

log = logging.getLogger(__name__)

READ_SECONDS = 5.0
MARK = "hark_replay"
"""Header of a replayed record: where the original stands."""

Verdict = Literal["replayed", "gone", "unreadable", "still invalid"]


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of one letter."""

    letter: Letter
    verdict: Verdict
    why: str = ""


class Source(Protocol):
    """Reads single records."""

    async def record_at(self, topic: str, partition: int, offset: int) -> Any | None:
        """Return the record, None when it no longer stands there."""
        ...


class LogSource:
    """Single records of a cluster.

    Parameters
    ----------
    consumer
        A started aiokafka consumer without a group.
    """

    def __init__(self, consumer: Any, seconds: float = READ_SECONDS) -> None:
        self._consumer = consumer
        self._seconds = seconds

    async def record_at(self, topic: str, partition: int, offset: int) -> Any | None:
        """Return the record at the coordinates.

        None when retention or compaction has taken it: then the log gives a later one, or nothing.
        """
        where = TopicPartition(topic, partition)
        self._consumer.assign([where])
        first = (await self._consumer.beginning_offsets([where]))[where]
        if offset < first:
            return None
        self._consumer.seek(where, offset)
        try:
            async with asyncio.timeout(self._seconds):
                record = await self._consumer.getone(where)
        except TimeoutError:
            return None
        return record if record.offset == offset else None


class Replayer:
    """Replays letters.

    What an agent behind intake refused starts again at its origin on intake's topic: that agent has
    gone past the origin and would take the same record for a repeat. What the store refused goes
    to the same topic again, where only the store has not seen it.

    Parameters
    ----------
    limits
        Intake's limits as they are now.
    force
        Publish also what intake would refuse again.
    """

    def __init__(self, source: Source, producer: Any, limits: Limits, force: bool = False) -> None:
        self._source = source
        self._producer = producer
        self._limits = limits
        self._force = force

    async def replay(self, letter: Letter, dry_run: bool = False) -> Replayed:
        """Replay one letter and wait for the confirmation."""
        at = (letter.topic, letter.partition, letter.offset)
        record = await self._source.record_at(*at)
        if record is not None and letter.agent != "archive" and letter.topic in _BEHIND:
            origin = _origin(record.value)
            if origin is None:
                return Replayed(letter, "unreadable", "the record names no origin")
            at, record = origin, await self._source.record_at(*origin)
        if record is None:
            return Replayed(letter, "gone", f"{at[0]} no longer keeps offset {at[2]} (retention)")
        if not self._force and (dead := self._still(at[0], record)) is not None:
            return Replayed(letter, "still invalid", f"{dead.reason} {dead.field}".strip())
        if not dry_run:
            await self._publish(at, record)
        return Replayed(letter, "replayed")

    async def _publish(self, at: tuple[str, int, int], record: Any) -> None:
        topic, partition, offset = at
        headers: list[Header] = [header for header in record.headers if header[0] != MARK]
        headers.append((MARK, f"{topic}/{partition}/{offset}".encode()))
        await self._producer.send_and_wait(
            topic,
            value=record.value,
            key=record.key,
            headers=headers,
            partition=partition,
            # An event without a time of its own happened when it was appended, not when it is replayed.
            timestamp_ms=record.timestamp,
        )

    def _still(self, topic: str, record: Any) -> DeadLetter | None:
        judge = _JUDGES.get(topic)
        if judge is None:
            return None
        # As intake will: by the time of the first append, which the replayed record keeps.
        found = judge(record.value, record.timestamp, self._limits)
        return found if isinstance(found, DeadLetter) else None


_BEHIND = frozenset({FEEDBACK_MASKED, FEEDBACK_SCORED})
_JUDGES: dict[str, Callable[[bytes | None, int, Limits], Any]] = {
    FEEDBACK_RAW: judge_feedback,
    CUSTOMER_EVENTS: lambda value, now, limits: judge_fact("customer", value, now, limits),
    OUTCOME_TOPIC: lambda value, now, limits: judge_fact("outcome", value, now, limits),
    LABEL_TOPIC: lambda value, now, limits: judge_fact("label", value, now, limits),
    CUSTOMER_LINKS: lambda value, now, limits: judge_link(value, limits),
}
JUDGED = frozenset(_JUDGES)
"""Topics whose records can be judged before they are replayed."""

LASTING = frozenset({DeadReason.POISON, DeadReason.UNKNOWN_LABEL_TARGET})
"""Reasons a judgement before the replay cannot see; whether they still hold shows afterwards."""


def _origin(value: bytes | None) -> tuple[str, int, int] | None:
    try:
        topic, partition, offset = orjson.loads(value or b"")["origin"]
        return str(topic), int(partition), int(offset)
    except (ValueError, KeyError, TypeError):
        return None
