"""Topics that do not take what is sent, and a runner before them; shared by the tests of parking."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from aiokafka.errors import LeaderNotAvailableError, MessageSizeTooLargeError, TopicAuthorizationFailedError
from memory_broker import MemoryBatch, MemoryChangelog, MemoryProducer, Record

from models.clock import VirtualClock
from streams.codec import cloud_event, dumps
from streams.outbox import Layout, Outbox
from streams.packing import shared_packer
from streams.parcels import PARKED, forget_customer
from streams.parking import Parking
from streams.state import PartitionState
from streams.step import Slice, Untimed, Work
from streams.ticks import TimedRunner

IN, LOG, COUPON, TICKET = "in", "decisions", "actions.coupon", "actions.ticket"
LAYOUT = Layout({LOG: 2, COUPON: 2, TICKET: 2})
NEVER = object()
"""As a problem: the batch is taken and no confirmation comes."""


class Broker(MemoryProducer, MemoryChangelog):
    """Topics that refuse, keep silent or take short batches only, and the runner's changelog."""

    def __init__(self) -> None:
        MemoryProducer.__init__(self)
        MemoryChangelog.__init__(self)
        self.longest = 1_000_000
        self.asked: list[str] = []
        self.silent: list[asyncio.Future[None]] = []
        self.during: Any = None

    async def send_batch(self, batch: MemoryBatch, topic: str, *, partition: int) -> asyncio.Future[None]:
        self.asked.append(topic)
        if self.during is not None and topic == COUPON:
            during, self.during = self.during, None
            await during()
        if self.problems.get(topic) is NEVER:
            self.silent.append(asyncio.get_running_loop().create_future())
            return self.silent[-1]
        if topic == COUPON and sum(len(value or b"") for _, value, _ in batch.records) > self.longest:
            raise MessageSizeTooLargeError
        return await super().send_batch(batch, topic, partition=partition)

    def arrived(self, topic: str) -> list[tuple[int, bytes | None, str]]:
        """Return partition, key and id of everything on a topic."""
        return [(row.partition, row.key, json.loads(row.value or b"")["id"]) for row in self.on(topic)]

    def of(self, topic: str) -> list[str]:
        return [ident for _, _, ident in self.arrived(topic)]

    def parked(self) -> list[str]:
        keys = sorted((p, key) for p, held in self.held.items() for key in held if key.startswith(PARKED))
        parcels = (json.loads(shared_packer().unpack(self.held[p][key])) for p, key in keys)
        return [json.loads(parcel["value"])["id"] for parcel in parcels]


class Acting(Untimed):
    """Writes a decision, a coupon and a ticket a record."""

    def open(self, state: PartitionState) -> None:
        """Nothing is derived from the state."""

    def rollback(self, state: PartitionState) -> None:
        """Nothing is derived from the state."""

    def process(self, piece: Slice, out: Outbox) -> None:
        assert piece.state is not None
        for record in piece.records:
            if record.value == b"erase":
                forget_customer(piece.state, record.key.decode())
                continue
            for topic in (LOG, COUPON, TICKET):
                ident = record.value.decode()
                headers = cloud_event("t", "s", ident[:20], 1, [("traceparent", b"00-\xff")])
                out.placed(topic, piece.partition, record.key, dumps({"id": ident}), headers)


class Bench:
    """A runner on a virtual clock whose patience ends as soon as nothing moves; `restart` is a kill -9."""

    def __init__(self) -> None:
        self.broker, self.clock = Broker(), VirtualClock(1_000.0)
        self.offsets = dict.fromkeys((0, 1), -1)
        self.restart()

    def restart(self) -> None:
        self.parking = Parking("decide", self.clock, 0.0)
        self.runner = TimedRunner(
            "decide", Acting(), self.broker, LAYOUT, self.clock, self.broker, parking=self.parking
        )
        self.runner.assigned({0, 1})

    async def read(self, *values: str, partition: int = 0, key: bytes = b"cust-1") -> None:
        await self.runner.run_wave([self.work(values, partition, key)])

    def work(self, values: Sequence[str], partition: int = 0, key: bytes = b"cust-1") -> Work:
        records = []
        for value in values:
            self.offsets[partition] += 1
            records.append(Record(self.offsets[partition], value.encode(), key))
        return Work(IN, partition, records)

    async def later(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await self.runner.tick_all()


REFUSALS = [TopicAuthorizationFailedError(COUPON), LeaderNotAvailableError(), NEVER]
