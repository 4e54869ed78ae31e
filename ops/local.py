"""Hark on one machine: embedded broker and store, topics, schema, keys and worker processes."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from models.pii.keyring import Keyring
from ops.embedded.process import Child, free_port
from ops.embedded.stack import Stack
from ops.topic_admin import apply
from sinks.clickhouse.client import connect
from sinks.clickhouse.schema import Schema
from streams.settings import Settings

log = logging.getLogger(__name__)

WORKER_SECONDS = 90.0
RESTART_PAUSE_S = 1.0
RESTARTS = 5
_OWN = (
    "HARK_BROKER", "HARK_SECURITY_", "HARK_SASL_", "HARK_SSL_", "HARK_REPLICATION", "HARK_WORKER_NAME",
    "HARK_CLICKHOUSE_", "HARK_PII_KEYS", "HARK_METRICS_PORT", "HARK_DATA_DIR", "HARK_GATEWAY_",
)  # fmt: skip
"""Settings that what is started here sets for itself."""


class LocalCluster:
    """Everything a worker needs on this machine, and the workers; leaves nothing behind when it ends.

    Parameters
    ----------
    workers
        Worker processes, each with every agent.
    data
        Folder of the store, the keys and the logs; a temporary one when None.
    broker_port, store_port
        Loopback ports; 0 takes free ones.
    metrics_port
        Port of the first worker's metrics, the next ones follow; 0 takes free ones.
    environment
        Further `HARK_*` settings of the workers.
    agents
        What the workers run; everything when empty.
    guardrail
        Seconds between two looks at the guardrails of live rules; nobody looks when 0.
    """

    def __init__(
        self,
        workers: int,
        data: Path | None = None,
        *,
        broker_port: int = 0,
        store_port: int = 0,
        metrics_port: int = 0,
        environment: Mapping[str, str] | None = None,
        agents: Sequence[str] = (),
        guardrail: float = 0.0,
    ) -> None:
        self._guardrail = guardrail
        self._agents = tuple(agents)
        self.stack = Stack(data, broker_port, store_port)
        self._count = workers
        self._metrics_port = metrics_port
        self._extra = dict(environment or {})
        self._workers: list[Child] = []
        self._watchers: list[asyncio.Task[None]] = []
        self.metrics_ports: list[int] = []
        self.settings = Settings()
        self.failure: asyncio.Future[str] | None = None

    @property
    def data(self) -> Path:
        """Folder of the store, the keys and the logs."""
        return self.stack.data

    async def __aenter__(self) -> Self:
        """Start the stack, make topics, schema and keys, start the workers and wait until they run."""
        await self.stack.__aenter__()
        try:
            await self._prepare()
        except BaseException:
            await self._stop_workers()
            await self.stack.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the workers, then the stack."""
        await asyncio.shield(self._stop_workers())
        await self.stack.__aexit__(kind, error, trace)

    async def _prepare(self) -> None:
        self.failure = asyncio.get_running_loop().create_future()
        keys = self.data / "keys.json"
        if not keys.exists():
            Keyring.new().save(keys)
        values = {
            "HARK_BROKER": self.stack.broker.address,
            "HARK_CLICKHOUSE_URL": self.stack.store.url,
            "HARK_CLICKHOUSE_DATABASE": "hark",
            "HARK_PII_KEYS_FILE": str(keys),
            "HARK_SESSION_TIMEOUT_S": "10",
            "HARK_MAX_POLL_RECORDS": "500",
            "HARK_FETCH_MAX_WAIT_MS": "20",
            **self._extra,
        }
        named = {name.removeprefix("HARK_").lower(): value for name, value in values.items()}
        self.settings = Settings.model_validate(named)
        await asyncio.gather(apply(self.settings), asyncio.to_thread(self._migrate))
        for number in range(self._count):
            await self._start_worker(number, values)
        await asyncio.gather(*(self._ready(child) for child in self._workers))
        if self._guardrail:
            await self._start_guardrail(values)

    def _migrate(self) -> None:
        client = connect(self.stack.store.url)
        try:
            Schema(client, "hark").migrate()
        finally:
            client.close()

    async def _start_guardrail(self, values: Mapping[str, str]) -> None:
        command = [sys.executable, "-m", "ops.cli", "guardrail", "--every", str(self._guardrail)]
        log = self.data / "guardrail.log"
        child = Child("guardrail", command, log, environment=_environment(values))
        await child.start()
        self._workers.append(child)
        self._watchers.append(asyncio.create_task(self._supervise(child)))

    async def _start_worker(self, number: int, values: Mapping[str, str]) -> None:
        wanted = self._metrics_port + number if self._metrics_port else 0
        port = free_port(wanted, f"metrics of worker {number + 1}")
        self.metrics_ports.append(port)
        environment = _environment(values) | {"HARK_METRICS_PORT": str(port)}
        command = [sys.executable, "-m", "ops.cli", "worker"]
        command += [part for agent in self._agents for part in ("--agent", agent)]
        child = Child(
            f"worker {number + 1}", command, self.data / f"worker-{number + 1}.log", environment=environment
        )
        await child.start()
        self._workers.append(child)

    async def _ready(self, child: Child) -> None:
        async def runs() -> bool:
            return b"all agents are assigned" in await asyncio.to_thread(child.log.read_bytes)

        await child.ready(runs, WORKER_SECONDS, 0.05)
        self._watchers.append(asyncio.create_task(self._supervise(child)))

    async def _supervise(self, child: Child) -> None:
        """Start a worker again when it ends by itself, as a container platform would."""
        for _ in range(RESTARTS):
            status = await child.wait()
            log.error(
                "%s ended with status %d and is started again; its log is %s", child.name, status, child.log
            )
            await asyncio.sleep(RESTART_PAUSE_S)
            await child.start()
        await child.wait()
        if self.failure is not None and not self.failure.done():
            self.failure.set_result(f"{child.name} ended {RESTARTS + 1} times; its log is {child.log}")

    async def _stop_workers(self) -> None:
        for task in self._watchers:
            task.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        await asyncio.gather(*(child.stop() for child in self._workers))


def asked_for() -> dict[str, str]:
    """Return the settings in this process's environment that are not about where and who the parts are.

    Nor a log level above INFO: workers say there that they run.
    """
    mine = {f"HARK_{name.upper()}" for name in Settings.model_fields}
    held = {k: v for k, v in os.environ.items() if k in mine and not k.startswith(_OWN)}
    if held.get("HARK_LOG_LEVEL") in ("WARNING", "ERROR"):
        del held["HARK_LOG_LEVEL"]
    return held


def _environment(values: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment with no settings but `values`."""
    return {**{k: v for k, v in os.environ.items() if not k.startswith("HARK_")}, **values}
