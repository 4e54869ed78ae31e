"""Snapshots cut into parts that a compacted topic can hold, and put together again.

Part, little endian: magic `HKPT`, format `u16`, zero `u16`, model version `u64`, index `u32`, count
`u32`, sha256 of the whole container, then a slice of it. Parts go under `{model}/{slot}/{part}` with
slot A or B: a new snapshot overwrites the slot that does not hold the newest complete one, so that
neither compaction nor a learner killed while publishing leaves a reader without any.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from models.snapshot import FORMAT, SnapshotError, peek_version

SLOTS = ("A", "B")
_MAGIC = b"HKPT"
_HEAD = struct.Struct("<4sHHQII32s")


def part_key(model: str, slot: str, part: int) -> str:
    """Return the topic key of one part: `{model}/{slot}/{part}`."""
    return f"{model}/{slot}/{part}"


def split(data: bytes, size: int = 900_000) -> list[bytes]:
    """Cut a container into parts of at most `size` bytes each, header included.

    Why: a broker limits a message to about one megabyte.

    Examples
    --------
    >>> from models.snapshot import Snapshot, encode
    >>> whole = encode(Snapshot("churn", 3, 41, 0.0, "c0ffee", {"n": 7}))
    >>> parts = split(whole, 100)
    >>> assembler = Assembler()
    >>> results = [assembler.add(part_key("churn", "A", i), part) for i, part in enumerate(parts)]
    >>> results[-1] == whole
    True
    """
    room = size - _HEAD.size
    if room <= 0:
        raise ValueError(f"parts of {size} bytes leave no room after their header of {_HEAD.size}")
    version = peek_version(data)
    digest = hashlib.sha256(data).digest()
    count = max(1, -(-len(data) // room))
    return [
        _HEAD.pack(_MAGIC, FORMAT, 0, version, index, count, digest) + data[index * room : (index + 1) * room]
        for index in range(count)
    ]


@dataclass(slots=True)
class _Slot:
    """Parts of one slot that belong to the same container."""

    version: int
    digest: bytes
    count: int
    parts: dict[int, bytes]


class Assembler:
    """Collects parts read from the topic and gives back each model's newest complete snapshot.

    Memory is bounded by one unfinished snapshot a slot: finished ones are handed over, not kept.
    """

    def __init__(self) -> None:
        self._slots: dict[tuple[str, str], _Slot] = {}
        self._newest: dict[str, tuple[int, str]] = {}

    def add(self, key: str, value: bytes | None) -> bytes | None:
        """Take one record; return the container when it completes a version newer than any before.

        Parameters
        ----------
        key
            As made by `part_key`.
        value
            A part, or None for a tombstone, which changes nothing already handed over.

        Raises
        ------
        SnapshotError
            On a foreign or damaged record; what was collected before it stays.
        """
        try:
            model, slot, index = _split_key(key)
        except ValueError as error:
            raise SnapshotError(f"snapshot record key {key!r} is not model/slot/part") from error
        if value is None:
            return None
        if len(value) < _HEAD.size or value[:4] != _MAGIC:
            raise SnapshotError(f"snapshot record {key!r} is not a snapshot part")
        _, fmt, _, version, number, count, digest = _HEAD.unpack_from(value)
        if fmt != FORMAT:
            raise SnapshotError(f"snapshot record {key!r} has part format {fmt}, not {FORMAT}")
        if number != index or number >= count:
            raise SnapshotError(f"snapshot record {key!r} holds part {number} of {count}")
        if version <= self.version(model):
            return None
        held = self._slots.get((model, slot))
        if held is None or version > held.version or (version == held.version and digest != held.digest):
            held = self._slots[model, slot] = _Slot(version, digest, count, {})
        if version == held.version:
            held.parts[number] = value[_HEAD.size :]
        if len(held.parts) < held.count:
            return None
        whole = b"".join(held.parts[i] for i in range(held.count))
        del self._slots[model, slot]
        if hashlib.sha256(whole).digest() != held.digest:
            raise SnapshotError(f"snapshot {model} version {held.version} in slot {slot} is damaged")
        self._newest[model] = (held.version, slot)
        return whole

    def version(self, model: str) -> int:
        """Return the newest complete version seen of `model`, 0 when there is none."""
        return self._newest.get(model, (0, ""))[0]

    def free_slot(self, model: str) -> str:
        """Return the slot the next snapshot must go to: the one without the newest complete version."""
        return SLOTS[1] if self._newest.get(model, (0, ""))[1] == SLOTS[0] else SLOTS[0]

    def unfinished(self) -> Iterator[tuple[str, str, int]]:
        """Yield (model, slot, version) of snapshots that still miss parts."""
        for (model, slot), held in self._slots.items():
            yield model, slot, held.version


def _split_key(key: str) -> tuple[str, str, int]:
    model, slot, part = key.rsplit("/", 2)
    if not model or slot not in SLOTS:
        raise ValueError("key")
    return model, slot, int(part)
