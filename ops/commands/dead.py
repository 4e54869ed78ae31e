"""`hark dead`: list dead letters, see where they stand, publish the originals again."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Annotated, Literal

import orjson
import typer
from rich.console import Console
from rich.table import Table

from models.intake import Limits
from ops.dead.letters import Letter, Wanted, from_store, from_topic, moment, place
from ops.dead.replay import LASTING, LogSource, Replayed, Replayer
from ops.failures import UserError, run, sayable, settings
from ops.wiring.store import opened
from sinks.clickhouse.client import EXPECTED
from streams import kafka
from streams.codec import iso
from streams.settings import Settings

DAY_MS = 86_400_000

app = typer.Typer(help="Events that could not be processed, never their content.", no_args_is_help=True)
From = Literal["auto", "store", "topic"]
Reason = Annotated[str, typer.Option("--reason", help="Reason code, e.g. text_too_long.")]
Topic = Annotated[str, typer.Option("--topic", help="Topic of the original.")]
Since = Annotated[str, typer.Option("--since", help="Rejected since: 90m, 6h, 2d or an ISO time (UTC).")]
Until = Annotated[str, typer.Option("--until", help="Rejected before.")]
Source = Annotated[From, typer.Option("--from", help="Where to look; auto: the store, else the topic.")]
Broker = Annotated[str | None, typer.Option("--broker", help="Instead of HARK_BROKER.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


@app.command("list")
@sayable
def list_(
    reason: Reason = "",
    topic: Topic = "",
    since: Since = "",
    until: Until = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="Most lines, the newest.")] = 50,
    from_: Source = "auto",
    broker: Broker = None,
    json: Json = False,
) -> None:
    """List dead letters by reason, time and topic."""
    config = settings(broker=broker)
    letters = run(_find(config, _wanted(reason, topic, since, until, []), from_))
    shown = letters[-limit:]
    if json:
        for letter in shown:
            typer.echo(orjson.dumps(_row(letter)))
        return
    table = Table()
    for name in ("rejected (UTC)", "original", "reason", "field", "agent"):
        table.add_column(name, overflow="fold")
    for letter in shown:
        table.add_row(iso(letter.rejected_at), letter.place, letter.reason, letter.field, letter.agent)
    console = Console()
    console.print(table)
    for (kind, where), count in Counter((letter.reason, letter.topic) for letter in letters).most_common():
        console.print(f"{count:8} {kind} on {where}", highlight=False)
    console.print(f"{len(letters)} dead letters, {len(shown)} shown", highlight=False)


@app.command()
@sayable
def show(
    original: Annotated[str, typer.Argument(help="topic/partition/offset")],
    from_: Source = "auto",
    broker: Broker = None,
) -> None:
    """Say why an event is dead and whether its original can still be replayed."""
    config = settings(broker=broker)
    wanted = Wanted(places=frozenset({place(original)}))
    letters = run(_find(config, wanted, from_))
    if not letters:
        raise UserError(f"no dead letter of {original}")
    for letter in letters:
        for name, value in _row(letter).items():
            typer.echo(f"{name:12}{value}")
    typer.echo(f"{'original':12}{run(_original(config, letters[0]))}")


@app.command()
@sayable
def replay(
    originals: Annotated[list[str] | None, typer.Argument(help="topic/partition/offset; or filters.")] = None,
    reason: Reason = "",
    topic: Topic = "",
    since: Since = "",
    until: Until = "",
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Most records, the oldest.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Also what would be refused again.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look and judge, publish nothing.")] = False,
    from_: Source = "auto",
    broker: Broker = None,
) -> None:
    """Publish originals again, one at a time; exits 1 when one could not be."""
    if not (originals or reason or topic or since or until):
        raise UserError("say which: coordinates, --reason, --topic, --since or --until")
    config = settings(broker=broker)
    wanted = _wanted(reason, topic, since, until, originals or [])
    done = run(_replay(config, wanted, limit, force, dry_run, from_))
    for result in done:
        if result.verdict != "replayed":
            typer.echo(f"{result.letter.place}: {result.verdict}: {result.why}", err=True)
    counts = Counter(result.verdict for result in done)
    what = "would be replayed" if dry_run else "replayed"
    rest = "".join(f", {count} {verdict}" for verdict, count in counts.items() if verdict != "replayed")
    typer.echo(f"{counts['replayed']} {what}{rest}", err=True)
    unsure = sum(result.letter.reason in LASTING for result in done if result.verdict == "replayed")
    if unsure:
        typer.echo(f"{unsure} of them only the agents can judge: look with `hark dead list` again", err=True)
    raise typer.Exit(1 if counts["replayed"] < len(done) or not done else 0)


def _wanted(reason: str, topic: str, since: str, until: str, places: list[str]) -> Wanted:
    now = datetime.now(UTC)
    return Wanted(
        reason,
        topic,
        since=moment(since, now) if since else 0,
        until=moment(until, now) if until else 2**63 - 1,
        places=frozenset(map(place, places)),
    )


def _row(letter: Letter) -> dict[str, str | int]:
    return {
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "reason": letter.reason,
        "field": letter.field,
        "agent": letter.agent,
        "appended_at": iso(letter.appended_at),
        "rejected_at": iso(letter.rejected_at),
    }


async def _find(config: Settings, wanted: Wanted, source: From) -> list[Letter]:
    if source != "topic":
        try:
            with opened(config, schema=False) as client:
                return from_store(client, config.clickhouse_database, wanted)
        except EXPECTED:
            if source == "store":
                raise
            typer.echo("the store does not answer; reading the topic", err=True)
    consumer = kafka.reader(config, "dead")
    try:
        await consumer.start()
        return await from_topic(consumer, wanted)
    finally:
        await consumer.stop()


async def _original(config: Settings, letter: Letter) -> str:
    consumer = kafka.reader(config, "dead")
    try:
        await consumer.start()
        record = await LogSource(consumer).record_at(letter.topic, letter.partition, letter.offset)
    finally:
        await consumer.stop()
    if record is None:
        return "no longer kept by the topic: it cannot be replayed"
    return f"{len(record.value or b'')} bytes, {len(record.headers)} headers, still there"


async def _replay(
    config: Settings, wanted: Wanted, limit: int | None, force: bool, dry_run: bool, source: From
) -> list[Replayed]:
    # Two agents may have refused one original; it is replayed once.
    letters = list({letter.place: letter for letter in await _find(config, wanted, source)}.values())[:limit]
    limits = Limits(
        config.max_event_bytes, int(config.future_tolerance_s * 1000), int(config.max_age_days * DAY_MS)
    )
    consumer, producer = kafka.reader(config, "dead"), kafka.producer(config, "dead")
    try:
        await consumer.start()
        try:
            await producer.start()
            replayer = Replayer(LogSource(consumer), producer, limits, force)
            return [await replayer.replay(letter, dry_run) for letter in letters]
        finally:
            await producer.stop()
    finally:
        await consumer.stop()
