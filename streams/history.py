"""Earlier versions of every model: one an hour for six hours, one a day for a week, on `models.history`.

The topic is compacted and its keys are `{model}/{slot}/{part}` with slots h0 … h5 and d0 … d6, so it holds
at most thirteen versions of a model however long it learns.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from models.snapshot import Snapshot, SnapshotError, decode
from models.snapshot_parts import SLOTS, Assembler, part_key, split
from streams.outbox import BatchProducer, Layout, Outbox
from streams.topics import HISTORY
from streams.whole import read_whole

HOURS, DAYS = 6, 7
_HOUR, _DAY = 3600.0, 86_400.0


def slots_at(now: float) -> tuple[str, str]:
    """Return the slots of an hour and of its day, `now` in seconds since the epoch.

    >>> slots_at(0.0), slots_at(90_000.0)
    (('h0', 'd0'), ('h1', 'd1'))
    """
    return f"h{int(now // _HOUR) % HOURS}", f"d{int(now // _DAY) % DAYS}"


class Checkpoints:
    """Decides which slots a snapshot goes to: those of an hour or a day that has none yet."""

    def __init__(self) -> None:
        self._written: dict[tuple[str, str], int] = {}

    def due(self, model: str, now: float) -> list[str]:
        """Return the slots to be written now."""
        found = []
        for slot, period in zip(slots_at(now), (int(now // _HOUR), int(now // _DAY)), strict=True):
            if self._written.get((model, slot)) != period:
                self._written[model, slot] = period
                found.append(slot)
        return found


async def write(
    data: bytes, model: str, slot: str, size: int, producer: BatchProducer, layout: Layout
) -> None:
    """Put a container into a slot, part by part."""
    for number, piece in enumerate(split(data, size)):
        out = Outbox(layout)
        out.placed(HISTORY, 0, part_key(model, slot, number).encode(), piece)
        await out.send(producer)


def held(records: Iterable[tuple[bytes | None, bytes | None]]) -> dict[tuple[str, str], bytes]:
    """Return the container of each model and slot; what is incomplete or damaged is left out."""
    found: dict[tuple[str, str], bytes] = {}
    open_: dict[tuple[str, str], Assembler] = {}
    for key, value in records:
        try:
            model, slot, part = (key or b"").decode(errors="replace").rsplit("/", 2)
            # An assembler knows two slots and wants growing versions; each slot here has its own.
            whole = open_.setdefault((model, slot), Assembler()).add(f"{model}/{SLOTS[0]}/{part}", value)
        except (SnapshotError, ValueError):
            continue
        if whole is not None:
            found[model, slot] = whole
    return found


async def fetch(open_reader: Callable[[], Awaitable[Any]], model: str, version: int) -> Snapshot | None:
    """Return a version of a model that is still held, None when it is not."""
    prefix = f"{model}/".encode()
    records = await read_whole(open_reader, HISTORY, lambda key: key is not None and key.startswith(prefix))
    for data in held(records).values():
        try:
            snapshot = decode(data, model)
        except SnapshotError:
            continue
        if snapshot.version == version:
            return snapshot
    return None
