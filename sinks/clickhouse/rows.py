"""From slices to the lines of one insert a table, without decoding what we wrote ourselves.

A row is the record's own JSON with its coordinates put in front:
`{"_topic":"decisions","_partition":3,"_offset":41,` + the value after its brace. Lines are made
only while they are sent: made all at once, their fresh memory costs more than everything else here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from sinks.base import Partition, Rejected, SinkError, Slice

TABLES: Mapping[str, str] = {
    "decisions": "decisions",
    "actions.status": "action_status",
    "work.orders": "work_order_changes",
    "holdouts": "assignments",
    "alerts": "alerts",
    "models.metrics": "model_metrics",
    "dead.letters": "dead_letters",
    "rules.catalog": "rule_changes",
}
"""Table of each topic that has one table; `actions.<kind>` and `feedback.scored` see below."""

FOREIGN = frozenset({"actions.status", "rules.catalog"})
"""Topics that others write: decoded once, so that no value can smuggle a second row or coordinates."""

PIECE_BYTES = 64 << 10
"""Lines sent at once, about: larger ones get fresh memory from the system each time, which costs more."""

_FEEDBACK = b'{"event":"feedback"'
_EVENT = b'{"event":"'


@dataclass(slots=True)
class Lines:
    """Rows on their way into one table: coordinates and JSON objects, index by index."""

    at: list[tuple[str, int, int]] = field(default_factory=list)
    values: list[bytes] = field(default_factory=list)


@dataclass(slots=True)
class Sorted:
    """A batch by table, with what was left out."""

    tables: dict[str, Lines] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)
    skipped: int = 0


def tables_of(topic: str) -> tuple[str, ...]:
    """Return the tables a topic's records may go to; a log's name behind `@` is no part of the topic's.

    Raises
    ------
    SinkError
        When the topic has none.

    Examples
    --------
    >>> tables_of("actions.coupon"), tables_of("feedback.scored")
    (('actions',), ('feedback', 'facts'))
    """
    topic = topic.partition("@")[0]
    if topic == "feedback.scored":
        return ("feedback", "facts")
    if topic in TABLES:
        return (TABLES[topic],)
    if topic.startswith("actions."):
        return ("actions",)
    raise SinkError(f"topic {topic} has no table: take it off the archive's list")


def sort(batch: Sequence[Slice], stored: Mapping[Partition, Collection[int]]) -> Sorted:
    """Sort the records of `batch` by table.

    Parameters
    ----------
    stored
        Offsets to leave out, by partition, because the store has them.
    """
    result = Sorted()
    for part in batch:
        _sort_slice(part, stored.get((part.topic, part.partition), ()), result)
    return result


def chunks(lines: Lines, most: int) -> Iterator[Lines]:
    """Cut `lines` so that no piece is longer than about `most` bytes."""
    if sum(map(len, lines.values)) <= most:
        yield from (lines,) if lines.values else ()
        return
    start = size = 0
    for index, value in enumerate(lines.values):
        if size and size + len(value) > most:
            yield Lines(lines.at[start:index], lines.values[start:index])
            start, size = index, 0
        size += len(value)
    yield Lines(lines.at[start:], lines.values[start:])


def halves(lines: Lines) -> tuple[Lines, Lines]:
    """Cut `lines` in two."""
    middle = len(lines.values) // 2
    return (
        Lines(lines.at[:middle], lines.values[:middle]),
        Lines(lines.at[middle:], lines.values[middle:]),
    )


def encoded(lines: Lines, piece: int = PIECE_BYTES) -> Iterator[bytes]:
    """Return the lines of an insert in pieces of about `piece` bytes."""
    made: list[bytes] = []
    size, place, head = 0, ("", -1), b""
    for (topic, partition, offset), value in zip(lines.at, lines.values, strict=True):
        if place != (topic, partition):
            place = (topic, partition)
            head = b'{"_topic":"%b","_partition":%d,"_offset":' % (topic.encode(), partition)
        # The value begins with a brace: one copy of it instead of two.
        made.append(value.replace(b"{", head + b"%d," % offset, 1))
        size += len(value)
        if size >= piece:
            made.append(b"")
            yield b"\n".join(made)
            made, size = [], 0
    if made:
        yield b"\n".join(made)


def without(lines: Lines, stored: Mapping[Partition, Collection[int]]) -> Lines:
    """Return `lines` less the rows whose offsets are in `stored`."""
    result = Lines()
    for at, value in zip(lines.at, lines.values, strict=True):
        if at[2] not in stored.get((at[0], at[1]), ()):
            result.at.append(at)
            result.values.append(value)
    return result


def _sort_slice(part: Slice, stored: Collection[int], result: Sorted) -> None:
    topic, partition = part.topic, part.partition
    tables = tables_of(topic)
    targets = [result.tables.setdefault(table, Lines()) for table in tables]
    foreign, mixed = topic.partition("@")[0] in FOREIGN, len(tables) > 1
    target = targets[0]
    for offset, value in part.records:
        if offset in stored:
            result.skipped += 1
            continue
        if foreign or value[:1] != b"{":
            value = _cleaned(value)
        if len(value) < 3:
            result.rejected.append(Rejected(topic, partition, offset, code=0))
            continue
        if mixed:
            target = targets[0] if _is_feedback(value) else targets[1]
        target.at.append((topic, partition, offset))
        target.values.append(value)


def _is_feedback(value: bytes) -> bool:
    if value.startswith(_FEEDBACK):
        return True
    if value.startswith(_EVENT):
        return False
    try:
        return bool(orjson.loads(value).get("event") == "feedback")
    except ValueError:
        return False


def _cleaned(value: bytes) -> bytes:
    """Return a foreign value as one compact object without our own columns, or nothing."""
    try:
        row = orjson.loads(value)
    except ValueError:
        return b""
    if not isinstance(row, dict):
        return b""
    return orjson.dumps({key: item for key, item in row.items() if not key.startswith("_")})
