"""Dead letters as listed: from the store's table, or straight from the topic."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic import ValidationError

from models.events import DeadLetterRecord
from ops.failures import UserError
from sinks.clickhouse.client import Client
from streams.topics import DEAD_LETTERS

POLL_MS = 400
QUIET_POLLS = 3
_AGO = re.compile(r"(\d+)([mhd])")
_PLACE = re.compile(r"([A-Za-z0-9._-]+)/(\d+)/(\d+)")


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter: coordinates of the original, reason and field path; never content."""

    topic: str
    partition: int
    offset: int
    reason: str
    field: str
    agent: str
    appended_at: int
    rejected_at: int

    @property
    def place(self) -> str:
        """Coordinates as the command line writes them."""
        return f"{self.topic}/{self.partition}/{self.offset}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which letters; empty parts do not narrow.

    Parameters
    ----------
    since, until
        Milliseconds since the epoch, of the rejection; `until` is exclusive.
    """

    reason: str = ""
    topic: str = ""
    agent: str = ""
    since: int = 0
    until: int = 2**63 - 1
    places: frozenset[str] = frozenset()

    def fits(self, letter: Letter) -> bool:
        """Tell whether a letter is one of them."""
        return (
            self.reason in ("", letter.reason)
            and self.topic in ("", letter.topic)
            and self.agent in ("", letter.agent)
            and self.since <= letter.rejected_at < self.until
            and (not self.places or letter.place in self.places)
        )


def moment(text: str, now: datetime) -> int:
    """Return milliseconds since the epoch of an ISO time (UTC without a zone) or of so long ago.

    Raises
    ------
    UserError
        When it is neither.

    Examples
    --------
    >>> moment("2h", datetime(1970, 1, 1, 3, tzinfo=UTC))
    3600000
    """
    if ago := _AGO.fullmatch(text):
        unit = {"m": "minutes", "h": "hours", "d": "days"}[ago[2]]
        then = now - timedelta(**{unit: int(ago[1])})
    else:
        try:
            then = datetime.fromisoformat(text)
        except ValueError:
            raise UserError(f"{text} is no time: write 2026-01-31T08:00 or 90m, 6h, 2d") from None
        then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return int(then.timestamp() * 1000)


def place(text: str) -> str:
    """Check coordinates `topic/partition/offset`.

    Raises
    ------
    UserError
        When they are none.
    """
    if not _PLACE.fullmatch(text):
        raise UserError(f"{text} are no coordinates: write topic/partition/offset")
    return text


def from_store(client: Client, database: str, wanted: Wanted) -> list[Letter]:
    """Return the letters the store has, oldest first."""
    columns = ", ".join(f"`{field.name}`" for field in fields(Letter))
    query = (
        f"SELECT {columns} FROM {database}.dead_letters FINAL"
        " WHERE rejected_at >= {since:Int64} AND rejected_at < {until:Int64}"
        " ORDER BY rejected_at, topic, partition, offset"
    )
    result = client.query(query, parameters={"since": wanted.since, "until": wanted.until})
    return [letter for row in result.result_rows if wanted.fits(letter := Letter(*row))]


async def from_topic(consumer: AIOKafkaConsumer, wanted: Wanted) -> list[Letter]:
    """Return the letters the topic still holds, oldest first.

    Two quiet polls end it: end offsets are not trusted (Tansu misreports them).
    """
    partitions = consumer.partitions_for_topic(DEAD_LETTERS) or set()
    if not partitions:
        raise UserError(f"topic {DEAD_LETTERS} is missing: run `hark topics apply` first")
    consumer.assign([TopicPartition(DEAD_LETTERS, partition) for partition in sorted(partitions)])
    await consumer.seek_to_beginning()
    found: dict[tuple[Any, ...], Letter] = {}
    quiet = 0
    while quiet < QUIET_POLLS:
        got = await consumer.getmany(timeout_ms=POLL_MS)
        quiet = 0 if got else quiet + 1
        for records in got.values():
            for letter in read(record.value for record in records):
                if wanted.fits(letter):
                    found[(letter.place, letter.agent)] = letter
    return sorted(found.values(), key=lambda letter: (letter.rejected_at, astuple(letter)))


def read(values: Iterable[bytes | None]) -> Iterator[Letter]:
    """Yield the letters in records of the topic; what is none is passed over."""
    for value in values:
        try:
            record = DeadLetterRecord.model_validate(orjson.loads(value or b""))
        except (ValueError, ValidationError):
            continue
        yield Letter(**{field.name: getattr(record, field.name) for field in fields(Letter)})
