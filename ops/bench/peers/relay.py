"""The floor: read a record, parse its JSON, write it again. Through Hark's slices, aiokafka or librdkafka."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from typing import Any

import orjson
import uvloop

from models.clock import SystemClock
from ops.bench.peers.meter import Meter
from streams import kafka
from streams.app import Pulse, create_app
from streams.outbox import Layout, Outbox
from streams.runner import SliceRunner
from streams.settings import Settings
from streams.step import Slice, Stateless

IN, OUT = "bench.in", "bench.out"


class RelayStep(Stateless):
    """Parses and writes every record of a slice."""

    def __init__(self, meter: Meter, done: asyncio.Event) -> None:
        self._meter = meter
        self._done = done

    def process(self, piece: Slice, out: Outbox) -> None:
        """Relay a slice to the same partition."""
        for record in piece.records:
            try:
                value = orjson.dumps(orjson.loads(record.value))
            except orjson.JSONDecodeError:
                value = record.value
            out.placed(OUT, piece.partition, record.key, value)
        if self._meter.add(len(piece.records)):
            self._done.set()


async def slices(settings: Settings, meter: Meter, partitions: int) -> None:
    """Relay as an agent of Hark."""
    producer, done = kafka.producer(settings, "relay"), asyncio.Event()
    batches = kafka.BatchWriter(producer, settings)
    await producer.start()
    runner = SliceRunner("relay", RelayStep(meter, done), batches, Layout({OUT: partitions}), SystemClock())
    app = create_app(settings, "relay", (IN,), runner, Pulse(9.0))
    await app.start()
    await done.wait()
    meter.report()
    await app.stop()
    await producer.stop()


async def aiokafka(settings: Settings, meter: Meter) -> None:
    """Relay with aiokafka as its documentation does it: a loop and `send`."""
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

    common: dict[str, Any] = {"bootstrap_servers": settings.broker}
    consumer = AIOKafkaConsumer(IN, group_id="relay-aiokafka", auto_offset_reset="earliest", **common)
    producer = AIOKafkaProducer(acks="all", compression_type="zstd", **common)
    await asyncio.gather(consumer.start(), producer.start())
    async for record in consumer:
        try:
            value = orjson.dumps(orjson.loads(record.value))
        except orjson.JSONDecodeError:
            value = record.value
        await producer.send(OUT, value, key=record.key, partition=record.partition)
        if meter.add():
            break
    await producer.flush()
    meter.report()
    await asyncio.gather(consumer.stop(), producer.stop())


def confluent(settings: Settings, meter: Meter) -> None:
    """Relay with librdkafka; its C threads' time is counted too."""
    from confluent_kafka import Consumer, Producer

    common = {"bootstrap.servers": settings.broker}
    consumer = Consumer(common | {"group.id": "relay-confluent", "auto.offset.reset": "earliest"})
    producer = Producer(common | {"compression.type": "zstd", "linger.ms": 5})
    consumer.subscribe([IN])
    done = False
    while not done:
        for record in consumer.consume(500, 0.5):
            if record.error():
                continue
            raw = record.value() or b""
            with suppress(orjson.JSONDecodeError):
                raw = orjson.dumps(orjson.loads(raw))
            producer.produce(OUT, raw, key=record.key(), partition=record.partition())
            done = meter.add()
        producer.poll(0)
    producer.flush()
    meter.report()
    consumer.close()


def main(how: str, broker: str, count: int, partitions: int) -> None:
    """Run one relay."""
    settings, meter = Settings.model_validate({"broker": broker, "fetch_max_wait_ms": 20}), Meter(count)
    if how == "confluent":
        confluent(settings, meter)
        return
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(slices(settings, meter, partitions) if how == "slices" else aiokafka(settings, meter))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
