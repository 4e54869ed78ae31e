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
    "feedback.issues": "cluster_aliases",
    "alerts": "alerts",
    "models.metrics": "model_metrics",
    "dead.letters": "dead_letters",
    "rules.catalog": "rule_changes",
}
"""Table of each topic that has one table; `actions.<kind>` and `feedback.scored` see below."""

LANDING = frozenset({"feedback", "facts", "decisions", "actions"})
"""Busy tables: their rows are inserted into `landing_<table>`, which costs a quarter less, see 0010."""

FOREIGN = frozenset({"actions.status", "rules.catalog"})
"""Topics that others write: decoded once, so that no value can smuggle a second row or coordinates."""

PIECE_ROWS = 64
"""Rows sent at once: longer pieces get fresh memory from the system each time, which costs more."""

_FEEDBACK = b'{"event":"feedback"'
_EVENT = b'{"event":"'


@dataclass(frozen=True, slots=True)
class Run:
    """Records of one partition on their way into one table, as the slice had them."""

    topic: str
    partition: int
    records: list[tuple[int, bytes]]

    @property
    def key(self) -> Partition:
        """Topic and partition."""
        return self.topic, self.partition


Lines = list[Run]
"""What one insert holds."""


@dataclass(slots=True)
class Sorted:
    """A batch by table, with what was left out."""

    tables: dict[str, Lines] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)
    skipped: int = 0


def count(lines: Lines) -> int:
    """Return how many rows `lines` have."""
    return sum(len(run.records) for run in lines)


def inlet(table: str) -> str:
    """Return the table to insert into so that rows arrive in `table`.

    Examples
    --------
    >>> inlet("decisions"), inlet("alerts")
    ('landing_decisions', 'alerts')
    """
    return f"landing_{table}" if table in LANDING else table


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
    chunk: Lines = []
    size = 0
    for run in lines:
        begin = 0
        for index, (_, value) in enumerate(run.records):
            if size and size + len(value) > most:
                yield _with(chunk, run, begin, index)
                chunk, begin, size = [], index, 0
            size += len(value)
        chunk = _with(chunk, run, begin, len(run.records))
    if chunk:
        yield chunk


def halves(lines: Lines) -> tuple[Lines, Lines]:
    """Cut `lines` in two."""
    left = count(lines) // 2
    first: Lines = []
    second: Lines = []
    for run in lines:
        first, second = _with(first, run, 0, left), _with(second, run, left, len(run.records))
        left = max(0, left - len(run.records))
    return first, second


def encoded(lines: Lines, piece: int = PIECE_ROWS) -> Iterator[bytes]:
    """Return the lines of an insert in pieces of `piece` rows and less than as many more."""
    made: list[bytes] = []
    for run in lines:
        head = b'{"_topic":"%b","_partition":%d,"_offset":' % (run.topic.encode(), run.partition)
        for begin in range(0, len(run.records), piece):
            # The value begins with a brace: one copy of it instead of two.
            made += [
                value.replace(b"{", b"%b%d," % (head, offset), 1)
                for offset, value in run.records[begin : begin + piece]
            ]
            if len(made) >= piece:
                yield b"\n".join([*made, b""])
                made = []
    if made:
        yield b"\n".join(made)


def ranges(lines: Lines) -> dict[Partition, tuple[int, int]]:
    """Return the first and last offset of each partition in `lines`."""
    found: dict[Partition, tuple[int, int]] = {}
    for run in lines:
        offsets = [offset for offset, _ in run.records]
        first, last = found.get(run.key, (offsets[0], offsets[-1]))
        found[run.key] = (min(first, *offsets), max(last, *offsets))
    return found


def without(lines: Lines, stored: Mapping[Partition, Collection[int]]) -> Lines:
    """Return `lines` less the rows whose offsets are in `stored`."""
    kept: Lines = []
    for run in lines:
        known = stored.get(run.key, ())
        records = [record for record in run.records if record[0] not in known]
        kept += [Run(run.topic, run.partition, records)] if records else []
    return kept


def _with(lines: Lines, run: Run, begin: int, end: int) -> Lines:
    """Return `lines` and the records of `run` from `begin` to before `end`, if there are any."""
    records = run.records[begin:end]
    return [*lines, Run(run.topic, run.partition, records)] if records else lines


def _sort_slice(part: Slice, stored: Collection[int], result: Sorted) -> None:
    topic, partition = part.topic, part.partition
    tables = tables_of(topic)
    targets: list[list[tuple[int, bytes]]] = [[] for _ in tables]
    foreign, mixed = topic.partition("@")[0] in FOREIGN, len(tables) > 1
    target = targets[0]
    for record in part.records:
        offset, value = record
        if offset in stored:
            result.skipped += 1
            continue
        if foreign or value[:1] != b"{":
            value = _cleaned(value)
            record = offset, value
        if len(value) < 3:
            result.rejected.append(Rejected(topic, partition, offset, code=0))
            continue
        if mixed:
            target = targets[0] if _is_feedback(value) else targets[1]
        target.append(record)
    for table, records in zip(tables, targets, strict=True):
        if records:
            result.tables.setdefault(table, []).append(Run(topic, partition, records))


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
