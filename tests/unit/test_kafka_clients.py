"""Settings every Kafka client shares."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from memory_broker import MemoryProducer

from models.clock import VirtualClock
from streams.app import Pulse, create_app
from streams.kafka import connection, consuming, reader
from streams.outbox import Layout
from streams.runner import SliceRunner
from streams.settings import Settings
from streams.step import Slice, Stateless


class Silent(Stateless):
    """Does nothing with what it reads."""

    def process(self, piece: Slice, out: object) -> None:
        """Write nothing."""


ROOT = Path(__file__).parents[2]
SOURCES = [path for folder in ("streams", "ops", "rules", "sinks") for path in (ROOT / folder).rglob("*.py")]


def test_a_new_leader_is_known_within_seconds() -> None:
    """A chaos round stood still for minutes: aiokafka keeps asking the dead leader until a refresh."""
    assert 0 < connection(Settings(), "any")["metadata_max_age_ms"] <= 10_000


def test_consumers_say_their_rack_and_producers_have_none() -> None:
    near = Settings(client_rack="az-2")
    assert consuming(near, "any")["client_rack"] == "az-2"
    assert consuming(Settings(), "any")["client_rack"] is None
    assert "client_rack" not in connection(near, "any")


def test_agents_and_readers_read_from_their_rack() -> None:
    async def racks() -> tuple[str, str]:
        near = Settings(client_rack="az-2")
        runner = SliceRunner("sample", Silent(), MemoryProducer(), Layout({}), VirtualClock(0.0))
        app = create_app(near, "sample", ["in"], runner, Pulse(10.0))
        consumer = reader(near, "any")
        await consumer.stop()
        return app.client_options["client_rack"], consumer._client_rack

    assert asyncio.run(racks()) == ("az-2", "az-2")


def test_every_setting_is_read_somewhere() -> None:
    """`HARK_CLIENT_RACK` was documented and read by nothing."""
    source = "\n".join(path.read_text() for path in SOURCES if path.name != "settings.py")
    assert [name for name in Settings.model_fields if not re.search(rf"\b{name}\b", source)] == []
