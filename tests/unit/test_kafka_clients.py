"""Settings every Kafka client shares."""

from __future__ import annotations

from streams.kafka import connection
from streams.settings import Settings


def test_a_new_leader_is_known_within_seconds() -> None:
    """A chaos round stood still for minutes: aiokafka keeps asking the dead leader until a refresh."""
    assert 0 < connection(Settings(), "any")["metadata_max_age_ms"] <= 10_000
