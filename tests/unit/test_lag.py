"""What is told of a partition that is late, that has caught up, and that another worker has now."""

from __future__ import annotations

from types import SimpleNamespace

from aiokafka import TopicPartition
from memory_broker import Record
from prometheus_client import REGISTRY

from streams.lag import Lag
from streams.progress import Progress
from streams.step import Slice

AGENT = "of the lag's test"


class Consumer:
    """Positions and ends as aiokafka keeps them."""

    def __init__(self) -> None:
        self.places: dict[TopicPartition, SimpleNamespace] = {}
        assignment = SimpleNamespace(state_value=self.places.__getitem__)
        self._subscription = SimpleNamespace(subscription=SimpleNamespace(assignment=assignment))

    def at(self, partition: int, position: int | None, end: int | None) -> None:
        self.places[TopicPartition("in", partition)] = SimpleNamespace(
            position=position, highwater=end, has_valid_position=position is not None
        )

    def assignment(self) -> set[TopicPartition]:
        return set(self.places)


def late(partition: int) -> float | None:
    labels = {"agent": AGENT, "topic": "in", "partition": str(partition)}
    return REGISTRY.get_sample_value("hark_lag_seconds", labels)


def behind() -> float | None:
    return REGISTRY.get_sample_value("hark_behind_records", {"agent": AGENT, "topic": "in"})


def test_a_lag_ends_where_the_newest_record_is_finished_or_the_partition_is_lost() -> None:
    progress, consumer = Progress(AGENT), Consumer()
    lag = Lag(AGENT, progress)
    for partition in range(4):
        records = [Record(offset, b"{}", b"k", 100_000) for offset in (7, 8)]
        progress.finished([Slice("in", partition, records, None)], 0, now=140.0)
    consumer.at(0, 9, 9)
    consumer.at(1, 9, 30)
    consumer.at(2, 9, None)
    lag.look(consumer)
    assert [late(partition) for partition in range(4)] == [0.0, 40.0, 40.0, 0.0]
    assert behind() == 21.0


def test_a_late_partition_is_told_again_when_records_come_and_nothing_waits_where_nothing_is_owned() -> None:
    progress, consumer = Progress(AGENT), Consumer()
    lag = Lag(AGENT, progress)
    consumer.at(0, 9, 12)
    consumer.at(1, None, 12)
    lag.look(consumer)
    assert behind() == 3.0
    progress.finished([Slice("in", 0, [Record(11, b"{}", b"k", 100_000)], None)], 0, now=101.0)
    assert late(0) == 1.0
    consumer.places.clear()
    lag.look(consumer)
    assert (late(0), behind()) == (0.0, 0.0)
