"""The stack tests run on: what is given, what Docker gives, Kafka's own jars, or the embedded parts."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

from models.pii.keyring import Keyring
from ops.embedded.broker import EmbeddedBroker
from ops.embedded.process import Child, free_port
from ops.embedded.store import EmbeddedStore
from ops.kafka.cluster import Cluster
from ops.kafka.jars import missing_tools
from ops.topic_admin import apply, missing_topics
from sinks.clickhouse.client import connect
from sinks.clickhouse.schema import Schema
from streams.settings import Settings
from streams.topics import CATALOG

BROKER, STORE, KAFKA = "HARK_TEST_BROKER", "HARK_TEST_CLICKHOUSE_URL", "HARK_TEST_KAFKA"
KAFKA_IMAGE, CLICKHOUSE_IMAGE = "apache/kafka:4.3.1", "clickhouse/clickhouse-server:26.9.6.6"
WORKER_SECONDS = 120.0
Kind = Literal["given", "container", "jars", "embedded"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Choice:
    """Which broker and which store, and why, in one sentence for the header."""

    broker: Kind
    store: Kind
    why: str


def docker_answers(environ: Mapping[str, str]) -> bool:
    """Tell whether a Docker engine answers; the command alone proves nothing."""
    parts = urlsplit(environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"))
    try:
        if parts.scheme == "unix":
            with socket.socket(socket.AF_UNIX) as engine:
                engine.settimeout(2)
                engine.connect(parts.path)
                engine.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
                return b" 200 " in engine.recv(64)
        with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 2375), 2):
            return True
    except OSError:
        return False


def choose(
    environ: Mapping[str, str],
    docker: Callable[[Mapping[str, str]], bool] = docker_answers,
    lacking: Callable[[], str | None] = missing_tools,
) -> Choice:
    """Choose the stack: addresses given, then a Docker engine, then Kafka's jars on request, else embedded.

    Examples
    --------
    >>> choose({"HARK_TEST_BROKER": "kafka:9092"}, docker=lambda environ: False).broker
    'given'
    """
    broker, store = bool(environ.get(BROKER)), bool(environ.get(STORE))
    if broker and store:
        return Choice("given", "given", f"{BROKER} and {STORE} are set")
    if broker or store:
        which = BROKER if broker else STORE
        return Choice(
            "given" if broker else "embedded", "given" if store else "embedded", f"only {which} is set"
        )
    if docker(environ):
        return Choice("container", "container", "a Docker engine answers")
    if environ.get(KAFKA) == "1":
        if (reason := lacking()) is None:
            return Choice("jars", "embedded", f"{KAFKA}=1, Java and Maven are there")
        return Choice("embedded", "embedded", f"{KAFKA}=1, but: {reason}")
    return Choice("embedded", "embedded", f"no address given, no Docker engine answers, {KAFKA} is not 1")


class LoopThread:
    """An event loop in a thread of its own, so that one stack serves tests of any style."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="stack", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T], timeout: float = 300.0) -> T:
        """Run a coroutine there and return its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout)

    def stop(self) -> None:
        """Stop the loop and join the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


class Pipeline:
    """A stack with topics, schema, keys and one worker process.

    Parameters
    ----------
    choice
        Which stack.
    folder
        For logs and keys.
    """

    def __init__(self, choice: Choice, folder: Path) -> None:
        self.choice = choice
        self.folder = folder
        self.database = f"hark_test_{os.getpid()}" if choice.store == "given" else "hark"
        self.worker_log = folder / "worker.log"
        self._exits = AsyncExitStack()
        self._loop = LoopThread()

    def start(self) -> None:
        """Start everything and wait until the worker's agents are assigned."""
        self._loop.run(self._start())

    def stop(self) -> None:
        """Stop everything."""
        self._loop.run(self._exits.aclose())
        self._loop.stop()

    async def _start(self) -> None:
        broker = await self._broker()
        self.url = await self._store()
        keys = self.folder / "keys.json"
        Keyring.new().save(keys)
        port = free_port(0, "metrics")
        self.metrics_url = f"http://127.0.0.1:{port}/metrics"
        values = {
            "HARK_BROKER": broker,
            "HARK_CLICKHOUSE_URL": self.url,
            "HARK_CLICKHOUSE_DATABASE": self.database,
            "HARK_PII_KEYS_FILE": str(keys),
            "HARK_PARTITIONS": "4",
            "HARK_METRICS_PORT": str(port),
            "HARK_FETCH_MAX_WAIT_MS": "20",
            "HARK_ARCHIVE_LINGER_S": "0.2",
        }
        self.settings = Settings.model_validate(
            {name.removeprefix("HARK_").lower(): value for name, value in values.items()}
        )
        if self.choice.broker == "given" and len(await missing_topics(self.settings)) < len(CATALOG):
            raise RuntimeError(f"the broker of {BROKER} has topics of Hark: give an empty one to the tests")
        await apply(self.settings)
        await asyncio.to_thread(self._migrate)
        environment = {**{k: v for k, v in os.environ.items() if not k.startswith("HARK_")}, **values}
        worker = Child(
            "worker", [sys.executable, "-m", "ops.cli", "worker"], self.worker_log, environment=environment
        )
        await self._exits.enter_async_context(worker)

        async def runs() -> bool:
            return b"all agents are assigned" in await asyncio.to_thread(self.worker_log.read_bytes)

        await worker.ready(runs, WORKER_SECONDS, 0.05)

    async def _broker(self) -> str:
        if self.choice.broker == "given":
            return os.environ[BROKER]
        if self.choice.broker == "container":
            return await asyncio.to_thread(self._kafka_container)
        if self.choice.broker == "jars":
            cluster = Cluster(nodes=1)
            await asyncio.to_thread(cluster.start)
            self._exits.callback(cluster.stop)
            return cluster.bootstrap
        return (await self._exits.enter_async_context(EmbeddedBroker(data=self.folder))).address

    async def _store(self) -> str:
        if self.choice.store == "given":
            return os.environ[STORE]
        if self.choice.store == "container":
            return await asyncio.to_thread(self._clickhouse_container)
        return (await self._exits.enter_async_context(EmbeddedStore())).url

    def _kafka_container(self) -> str:
        from testcontainers.core.container import DockerContainer

        port = free_port(0, "broker")
        listeners = f"INSIDE://:19092,OUTSIDE://:{port},CONTROLLER://:29093"
        container = DockerContainer(KAFKA_IMAGE).with_bind_ports(port, port)
        for name, value in {
            "NODE_ID": "1",
            "PROCESS_ROLES": "broker,controller",
            "CONTROLLER_QUORUM_VOTERS": "1@localhost:29093",
            "LISTENERS": listeners,
            "ADVERTISED_LISTENERS": f"INSIDE://localhost:19092,OUTSIDE://127.0.0.1:{port}",
            "LISTENER_SECURITY_PROTOCOL_MAP": "INSIDE:PLAINTEXT,OUTSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "INTER_BROKER_LISTENER_NAME": "INSIDE",
            "CONTROLLER_LISTENER_NAMES": "CONTROLLER",
            "OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
            "TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
            "TRANSACTION_STATE_LOG_MIN_ISR": "1",
            "GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        }.items():
            container = container.with_env(f"KAFKA_{name}", value)
        container.start()
        self._exits.callback(container.stop)
        return f"127.0.0.1:{port}"

    def _clickhouse_container(self) -> str:
        from testcontainers.core.container import DockerContainer

        container = DockerContainer(CLICKHOUSE_IMAGE).with_exposed_ports(8123)
        container = container.with_env("CLICKHOUSE_SKIP_USER_SETUP", "1")
        container.start()
        self._exits.callback(container.stop)
        return f"http://{container.get_container_host_ip()}:{container.get_exposed_port(8123)}"

    def _migrate(self) -> None:
        client = connect(self.url)
        try:
            Schema(client, self.database).migrate()
        finally:
            client.close()

    def ask(self, sql: str) -> list[list[Any]]:
        """Ask the store over plain HTTP, as any program may."""
        query = urlencode({"database": self.database, "default_format": "JSONCompact"})
        with urlopen(Request(f"{self.url}/?{query}", data=sql.encode()), timeout=60) as answer:
            rows: list[list[Any]] = json.loads(answer.read())["data"]
        return rows

    def until(self, what: str, probe: Callable[[], bool], seconds: float = 90.0) -> None:
        """Wait until `probe` holds."""
        deadline = time.monotonic() + seconds
        while not probe():
            tail = self.worker_log.read_text(errors="replace")[-800:]
            assert time.monotonic() < deadline, f"after {seconds:.0f} s still not: {what}; worker: {tail}"
            time.sleep(0.2)


def make(environ: Mapping[str, str]) -> tuple[Pipeline, Callable[[], None]]:
    """Return a started pipeline and what ends it and removes its folder."""
    folder = Path(tempfile.mkdtemp(prefix="hark-test-"))
    pipeline = Pipeline(choose(environ), folder)

    def end() -> None:
        pipeline.stop()
        shutil.rmtree(folder, ignore_errors=True)

    try:
        pipeline.start()
    except BaseException:
        end()
        raise
    return pipeline, end
