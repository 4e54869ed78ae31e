"""What the incidents happen to: brokers, store behind its proxy, workers, and somebody who watches."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaProducer
from chaos_access import Access
from chaos_ends import Ends, Worker
from chaos_store_proxy import StoreProxy
from chaos_traffic import Event, by_partition
from chaos_watcher import PARTITIONS, Watcher
from memory_broker import Record

from models.pii.keyring import Keyring
from ops.embedded.store import EmbeddedStore
from ops.topic_admin import apply
from sinks.clickhouse.client import Client, connect
from sinks.clickhouse.schema import Schema
from streams.settings import Settings

SESSION_S = 3.0
CHAIN = ("intake", "score", "decide", "archive")
HERE = Path(__file__).parent


class Nursery:
    """Forks workers (see `chaos_nursery`)."""

    def __init__(self, keys: Path, log: Path) -> None:
        self._keys = keys
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._asking = asyncio.Lock()

    async def start(self) -> None:
        """Start and wait until everything is imported and compiled."""
        guard = [sys.executable, "-I", "-S", str(HERE.parents[1] / "ops/embedded/guard.py"), str(os.getpid())]
        command = [*guard, sys.executable, str(HERE / "chaos_nursery.py"), str(self._keys)]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("HARK_")}
        found = [*map(str, (HERE.parents[1], HERE.parent)), environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(found)
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log,
                env=environment,
            )  # fmt: skip
        await self._answer()

    async def ask(self, order: dict[str, Any]) -> dict[str, Any]:
        """Give an order and return the answer."""
        assert self._process is not None and self._process.stdin is not None
        async with self._asking:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            return await self._answer()

    async def _answer(self) -> dict[str, Any]:
        assert self._process is not None and self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), 120)
        assert line, f"the nursery ended, see {self._log}"
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def stop(self) -> None:
        """End; the kernel ends the workers with it."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            await self._process.wait()


class Arena:
    """Everything of one chaos run, as an async context manager.

    Parameters
    ----------
    folder
        For logs and keys.
    nodes
        Brokers.
    settings
        Further `HARK_*` settings.
    watched
        Agents whose partition state is followed.
    locked
        Brokers with TLS, SASL and the shipped ACLs.
    properties
        Further settings of the brokers.

    Attributes
    ----------
    poison
        Text of records that end a worker; none when empty.
    pace
        As how many seconds workers count one without a poll; 0 for one.
    """

    def __init__(
        self,
        folder: Path,
        nodes: int = 1,
        settings: dict[str, str] | None = None,
        watched: Sequence[str] = ("score", "decide"),
        locked: bool = False,
        properties: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.access = Access(nodes, locked, properties)
        self.cluster = self.access.cluster
        self.store = EmbeddedStore()
        self.proxy: StoreProxy
        self.client: Client
        self.workers: list[Worker] = []
        self.ends = Ends()
        self.supervising = True
        self.poison = ""
        self.pace = 0.0
        self._extra = settings or {}
        self._watched = watched
        self._nodes = nodes
        self._ends: Counter[int] = Counter()
        self._facts: Counter[int] = Counter()
        self._supervisor: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Start everything but the workers."""
        keys = self.folder / "keys.json"
        Keyring.new().save(keys)
        self.nursery = Nursery(keys, self.folder / "nursery.log")
        _, _, _ = await asyncio.gather(
            asyncio.to_thread(self.cluster.start), self.store.start(), self.nursery.start()
        )
        self.proxy = StoreProxy(self.store.url)
        await self.proxy.start()
        self.environment = {
            "HARK_CLICKHOUSE_URL": self.proxy.url,
            "HARK_PII_KEYS_FILE": str(keys),
            "HARK_PARTITIONS": str(PARTITIONS),
            "HARK_REPLICATION": str(self._nodes),
            "HARK_LEARNING": "false",
            "HARK_SESSION_TIMEOUT_S": str(SESSION_S),
            "HARK_RULES_CLOCK": "occurred",
            "HARK_DEAD_LETTER_LIMIT": "1",
            "HARK_ARCHIVE_LINGER_S": "0.2",
            "HARK_MAX_POLL_RECORDS": "40",
            **self._extra,
        }
        mine = self.environment | self.access.environment(())
        self.settings = Settings.model_validate(
            {name.removeprefix("HARK_").lower(): value for name, value in mine.items()}
        )
        await apply(self.settings)
        await self.access.grant(self.settings, CHAIN)
        self.client = await asyncio.to_thread(connect, self.store.url, "default", "", "")
        await asyncio.to_thread(Schema(self.client, "hark").migrate)
        self.client.database = "hark"
        self.producer = AIOKafkaProducer(
            **self.cluster.client_settings(), acks="all", enable_idempotence=True,
            request_timeout_ms=5_000, max_batch_size=1_000_000,
        )  # fmt: skip
        await self.producer.start()
        self.watcher = Watcher(self.settings, self._watched)
        await self.watcher.start()
        self._supervisor = asyncio.create_task(self._supervise(), name="supervisor")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End everything."""
        self.supervising = False
        if self._supervisor is not None:
            await asyncio.gather(self._supervisor, return_exceptions=True)
        for worker in self.workers:
            worker.signal(signal.SIGKILL)
        await self.watcher.stop()
        await self.producer.stop()
        self.client.close()
        await self.proxy.stop()
        await self.nursery.stop()
        await self.store.stop()
        await asyncio.to_thread(self.cluster.stop)

    async def add(self, name: str, agents: Sequence[str] = CHAIN, static: bool = False) -> Worker:
        """Start a worker; with `static` it keeps its group membership over a restart."""
        worker = Worker(name, agents, self.folder / f"{name}.log", static)
        self.workers.append(worker)
        await self.launch(worker)
        return worker

    async def launch(self, worker: Worker) -> None:
        """Start a worker's process."""
        environment = {
            **self.environment, **self.access.environment(worker.agents),
            "HARK_WORKER_NAME": worker.name if worker.static else "",
        }  # fmt: skip
        order = {"spawn": environment, "agents": list(worker.agents), "log": str(worker.log),
                 "poison": self.poison, "pace": self.pace}  # fmt: skip
        worker.begin(int((await self.nursery.ask(order))["pid"]))

    async def _supervise(self) -> None:
        """Start ended workers again, as a container platform would."""
        rng = Random(1)
        while self.supervising:
            for worker in list(self.workers):
                if not worker.alive:
                    continue
                status = (await self.nursery.ask({"poll": worker.pid}))["status"]
                if status is None:
                    continue
                worker.end(int(status))
                self.ends.add(worker.exits[-1])
                if worker.wanted:
                    await asyncio.sleep(rng.random() * 0.5)
                    await self.launch(worker)
            await asyncio.sleep(0.1)

    async def move_clock(self, seconds: float) -> None:
        """Set the workers' wall clock ahead of the true time, or behind it, all at once."""
        await self.nursery.ask({"clock": seconds})

    async def publish(self, topic: str, events: Sequence[Event]) -> dict[int, list[Record]]:
        """Append events to their partitions and return them with their offsets."""
        counter = self._ends if topic == "feedback.raw" else self._facts
        arrived: dict[int, list[Record]] = {}
        for partition, group in by_partition(events).items():
            batch = self.producer.create_batch()
            for event in group:
                room = batch.append(key=event.key, value=event.value, timestamp=event.timestamp)
                assert room is not None, "a batch of the harness is too large"
                record = Record(counter[partition], event.value, event.key, event.timestamp)
                arrived.setdefault(partition, []).append(record)
                counter[partition] += 1
            sent = await (await self.producer.send_batch(batch, topic, partition=partition))
            assert sent.offset == arrived[partition][0].offset, "somebody else writes to the input"
        return arrived

    def last(self) -> dict[int, int]:
        """Return the last offset published to each partition of `feedback.raw`."""
        return {partition: count - 1 for partition, count in self._ends.items()}


async def until(what: str, seconds: float, probe: Any, interval: float = 0.1) -> None:
    """Wait until `probe` (plain or async) holds, at most `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        held = probe()
        if asyncio.iscoroutine(held):
            held = await held
        if held:
            return
        assert time.monotonic() < deadline, f"after {seconds:.0f} s still not: {what}"
        await asyncio.sleep(interval)
