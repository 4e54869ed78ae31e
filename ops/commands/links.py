"""`hark links`: join a channel handle to a customer, or part them again."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
import typer
from pydantic import ValidationError

from models.clock import SystemClock
from models.events import Link
from models.events.base import Channel
from ops.failures import UserError, sayable, settings
from ops.wiring.log import send
from streams.codec import iso
from streams.outbox import Outbox
from streams.topics import CUSTOMER_LINKS

app = typer.Typer(no_args_is_help=True, help="Which channel handle belongs to which customer.")

ChannelOption = Annotated[Channel, typer.Option("--channel", help="Where the handle is used.")]
AuthorOption = Annotated[
    str, typer.Option("--author", help="The handle as feedback names it; - reads it from standard input.")
]


@app.command()
@sayable
def put(
    channel: ChannelOption,
    author: AuthorOption,
    customer: Annotated[str, typer.Option("--customer", help="The customer's id.")],
    basis: Annotated[str | None, typer.Option("--basis", help="What the consent rests on.")] = None,
    at: Annotated[
        datetime | None, typer.Option("--at", help="When it was given, UTC; now if not said.")
    ] = None,
) -> None:
    """Join a handle to a customer who agreed to it: what it says counts for the customer from now on."""
    _publish([link(channel, _handle(author), customer, "granted", basis, at)])
    typer.echo("joined; workers follow within seconds")


@app.command()
@sayable
def remove(
    channel: ChannelOption,
    author: AuthorOption,
    basis: Annotated[str | None, typer.Option("--basis", help="Why it was withdrawn.")] = None,
    forget: Annotated[
        bool, typer.Option("--forget/--keep", help="Also let compaction drop the handle from the topic.")
    ] = True,
) -> None:
    """Part a handle from its customer: it is a voice of its own again, and old links do not come back."""
    handle = _handle(author)
    gone = link(channel, handle, None, "withdrawn", basis, None)
    _publish([gone, (gone[0], None)] if forget else [gone])
    typer.echo("parted; workers follow within seconds")


def link(
    channel: Channel, author: str, customer: str | None, consent: str, basis: str | None, at: datetime | None
) -> tuple[bytes, bytes | None]:
    """Return a record of `customers.links`, checked against its contract.

    Raises
    ------
    UserError
        If a field does not fit; the message holds no value of it.
    """
    now = int(SystemClock().now() * 1000)
    said = at if at is None or at.tzinfo is not None else at.replace(tzinfo=UTC)
    value: dict[str, Any] = {
        "channel": channel.value,
        "author": author,
        "customer_id": customer,
        "consent": consent,
        "occurred_at": iso(now if said is None else int(said.timestamp() * 1000)),
    }
    if basis is not None:
        value["basis"] = basis
    try:
        Link.model_validate(value)
    except ValidationError as error:
        fields = sorted({str(one["loc"][0]) for one in error.errors(include_input=False)})
        raise UserError(f"the {' and the '.join(fields)} cannot be used; see contracts/Link.json") from None
    return f"{channel.value}:{author}".encode(), orjson.dumps(value)


def _handle(author: str) -> str:
    found = sys.stdin.readline().strip() if author == "-" else author.strip()
    if not found:
        raise UserError("--author is empty")
    return found


def _publish(records: list[tuple[bytes, bytes | None]]) -> None:
    def fill(out: Outbox) -> None:
        for key, value in records:
            out.placed(CUSTOMER_LINKS, 0, key, value)

    send(settings(), fill)
