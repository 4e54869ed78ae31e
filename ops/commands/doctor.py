"""`hark doctor`: is everything there, and what to do about what is not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from models.clock import SystemClock
from models.follow_up import PolicyError, load_policy, missing_years
from ops.failures import run, sayable, sentence, settings
from ops.topic_admin import missing_topics
from ops.wiring.store import opened
from rules.source import RuleError
from sinks.clickhouse.schema import Schema
from streams import kafka
from streams.broadcast import Broadcast
from streams.catalog import shipped_catalog
from streams.masking import field_mask
from streams.settings import Settings
from streams.snapshots import SnapshotShelf
from streams.topics import SNAPSHOTS

PROBE_SECONDS = 10.0
Check = Callable[[Settings], Awaitable[str]]


class Unwell(RuntimeError):
    """A check failed; the text says what to do."""


@sayable
def doctor(
    broker: Annotated[str | None, typer.Option("--broker", help="Instead of HARK_BROKER.")] = None,
    url: Annotated[str | None, typer.Option("--url", help="Instead of HARK_CLICKHOUSE_URL.")] = None,
) -> None:
    """Check broker, topics, store, schema, keys, rules, calendar and model snapshots."""
    failed = run(_examine(settings(broker=broker, clickhouse_url=url), Console()))
    raise typer.Exit(1 if failed else 0)


async def _examine(config: Settings, console: Console) -> int:
    failed = 0
    for name, check in CHECKS.items():
        try:
            said = await asyncio.wait_for(check(config), PROBE_SECONDS)
            console.print(f"[green]ok[/]    {name}: {said}", highlight=False)
        except TimeoutError:
            failed += 1
            console.print(f"[red]fails[/] {name}: no answer in {PROBE_SECONDS:.0f} s", highlight=False)
        except Exception as error:
            failed += 1
            told = (
                str(error)
                if isinstance(error, Unwell)
                else sentence(error) or f"{type(error).__name__}: {error}"
            )
            console.print(f"[red]fails[/] {name}: {told}", highlight=False)
    return failed


async def _broker(config: Settings) -> str:
    client = kafka.admin(config)
    try:
        await client.start()
        nodes = (await client.describe_cluster())["brokers"]
    finally:
        await client.close()
    return f"{len(nodes)} broker(s) at {config.broker}"


async def _topics(config: Settings) -> str:
    if missing := await missing_topics(config):
        raise Unwell(f"{len(missing)} topics are missing, {missing[0]} among them: run `hark topics apply`")
    return "all there"


async def _store(config: Settings) -> str:
    def ask() -> str:
        with opened(config, schema=False) as client:
            return str(client.query("SELECT version()").result_rows[0][0])

    return f"ClickHouse {await asyncio.to_thread(ask)} at {config.clickhouse_url}"


async def _schema(config: Settings) -> str:
    def check() -> int:
        with opened(config, schema=False) as client:
            schema = Schema(client, config.clickhouse_database)
            schema.check()
            return max(schema.applied())

    return f"version {await asyncio.to_thread(check)}"


async def _keys(config: Settings) -> str:
    field_mask(config)
    return "pseudonym keys can be read"


async def _rules(config: Settings) -> str:
    try:
        return f"{len(shipped_catalog(config.rules_dir).rules)} rules load"
    except RuleError as error:
        raise Unwell(f"{error}: run `hark rules lint`") from error


async def _calendar(config: Settings) -> str:
    try:
        policy = load_policy(config.follow_up_file)
    except PolicyError as error:
        raise Unwell(str(error)) from error
    today = datetime.fromtimestamp(SystemClock().now(), ZoneInfo(config.business_zone)).date()
    missing = missing_years(policy, today)
    file = config.follow_up_file.name if config.follow_up_file is not None else "policy.yaml, as shipped"
    if names := missing.pop(today.year, None):
        raise Unwell(
            f"{', '.join(names)} of {file} has no holidays of {today.year}, so deadlines run through them: "
            "name them in the file of HARK_FOLLOW_UP_FILE"
        )
    soon = "".join(f"; add those of {year} to {file}" for year in missing)
    return f"holidays of {today.year} are known{soon}"


async def _models(config: Settings) -> str:
    shelf = SnapshotShelf()
    found: list[str] = []

    async def reader() -> object:
        consumer = kafka.reader(config, "doctor")
        await consumer.start()
        return consumer

    broadcast = Broadcast(reader, {SNAPSHOTS: shelf.apply})
    try:
        await broadcast.start()
    finally:
        await broadcast.stop()
    found = [f"{name} {version}" for name, version in shelf.versions().items()]
    return ", ".join(found) if found else "no snapshots yet: workers score with the models as shipped"


CHECKS: dict[str, Check] = {
    "broker": _broker,
    "topics": _topics,
    "store": _store,
    "schema": _schema,
    "keys": _keys,
    "rules": _rules,
    "calendar": _calendar,
    "models": _models,
}
