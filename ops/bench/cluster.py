"""The local cluster as the benchmark needs it: on either broker, with processes that can be told apart."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ops.bench.machine import cpu_seconds, family, pin, rss_mb
from ops.embedded.broker import EmbeddedBroker
from ops.embedded.process import Child, EmbeddedError
from ops.embedded.stack import Stack
from ops.kafka.cluster import Cluster
from ops.local import LocalCluster
from sinks.clickhouse.client import connect

STORED = (
    "SELECT sum(rows), sum(data_compressed_bytes) FROM system.parts "
    "WHERE active AND database = {database: String}"
)


class Volume(NamedTuple):
    """Bytes of topics in one replica, rows and compressed bytes of the store."""

    topic_bytes: int | None
    stored_rows: int
    stored_bytes: int

    def since(self, before: Volume, events: int) -> dict[str, float]:
        """Return what was added since, an event; what is not known is left out."""
        pairs = zip(self._fields, before, self, strict=True)
        return {
            name: round((now - then) / events, 2)
            for name, then, now in pairs
            if now is not None and then is not None
        }


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

    def appended(self) -> int:
        """Return the bytes of all logs, changelogs included, Kafka's own topics not."""
        return self._cluster.log_bytes()

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
        self._kafka = kafka
        if kafka:
            self.stack: Stack = _on_kafka(self.stack)

    async def _supervise(self, child: Child) -> None:
        """Note the end of a worker and start none: what is measured beside a new one is no figure of Hark."""
        status, log = await child.wait(), Path(tempfile.gettempdir(), f"hark-bench-worker-{child.pid}.log")
        await asyncio.to_thread(shutil.copyfile, child.log, log)
        assert self.failure is not None
        if not self.failure.done():
            self.failure.set_result(f"{child.name} ended by itself with status {status}; its log is {log}")

    def check(self) -> None:
        """Raise EmbeddedError when a worker ended by itself; its log outlives the cluster."""
        if self.failure is not None and self.failure.done():
            raise EmbeddedError(self.failure.result())

    @property
    def worker_pids(self) -> list[int]:
        """Process ids of the workers."""
        return [child.pid for child in self._workers if child.pid is not None]

    def cpu(self) -> float:
        """Return the CPU seconds of all workers so far."""
        return sum(map(cpu_seconds, self.worker_pids))

    def volume(self) -> Volume:
        """Return what broker and store hold now; bytes of topics are known of Apache Kafka alone."""
        client = connect(self.stack.store.url)
        try:
            rows, size = client.query(STORED, {"database": "hark"}).result_rows[0]
        finally:
            client.close()
        broker = self.stack.broker
        return Volume(broker.appended() if isinstance(broker, KafkaBroker) else None, int(rows), int(size))

    def memory(self) -> list[float]:
        """Return the resident MB of each worker."""
        return [rss_mb(pid) for pid in self.worker_pids]

    @contextmanager
    def pinned(self) -> Iterator[bool]:
        """Give each worker a core of its own, and broker, store and this process the rest, while it lasts.

        Yields whether there are cores for that; else nothing is bound. Unbound, the others' threads are put
        on a worker's core whenever it rests for a moment, and it waits for them. The embedded broker stays
        unbound: a request costs it more the more it holds, and one core for it, the store and the load
        would be what is measured (818 events/s sustained instead of 1,025).
        """
        cores, workers = sorted(os.sched_getaffinity(0)), self.worker_pids
        own = cores[len(cores) - len(workers) :] if len(cores) > len(workers) else []
        others = [pid for pid in family(os.getpid()) if pid not in workers]
        for pid, core in zip(workers, own, strict=False):
            pin([pid], [core])
        if own and self._kafka:
            pin(others, set(cores) - set(own))
        try:
            yield bool(own)
        finally:
            pin(others, cores)


def _on_kafka(stack: Stack) -> Stack:
    stack.broker = KafkaBroker()
    return stack
