"""`hark erase`: forget a customer."""

from __future__ import annotations

from typing import Annotated

import typer

from models.intake.privacy import FieldMask
from ops.erase import EraseError
from ops.erase import erase as erase_customer
from ops.failures import UserError, run, sayable, settings
from ops.wiring.store import opened
from streams.masking import masker


@sayable
def erase(
    customer: Annotated[str, typer.Argument(help="The customer's id, as producers send it.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    timeout: Annotated[float, typer.Option("--timeout", min=1, help="Longest wait for workers, s.")] = 120.0,
    broker: Annotated[str | None, typer.Option("--broker", help="Instead of HARK_BROKER.")] = None,
    url: Annotated[str | None, typer.Option("--url", help="Instead of HARK_CLICKHOUSE_URL.")] = None,
) -> None:
    """Erase a customer: profile, windows, features, pending labels, links and rows."""
    config = settings(broker=broker, clickhouse_url=url)
    mask = FieldMask(masker(config))
    if not yes:
        typer.confirm("Erase everything about this customer? There is no way back", abort=True)
    with opened(config) as client:
        quiet = config.archive_linger_s + 2.0
        try:
            done = run(erase_customer(config, client, mask, customer, timeout=timeout, quiet=quiet))
        except EraseError as error:
            raise UserError(str(error)) from None
    rows = ", ".join(f"{count:,} of {table}" for table, count in sorted(done.rows.items())) or "none"
    typer.echo(f"erased under {done.names} names: {done.links} links; rows: {rows}")
    typer.echo("aggregates stay, and topics until their retention ends: see ops/docs/erasure.md")
