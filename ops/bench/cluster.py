"""The local cluster as the benchmark needs it: on either broker, with processes that can be told apart."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from ops.bench.machine import cpu_seconds, pin, rss_mb
from ops.embedded.broker import EmbeddedBroker
from ops.embedded.stack import Stack
from ops.kafka.cluster import Cluster
from ops.local import LocalCluster


class KafkaBroker(EmbeddedBroker):
    """Apache Kafka, one node from its own jars, in the embedded broker's place."""

    def __init__(self) -> None:
        super().__init__()
        self._cluster = Cluster(nodes=1)

    async def start(self) -> None:
        """Start the node and wait until it serves."""
        await asyncio.to_thread(self._cluster.start)
        self.port = int(self._cluster.bootstrap.rpartition(":")[2])

    async def stop(self) -> None:
        """Stop the node and remove its data."""
        await asyncio.to_thread(self._cluster.stop)

    @property
    def running(self) -> bool:
        """Whether its process lives; a node that dies shows in its clients."""
        return True


class BenchCluster(LocalCluster):
    """A local cluster whose workers' processor time and memory can be read.

    Parameters
    ----------
    kafka
        Apache Kafka instead of the embedded broker.
    """

    def __init__(
        self,
        workers: int,
        kafka: bool = False,
        environment: Mapping[str, str] | None = None,
        data: Path | None = None,
        agents: Sequence[str] = (),
    ) -> None:
        extra = {"HARK_RULES_CLOCK": "occurred", "HARK_HORIZON_DAYS": "14"}
        super().__init__(workers, data, environment={**extra, **(environment or {})}, agents=agents)
        if kafka:
            self.stack: Stack = _on_kafka(self.stack)

    @property
    def worker_pids(self) -> list[int]:
        """Process ids of the workers."""
        return [child.pid for child in self._workers if child.pid is not None]

    def cpu(self) -> float:
        """Return the CPU seconds of all workers so far."""
        return sum(map(cpu_seconds, self.worker_pids))

    def memory(self) -> list[float]:
        """Return the resident MB of each worker."""
        return [rss_mb(pid) for pid in self.worker_pids]

    def pin_workers(self, cores: int) -> bool:
        """Give each worker a core of its own when one is left for everything else; returns whether it did."""
        if cores <= len(self.worker_pids):
            return False
        for number, pid in enumerate(self.worker_pids):
            pin([pid], [cores - 1 - number])
        return True


def _on_kafka(stack: Stack) -> Stack:
    stack.broker = KafkaBroker()
    return stack
