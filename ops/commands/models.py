"""`hark models`: which versions serve and are held, and what people say about challengers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from models.scoring.targets import MODELS
from ops.failures import UserError, sayable, settings
from ops.wiring.log import send
from ops.wiring.store import opened
from ops.wiring.versions import Version, versions
from sinks.clickhouse.queries import ask
from streams.codec import dumps
from streams.outbox import Outbox
from streams.settings import Settings
from streams.topics import EXAMPLES, ORDER

app = typer.Typer(no_args_is_help=True, help="Versions of the models, challengers, going back.")
out = Console(soft_wrap=True, highlight=False, markup=False)

_FIGURES = ("accuracy", "auc", "log_loss", "brier")

Model = Annotated[str, typer.Argument(help=f"One of {', '.join(MODELS)}.")]
Author = Annotated[str, typer.Option("--author", help="Who decides.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


@app.command("list")
@sayable
def list_(as_json: AsJson = False) -> None:
    """List every model: the version that serves, its challenger, and versions to go back to."""
    held = _by_model(versions(settings()))
    found = [_summary(model, held[model]) if model in held else _shipped(model) for model in MODELS]
    if as_json:
        typer.echo(json.dumps({"models": found}))
        return
    table = Table("model", "serves", "challenger", "since (UTC)", "kB", "held as well")
    for row in found:
        earlier = ", ".join(map(str, row["earlier"]))
        table.add_row(
            row["model"],
            str(row["version"] or "as shipped"),
            row["challenger"],
            row["created"] or "–",
            str(row["kilobytes"] or "–"),
            earlier,
        )
    out.print(table)


@app.command()
@sayable
def show(model: Model, as_json: AsJson = False) -> None:
    """Show a model's figures, its challenger's, and every version held with its slot and size."""
    config = settings()
    held = _held(config, model)
    summary = _summary(model, held)
    # A challenger's last figures stay in the store when it is gone.
    roles = ("champion",) if summary["challenger"] == "none" else ("champion", "challenger")
    figures = [row for row in _figures(config) if row["model"] == model and row["role"] in roles]
    rows: list[dict[str, Any]] = [
        {
            "version": entry.snapshot.version,
            "created": _time(entry.snapshot.created_at),
            "offset": entry.snapshot.offset,
            "bytes": entry.size,
            "where": entry.where,
        }
        for entry in held
    ]
    if as_json:
        typer.echo(json.dumps({**summary, "figures": figures, "versions": rows}))
        return
    for row in figures:
        parts = (f"{name} {row[name]:.4f}" for name in _FIGURES if row[name] is not None)
        out.print(f"{row['role']}: {row['examples']} examples, {', '.join(parts)}")
    out.print(f"challenger: {summary['challenger']}")
    for row in rows:
        out.print(
            f"version {row['version']} of {row['created']}: learned up to offset {row['offset']}, "
            f"{row['bytes'] // 1000} kB, {row['where']}"
        )


@app.command()
@sayable
def promote(model: Model, author: Author) -> None:
    """Let a challenger that is proven better serve."""
    if not _summary(model, _held(settings(), model))["proven"]:
        raise UserError(f"{model} has no challenger proven better")
    _order(model, {"do": "promote", "by": author})


@app.command()
@sayable
def retire(model: Model, author: Author) -> None:
    """Drop a challenger."""
    if _summary(model, _held(settings(), model))["challenger"] == "none":
        raise UserError(f"{model} has no challenger")
    _order(model, {"do": "retire", "by": author})


@app.command()
@sayable
def rollback(
    model: Model,
    author: Author,
    version: Annotated[
        int | None,
        typer.Option("--to", help="A version held; the champion before the last change if not given."),
    ] = None,
) -> None:
    """Serve an earlier version again, published as a new version, and go on learning from it."""
    held = _held(settings(), model)
    if version is None and held[0].snapshot.state.get("champion.previous") is None:
        raise UserError(f"{model} has had one champion only: name a version with --to")
    if version is not None and version not in [entry.snapshot.version for entry in _earlier(held)]:
        known = ", ".join(str(entry.snapshot.version) for entry in _earlier(held)) or "none"
        raise UserError(f"version {version} of {model} is not held; held are: {known}")
    _order(model, {"do": "rollback", "by": author, "version": version})


def _order(model: str, order: dict[str, Any]) -> None:
    """Put an order among the model's examples, so that a learner that repeats them repeats it too."""

    def fill(box: Outbox) -> None:
        box.placed(EXAMPLES, MODELS.index(model), model.encode(), dumps({ORDER: order}))

    send(settings(), fill)
    out.print(f"{order['do']} of {model} asked for; the learner does it and says so in alerts")


def _held(config: Settings, model: str) -> list[Version]:
    if model not in MODELS:
        raise UserError(f"no model is called {model}: choose of {', '.join(MODELS)}")
    if not (found := versions(config, model)):
        raise UserError(f"no version of {model} has been published yet: the shipped one serves")
    return found


def _by_model(found: list[Version]) -> dict[str, list[Version]]:
    return {model: mine for model in MODELS if (mine := [v for v in found if v.snapshot.model == model])}


def _earlier(held: list[Version]) -> list[Version]:
    """Return the versions the learner can go back to: it reads `models.history` only."""
    return [entry for entry in held if entry.where.startswith("models.history")]


def _summary(model: str, held: list[Version]) -> dict[str, Any]:
    newest = held[0]
    state = newest.snapshot.state
    challenger, proven = state.get("champion.challenger") is not None, bool(state.get("champion.proven"))
    said = "none" if not challenger else "proven better, waits for approval" if proven else "being tried"
    return {
        "model": model,
        "version": newest.snapshot.version,
        "challenger": said,
        "proven": proven and challenger,
        "created": _time(newest.snapshot.created_at),
        "kilobytes": newest.size // 1000,
        "earlier": [entry.snapshot.version for entry in _earlier(held) if not entry.newest],
    }


def _shipped(model: str) -> dict[str, Any]:
    """Return the summary of a model that has learned nothing yet."""
    nothing = {"challenger": "none", "proven": False, "created": None, "kilobytes": 0, "earlier": []}
    return {"model": model, "version": 0, **nothing}


def _figures(config: Settings) -> list[dict[str, Any]]:
    with opened(config) as client:
        return ask(client, "models_now")


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
