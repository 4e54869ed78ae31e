"""What one poll brings: a slice of each partition that has something, handled together.

Faust, sockets and confirmations cost about a millisecond however few records are in hand, so the slices
of a poll share them: one Faust event, one round of produce requests for the outputs, one for the states
(decision record 0015).
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

log = logging.getLogger(__name__)


Owned = Callable[[], bool]
"""Tells whether this worker still owns the partitions it works on."""


class PartitionLost(RuntimeError):
    """The partition went to another worker while its records were being processed."""


class Fetched:
    """Records of one partition, in offset order; acked when everything they cause is written.

    Parameters
    ----------
    place
        Topic and partition.
    records
        aiokafka records, at least one.
    noticed
        Called when the slice is acked.

    Attributes
    ----------
    offset
        The last record's: an ack means "everything up to here".
    begun
        Whether somebody works on it; a rebalance waits for those only.
    """

    __slots__ = ("_noticed", "acked", "begun", "offset", "place", "records")

    def __init__(self, place: Any, records: Sequence[Any], noticed: Callable[[], None]) -> None:
        self.place = place
        self.records = records
        self.offset: int = records[-1].offset
        self.begun = False
        self.acked = False
        self._noticed = noticed

    @property
    def topic(self) -> str:
        """The topic they were read from."""
        topic: str = self.place.topic
        return topic

    @property
    def partition(self) -> int:
        """The partition they were read from."""
        partition: int = self.place.partition
        return partition

    def ack(self) -> None:
        """Let the group's offset pass these records, once everything before them is acked too."""
        self.acked = True
        self._noticed()


class Poll:
    """The slices one poll brought, and the generation of the group they were read in."""

    __slots__ = ("generation", "slices")

    def __init__(self, generation: int, slices: Sequence[Fetched]) -> None:
        self.generation = generation
        self.slices = slices


async def each_poll(app: Any, stream: Any, take: Callable[[Poll], Awaitable[None]]) -> None:
    """Take one poll after the other; an exception stops the app, and what was not acked comes again.

    Faust would restart the agent and go on with the next one, which commits past the failed records and
    loses them; so the app crashes and the restart redelivers.
    """
    async for event in stream.noack().events():
        poll: Poll = event.value
        await stream.ack(event)  # Faust's own books; offsets go by the slices' acks
        try:
            if poll.generation == app.consumer_generation_id:
                await take(poll)
        except PartitionLost as lost:
            log.info("%s", lost)  # the new generation starts from the committed offset
        except Exception as problem:
            await app.crash(problem)
            return
        finally:
            app.consumer.taken(poll)
