"""Reads a small topic from its beginning to its end, once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka import TopicPartition

POLL_MS = 300
QUIET, MOST_QUIET = 2, 8
"""Empty polls that end the reading where the end offset is reached, and where it is not to be trusted."""

Records = list[tuple[bytes | None, bytes | None]]


async def read_whole(
    open_reader: Callable[[], Awaitable[Any]],
    topic: str,
    wanted: Callable[[bytes | None], bool] = lambda key: True,
) -> Records:
    """Return (key, value) of every record still in a topic, partition by partition in log order.

    Parameters
    ----------
    open_reader
        Makes a started aiokafka consumer without a group; it is stopped here.
    wanted
        Tells by its key whether to keep a record.
    """
    reader = await open_reader()
    try:
        places = [
            TopicPartition(topic, number) for number in sorted(reader.partitions_for_topic(topic) or {0})
        ]
        reader.assign(places)
        await reader.seek_to_beginning()
        ends = await reader.end_offsets(places)
        found: dict[int, Records] = {place.partition: [] for place in places}
        quiet = 0
        while quiet < MOST_QUIET:
            got = await reader.getmany(timeout_ms=POLL_MS, max_records=5000)
            for place, records in got.items():
                found[place.partition] += [(r.key, r.value) for r in records if wanted(r.key)]
            quiet = 0 if any(got.values()) else quiet + 1
            # Tansu misreports end offsets, so silence is asked for as well, and enough of it will do.
            if quiet >= QUIET and all([await reader.position(p) >= ends[p] for p in places]):
                break
        return [record for place in places for record in found[place.partition]]
    finally:
        await reader.stop()
