"""How far the store got: the sink's fence."""

from __future__ import annotations

from collections.abc import Mapping

from sinks.base import Partition
from sinks.clickhouse.client import Client
from sinks.clickhouse.rows import TABLES

FENCED = ("feedback", "facts", "actions", *TABLES.values())
"""Tables whose rows carry coordinates."""

_POSITIONS = "SELECT _topic, _partition, max(_offset) FROM {table} GROUP BY _topic, _partition"

_OFFSETS = """
SELECT _topic, _partition, _offset FROM {table}
WHERE _offset BETWEEN arrayMin({{first:Array(UInt64)}}) AND arrayMax({{last:Array(UInt64)}})
  AND arrayExists((t, p, a, b) -> _topic = t AND _partition = p AND _offset BETWEEN a AND b,
      {{topic:Array(String)}}, {{partition:Array(UInt32)}}, {{first:Array(UInt64)}}, {{last:Array(UInt64)}})
"""


def positions(client: Client) -> dict[Partition, int]:
    """Return the greatest stored offset of each partition, over all tables."""
    query = " UNION ALL ".join(_POSITIONS.format(table=table) for table in FENCED)
    found: dict[Partition, int] = {}
    for topic, partition, offset in client.query(query).result_rows:
        key = (str(topic), int(partition))
        found[key] = max(int(offset), found.get(key, -1))
    return found


def offsets_in(
    client: Client, table: str, ranges: Mapping[Partition, tuple[int, int]]
) -> dict[Partition, set[int]]:
    """Return which offsets of `ranges` (first and last, both included) stand in `table`."""
    found: dict[Partition, set[int]] = {key: set() for key in ranges}
    if not ranges:
        return found
    parameters = {
        "topic": [topic for topic, _ in ranges],
        "partition": [partition for _, partition in ranges],
        "first": [first for first, _ in ranges.values()],
        "last": [last for _, last in ranges.values()],
    }
    for topic, partition, offset in client.query(_OFFSETS.format(table=table), parameters).result_rows:
        found[str(topic), int(partition)].add(int(offset))
    return found
