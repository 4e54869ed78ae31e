"""`hark tickets`: see work orders in the store, hand them on and resolve them over Kafka."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from models.events import ActionStatus
from models.follow_up import suggest
from ops.failures import UserError, run, sayable, settings
from ops.wiring.store import opened
from sinks.clickhouse.client import Client
from sinks.clickhouse.queries import ask
from streams import kafka
from streams.codec import dumps
from streams.settings import Settings
from streams.topics import ACTION_STATUS

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, help="Work orders: what is open, since when, and who has it.")
out = Console(soft_wrap=True, highlight=False, markup=False)

Url = Annotated[str | None, typer.Option("--url", help="Instead of HARK_CLICKHOUSE_URL.")]
Broker = Annotated[str | None, typer.Option("--broker", help="Instead of HARK_BROKER.")]
By = Annotated[str, typer.Option("--by", help="Team that says so; never a person's name.")]
Ident = Annotated[str, typer.Argument(help="The work order's id, or the beginning of it.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]


@app.command("list")
@sayable
def list_(
    team: Annotated[str, typer.Option("--team", help="One team only.")] = "",
    state: Annotated[str, typer.Option("--state", help="One state, or all.")] = "unfinished",
    customer: Annotated[str, typer.Option("--customer", help="One customer only.")] = "",
    overdue: Annotated[bool, typer.Option("--overdue", help="Past their deadline only.")] = False,
    most: Annotated[int, typer.Option("--limit", min=1, max=10_000)] = 50,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List work orders, the most pressing first."""
    config = settings(clickhouse_url=url)
    parameters = {
        "team": team,
        "state": "" if state == "all" else state,
        "customer": customer,
        "overdue": int(overdue),
        "now": int(time.time() * 1000),
        "most": most,
    }
    rows = _stored(config, lambda client: ask(client, "loop_tickets", parameters))
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    table = Table(box=None, pad_edge=False)
    for column in ("id", "kind", "rule", "topic", "urgency", "team", "state", "level", "deadline"):
        # An id cut short finds nothing, so other columns make room first.
        table.add_column(
            column, no_wrap=column == "id", min_width=8 if column == "id" else 4, overflow="fold"
        )
    for row in rows:
        late = " overdue" if row["overdue"] else ""
        table.add_row(
            row["action_id"][:12], row["kind"], row["rule_id"], row["topic"], row["urgency"], row["team"],
            row["state"], str(row["level"]), when(row["deadline"], config) + late,
        )  # fmt: skip
    console = Console(highlight=False)
    (console if console.is_terminal else Console(highlight=False, width=160)).print(table)
    out.print(f"{len(rows)} work orders")


@app.command()
@sayable
def show(ident: Ident, url: Url = None, as_json: AsJson = False) -> None:
    """Show a work order: where it stands, everything that happened, and what could be answered."""
    config = settings(clickhouse_url=url)
    order, trail = _stored(config, lambda client: _with_trail(client, ident))
    replies = [reply.text(order["lang"]) for reply in suggest(order["topic"], order["state"])]
    if as_json:
        typer.echo(json.dumps({**order, "trail": trail, "replies": replies}, ensure_ascii=False))
        return
    out.print(f"{order['kind']} {order['action_id']} for {order['customer_id']}, rule {order['rule_id']}")
    out.print(f"{order['state']} at {order['team']}, {order['urgency']}, topic {order['topic'] or 'none'}")
    out.print(f"opened {when(order['opened_at'], config)}, deadline {when(order['deadline'], config)}")
    for name in ("responded_at", "resolved_at", "told_at", "closed_at"):
        if order[name]:
            out.print(f"{name.removesuffix('_at')} {when(order[name], config)}")
    out.print(f"why: {order['explanation']}\ntext: {order['template']}")
    for line in trail:
        reason = f" ({line['reason']})" if line["reason"] else ""
        sent = f" → {line['sent_action_id'][:12]}" if line["sent_action_id"] else ""
        out.print(
            f"  {when(line['occurred_at'], config)}  {line['change']} by {line['by']}{reason}: "
            f"{line['state']} at {line['team']}{sent}"
        )
    for reply in replies:
        out.print(f"reply: {reply}")


@app.command()
@sayable
def assign(
    ident: Ident,
    team: Annotated[str, typer.Option("--team", help="Team that gets it.")],
    by: By = "tickets",
    reason: Annotated[str, typer.Option("--reason", help="A word, never personal data.")] = "",
    broker: Broker = None,
    url: Url = None,
) -> None:
    """Hand a work order to a team; follow_up sends it there."""
    _say(settings(broker=broker, clickhouse_url=url), ident, ["assigned"], by, reason, team)


@app.command()
@sayable
def resolve(
    ident: Ident,
    by: By = "tickets",
    reason: Annotated[str, typer.Option("--reason", help="A word, never personal data.")] = "",
    told: Annotated[bool, typer.Option("--told", help="The customer knows already.")] = False,
    broker: Broker = None,
    url: Url = None,
) -> None:
    """Resolve a work order; without --told Hark tells the customer after a while."""
    words = ["resolved", "customer_told"] if told else ["resolved"]
    _say(settings(broker=broker, clickhouse_url=url), ident, words, by, reason)


def when(millis: int, config: Settings) -> str:
    """Return a time in the zone of the business hours."""
    return datetime.fromtimestamp(millis / 1000, ZoneInfo(config.business_zone)).strftime("%Y-%m-%d %H:%M")


def statuses(
    order: dict[str, Any], words: list[str], by: str, reason: str, team: str, now_ms: int
) -> list[dict[str, Any]]:
    """Return what to publish on `actions.status`.

    Raises
    ------
    UserError
        When a team or reason is no short word.
    """
    made = []
    for word in words:
        said: dict[str, Any] = {
            "action_id": order["action_id"], "customer_id": order["customer_id"], "status": word, "by": by,
            "occurred_at": now_ms,
        }  # fmt: skip
        said |= {"reason": reason} if reason else {}
        said |= {"team": team} if team else {}
        try:
            ActionStatus.model_validate(said)
        except ValidationError as error:
            place = ".".join(map(str, error.errors(include_url=False, include_input=False)[0]["loc"]))
            raise UserError(f"--{place} must be a word of at most 64 characters") from None
        made.append(said)
    return made


def _say(config: Settings, ident: str, words: list[str], by: str, reason: str, team: str = "") -> None:
    order = _stored(config, lambda client: _one(client, ident))
    if order["state"] == "closed":
        raise UserError(f"work order {order['action_id']} is closed")
    said = statuses(order, words, by, reason, team, int(time.time() * 1000))
    run(_publish(config, order, said))
    out.print(f"{', '.join(words)}: {order['action_id']}")


async def _publish(config: Settings, order: dict[str, Any], said: list[dict[str, Any]]) -> None:
    """Write to the partition the work order lives in, which its trail names."""
    producer = kafka.producer(config, "tickets")
    try:
        await producer.start()
        for status in said:
            key = order["customer_id"].encode()
            await producer.send_and_wait(ACTION_STATUS, dumps(status), key=key, partition=order["partition"])
    finally:
        await producer.stop()


def _with_trail(client: Client, ident: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    order = _one(client, ident)
    return order, ask(client, "loop_trail", {"action": order["action_id"]})


def _one(client: Client, ident: str) -> dict[str, Any]:
    found = ask(client, "loop_ticket", {"action": ident})
    if not found:
        raise UserError(f"the store has no work order {ident}")
    if len(found) > 1 and found[0]["action_id"] != ident:
        raise UserError(f"more than one work order begins with {ident}: give more of the id")
    return found[0]


def _stored(config: Settings, read: Callable[[Client], T]) -> T:
    with opened(config) as client:
        return read(client)
