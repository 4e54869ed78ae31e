"""Records that wait in the partition state, as keys and values of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from streams.codec import dumps, loads
from streams.outbox import Record
from streams.state import PartitionState

PARKED = b"~parked:"
"""Beginning of the state's keys; what follows counts up, so that sorted keys are in order."""

Lane = tuple[str, int, bytes]
"""Topic and partition, whose records keep their order; for a record too large, which waits alone, its key."""


class Parcel(NamedTuple):
    """A record on its way, the state it is parked in when it is not taken, and the key if it is there."""

    state: PartitionState
    record: Record
    key: bytes = b""


Mail = dict[Lane, list[Parcel]]


def parked_in(state: PartitionState) -> list[tuple[bytes, Lane]]:
    """Return the keys a state holds, in order, and where each is to go."""
    found = sorted(state.items(PARKED))
    places = ((key, loads(value)) for key, value in found)
    return [(key, (held["topic"], held["partition"], b"")) for key, held in places]


def parcels_of(state: PartitionState, keys: Iterable[bytes]) -> list[Parcel]:
    """Read parked records; one that an erasure has taken out is left out."""
    found = ((key, state.get(key)) for key in keys)
    return [Parcel(state, _unpack(value), key) for key, value in found if value is not None]


def forget_customer(state: PartitionState, customer: str) -> None:
    """Take what is parked for a customer out of the state, for an erasure."""
    for parcel in parcels_of(state, [key for key, _ in state.items(PARKED)]):
        if parcel.record[0] == customer.encode():
            state.delete(parcel.key)


def pack_parcel(lane: Lane, record: Record) -> bytes:
    """Return the value under which a record is kept; keys and headers may be any bytes, values are JSON."""
    key, value, headers = record
    return dumps({
        "topic": lane[0],
        "partition": lane[1],
        "key": None if key is None else key.decode("latin-1"),
        "value": None if value is None else value.decode(),
        "headers": [(name, held.decode("latin-1")) for name, held in headers],
    })  # fmt: skip


def _unpack(value: bytes) -> Record:
    held = loads(value)
    key, text = held["key"], held["value"]
    return (
        None if key is None else key.encode("latin-1"),
        None if text is None else text.encode(),
        [(name, kept.encode("latin-1")) for name, kept in held["headers"]],
    )
