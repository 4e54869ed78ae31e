"""`hark up`: the same embedded parts as the demo, for your own producers and consumers."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from ops.failures import UserError, run, sayable, settings
from ops.local import LocalCluster, asked_for

BROKER_PORT, STORE_PORT, METRICS_PORT = 9092, 8123, 9808
GUARDRAIL_SECONDS = 60.0


@sayable
def up(
    workers: Annotated[int, typer.Option("--workers", min=1, max=16)] = 1,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Store and keys; instead of HARK_DATA_DIR."),
    ] = None,
    broker_port: Annotated[int, typer.Option("--broker-port")] = BROKER_PORT,
    store_port: Annotated[int, typer.Option("--store-port")] = STORE_PORT,
    metrics_port: Annotated[int, typer.Option("--metrics-port")] = METRICS_PORT,
) -> None:
    """Start broker, store, workers and the guardrail job, print their addresses, and run until stopped.

    Settings in the environment hold for the workers, but for addresses, credentials, keys and quieter logs.
    """
    run(_up(workers, settings(data_dir=data).data_dir, broker_port, store_port, metrics_port))


async def _up(workers: int, data: Path, broker_port: int, store_port: int, metrics_port: int) -> None:
    console = Console()
    console.print(f"starting broker, store and {workers} worker(s) …")
    stopped = asyncio.Event()
    async with LocalCluster(
        workers,
        data.resolve(),
        broker_port=broker_port,
        store_port=store_port,
        metrics_port=metrics_port,
        environment=asked_for(),
        guardrail=GUARDRAIL_SECONDS,
    ) as cluster:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stopped.set)
        metrics = ", ".join(f"http://127.0.0.1:{port}/metrics" for port in cluster.metrics_ports)
        console.print(f"broker      {cluster.settings.broker}   (Kafka protocol)", highlight=False)
        console.print(f"ClickHouse  {cluster.settings.clickhouse_url}   (database hark)", highlight=False)
        console.print(f"metrics     {metrics}", highlight=False)
        console.print(
            f"guardrails  looked at every {GUARDRAIL_SECONDS:.0f} s; a rule that does harm is paused",
            highlight=False,
        )
        console.print(
            f"for other commands: export HARK_PII_KEYS_FILE={data / 'keys.json'}"
            + ("" if broker_port == BROKER_PORT else f" HARK_BROKER={cluster.settings.broker}")
            + ("" if store_port == STORE_PORT else f" HARK_CLICKHOUSE_URL={cluster.settings.clickhouse_url}"),
            highlight=False,
            soft_wrap=True,
        )
        console.print(
            f"kept in {data}: the store, the keys and the logs. Not kept: topics, because the embedded "
            "broker lives in memory.",
            highlight=False,
        )
        console.print("stop with Ctrl-C", highlight=False)
        assert cluster.failure is not None
        asked: asyncio.Future[Any] = asyncio.ensure_future(stopped.wait())
        fell: asyncio.Future[Any] = asyncio.ensure_future(cluster.stack.failed())
        await asyncio.wait((asked, cluster.failure, fell), return_when=asyncio.FIRST_COMPLETED)
        for failed in (cluster.failure, fell):
            if failed.done():
                raise UserError(failed.result())
        fell.cancel()
        console.print("stopping …")
