"""Actions that cannot be published: kept in the partition state, tried again until they are.

A topic that refuses (an ACL, a deleted topic, a limit on sizes) or a partition without a leader must hold
up neither decisions nor other actions. What it does not take goes into the state of the slice it came
from, in the very batch that says the slice is done; later actions to the same place queue behind. Actions
have deterministic ids, so a death between a confirmation and its note in the state only repeats one.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError

from models.clock import Clock
from streams import metrics
from streams.outbox import FIRST_PAUSE_S, RETRIABLE, BatchProducer, Outbox, RecordTooLong, pack
from streams.parcels import PARKED, Lane, Mail, Parcel, pack_parcel, parcels_of, parked_in
from streams.state import PartitionState
from streams.topics import ACTION_TOPICS

log = logging.getLogger(__name__)

PATIENCE_S = 5.0
"""How long a place may take to confirm, elections included, before the stream goes on without it."""
FIRST_PAUSE_MS, LONGEST_PAUSE_MS = 5_000, 60_000
MOST_PARKED = 10_000
"""Actions parked in a partition; past it the agent insists, and stands still, as with its other outputs."""
NAMED = 5
"""Action ids in a log line."""

TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError, RecordTooLong)
_TOPICS = frozenset(ACTION_TOPICS)


@dataclass(slots=True)
class _Try:
    """How far the delivery to one place has come."""

    lane: Lane
    left: list[Parcel]
    confirmed: list[Parcel] = field(default_factory=list)
    large: list[Parcel] = field(default_factory=list)
    why: str = "it does not confirm"


class Parking:
    """What one agent could not publish, over the partitions of this worker.

    The index of parked keys is derived from the states; `open` makes it anew after a load or a rollback.
    Pauses are only in memory: after a restart everything is tried at once.

    Parameters
    ----------
    patience
        Seconds a place may take; None for ever.
    """

    def __init__(self, agent: str, clock: Clock, patience: float | None = PATIENCE_S) -> None:
        self._agent = agent
        self._clock = clock
        self._patience = patience
        self._held: dict[int, dict[Lane, list[bytes]]] = {}
        self._next: dict[int, int] = {}
        self._pauses: dict[Lane, tuple[int, int]] = {}
        self._told: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._held)

    def open(self, state: PartitionState) -> None:
        """Find what a state holds that was loaded or rolled back."""
        found = parked_in(state)
        known = self._held.pop(state.partition, None)
        self._next[state.partition] = int(found[-1][0].removeprefix(PARKED), 16) + 1 if found else 0
        for key, lane in found:
            self._hold(state.partition, lane, key)
        if found or known:
            self._tell()

    def keep(self, partitions: Iterable[int]) -> None:
        """Forget partitions that went elsewhere; their states take what is parked along."""
        kept = set(partitions)
        if self._held.keys() - kept:
            self._held = {p: held for p, held in self._held.items() if p in kept}
            self._tell()

    def collect(self, state: PartitionState, out: Outbox, mail: Mail) -> None:
        """Move the actions of a slice's outbox to `mail`, or park them at once where others wait already."""
        for place in [place for place in out.batches() if place[0] in _TOPICS]:
            lane = (*place, b"")
            held = self._held.get(state.partition)
            if held and sum(map(len, held.values())) + len(out.batches()[place]) > MOST_PARKED:
                continue  # it stays among what must be confirmed before the slice may end
            parcels = [Parcel(state, record) for record in out.pop(place)]
            if lane in self._pauses or (held and lane in held):
                self._park(lane, parcels)
                self._tell()
            else:
                mail.setdefault(lane, []).extend(parcels)

    def due(self, states: Iterable[PartitionState]) -> Mail:
        """Return what is parked in these states and may be tried again by now."""
        now_ms, found = int(self._clock.now() * 1000), Mail()
        for state in states:
            for lane, keys in list(self._held.get(state.partition, {}).items()):
                for erased in [key for key in keys if state.get(key) is None]:
                    self._release(state.partition, erased)
                until, pause = self._pauses.get(lane, (0, 0))
                if keys and not 0 < until - now_ms <= pause:  # longer: the clock was set back
                    found.setdefault(lane, []).extend(parcels_of(state, keys))
        return found

    def behind(self, sent: Sequence[Parcel], state: PartitionState) -> Mail:
        """Return what came to the places of `sent` since it was read, for places that confirm again."""
        done = {parcel.key for parcel in sent}
        return {
            lane: parcels_of(state, [key for key in keys if key not in done])
            for lane, keys in self._held.get(state.partition, {}).items()
            if lane not in self._pauses and done.intersection(keys) and not done.issuperset(keys)
        }

    async def deliver(
        self,
        producer: BatchProducer,
        mail: Mapping[Lane, Sequence[Parcel]],
        others: Awaitable[None] | None = None,
    ) -> list[Parcel]:
        """Deliver what its place takes in time and park the rest; returns what was confirmed.

        States are touched only for parcels that are not parked yet; `forget` takes the others out.

        Parameters
        ----------
        others
            Other outputs, written beside and insisted on; begun together they share requests.
        """
        tries = [_Try(lane, list(parcels)) for lane, parcels in mail.items()]
        tasks, began = [asyncio.ensure_future(_attempt(producer, one)) for one in tries], time.monotonic()
        try:
            if others is not None:
                await others
            left = None if self._patience is None else max(0.0, began + self._patience - time.monotonic())
            await asyncio.wait(tasks, timeout=left)
        finally:
            if silent := [task for task in tasks if not task.done()]:
                for task in silent:
                    task.cancel()
                await asyncio.wait(silent)
        for task in tasks:
            if not task.cancelled():
                task.result()
        confirmed = list[Parcel]()
        for one in tries:
            confirmed += one.confirmed
            if one.left:
                self._park(one.lane, one.left)
                self._pause(one.lane, one.left, one.why)
            else:
                self._pauses.pop(one.lane, None)
            for parcel in one.large:
                self._part(one.lane, parcel)
        if self or self._pauses:
            self._tell()
        return confirmed

    def forget(self, sent: Sequence[Parcel]) -> int:
        """Take confirmed parcels out of their states, durable with the next write; returns how many came."""
        changed = False
        for parcel in sent:
            state, _, key = parcel
            # A partition that was elsewhere meanwhile may hold another record under the number.
            if key and parcels_of(state, [key]) == [parcel]:
                state.delete(key)
                self._release(state.partition, key)
                changed = True
        if changed:
            self._tell()
        return len(sent)

    def _park(self, lane: Lane, parcels: Iterable[Parcel]) -> list[bytes]:
        """Put parcels into their states unless they are there; returns the keys."""
        keys = []
        for state, record, key in parcels:
            if not key:
                number = self._next[state.partition]
                self._next[state.partition] = number + 1
                key = PARKED + b"%016x" % number
                state.put(key, pack_parcel(lane, record))
                self._hold(state.partition, lane, key)
            keys.append(key)
        return keys

    def _part(self, lane: Lane, parcel: Parcel) -> None:
        """Let a record wait alone that its place will not take for its size; the others may pass it."""
        (key,) = self._park(lane, [parcel])
        alone = (lane[0], lane[1], key)
        if self._release(parcel.state.partition, key):
            self._hold(parcel.state.partition, alone, key)
            self._pause(alone, [parcel], "it is too large")

    def _hold(self, partition: int, lane: Lane, key: bytes) -> None:
        self._held.setdefault(partition, {}).setdefault(lane, []).append(key)

    def _release(self, partition: int, key: bytes) -> bool:
        """Take a key out of the index; False when a load meanwhile has found it gone."""
        held = self._held.get(partition, {})
        lane = next((lane for lane, keys in held.items() if key in keys), None)
        if lane is None:
            return False
        held[lane].remove(key)
        if not held[lane]:
            del held[lane]
        if not held:
            del self._held[partition]
        return True

    def _pause(self, lane: Lane, parcels: Sequence[Parcel], why: str) -> None:
        pause = min(2 * self._pauses.get(lane, (0, FIRST_PAUSE_MS // 2))[1], LONGEST_PAUSE_MS)
        self._pauses[lane] = (int(self._clock.now() * 1000) + pause, pause)
        ids = [
            value.decode() for _, record, _ in parcels[:NAMED] for name, value in record[2] if name == "ce_id"
        ]
        log.error(
            "%s parks %d actions for %s/%d (%s): %s; tried again in %d s",
            self._agent, len(parcels), lane[0], lane[1], " ".join(ids), why, pause // 1000,
        )  # fmt: skip

    def _tell(self) -> None:
        """Bring pauses and metrics in line with what is parked."""
        held = Counter[Lane]()
        for lanes in self._held.values():
            held.update({lane: len(keys) for lane, keys in lanes.items()})
        self._pauses = {lane: pause for lane, pause in self._pauses.items() if lane in held}
        topics = Counter[str]()
        for lane, number in held.items():
            topics[lane[0]] += number
        self._told |= topics.keys()
        for topic in self._told:
            metrics.PARKED.labels(self._agent, topic).set(topics[topic])


async def _attempt(producer: BatchProducer, one: _Try) -> None:
    """Deliver to a place until it refuses or this is cancelled; one by one if together they are too large."""
    most, pause = len(one.left), FIRST_PAUSE_S
    while one.left:
        now = one.left[:most]
        try:
            for batch in pack(producer, [parcel.record for parcel in now]):
                await _confirmed(await producer.send_batch(batch, one.lane[0], partition=one.lane[1]))
            one.confirmed += now
        except TOO_LARGE:
            most = 1
            if len(now) > 1:
                continue
            one.large += now
        except RETRIABLE as error:
            one.why = type(error).__name__
            await asyncio.sleep(pause)
            pause *= 2
            continue
        except KafkaError as error:
            one.why = type(error).__name__
            return
        del one.left[: len(now)]


async def _confirmed(sent: asyncio.Future[Any]) -> None:
    """Wait for a confirmation; aiokafka keeps books by the future, so only the wait may be given up."""
    try:
        await asyncio.shield(sent)
    except asyncio.CancelledError:
        sent.add_done_callback(lambda late: late.cancelled() or late.exception())
        raise
