"""`hark rules`: check, test, try, publish, pause, roll back and explain rules."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

import rules
from models.clock import Clock, SystemClock
from ops.commands.rules_text import moment, nearest, show_backtest, show_difference
from ops.failures import UserError, sayable
from rules.backtest import backtest
from rules.cases import run_cases
from rules.checks import check_folder
from rules.describe import fill
from rules.engine import Engine
from rules.limits import load_limits
from rules.loader import Catalog, load_catalog
from rules.publish import CatalogRecord, Publisher, PublishError, Publishing
from rules.source import RuleError, read_file
from rules.state import CustomerState, PartitionState, short
from rules.why import Kept, explain, recall

CATALOG = Path(rules.__file__).parent / "catalog"
LIMITS = Path(rules.__file__).parent / "limits.yaml"

app = typer.Typer(no_args_is_help=True, help="Check, test, try, publish and explain rules.")
out = Console(soft_wrap=True, highlight=False, markup=False)

Folder = Annotated[Path, typer.Argument(help="Folder of rules and cases.", exists=True, file_okay=False)]
LiveFolder = Annotated[
    Path | None, typer.Option("--live", help="Rules in force; the broker's if not given.", file_okay=False)
]
LimitsFile = Annotated[Path, typer.Option("--limits", help="Limits over all rules.", dir_okay=False)]
Author = Annotated[str, typer.Option("--author", help="Who makes the change.")]
Comment = Annotated[str, typer.Option("--comment", help="Why.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


class Wiring:
    """What the command line connects to; set once by `ops.cli`.

    Attributes
    ----------
    publisher
        Opens the topic `rules.catalog`.
    decisions
        Reads a customer's stored decisions, each with the id of its feedback or event.
    history
        Reads scored records back from the store, newest last; the argument is a customer or None.
    needs_approval
        Whether a rule waits for a second person.
    clock
        Time of the changes.
    """

    publisher: Callable[[], Publisher] | None = None
    history: Callable[[str | None], Iterable[dict[str, Any]]] | None = None
    decisions: Callable[[str], Iterable[tuple[str, Kept]]] | None = None
    needs_approval: bool = False
    clock: Clock = SystemClock()


wiring = Wiring()


@app.command()
@sayable
def lint(folder: Folder = CATALOG) -> None:
    """Check every rule: file, line and one sentence for each problem."""
    problems = check_folder(folder)
    for problem in problems:
        out.print(str(problem))
    if problems:
        raise typer.Exit(1)
    out.print(f"{len(load_catalog(folder).rules)} rules, no problems")


@app.command()
@sayable
def test(
    folder: Folder = CATALOG,
    rule: Annotated[str | None, typer.Option("--rule", help="One rule only.")] = None,
) -> None:
    """Run the cases that stand beside the rules."""
    catalog = load_catalog(folder)
    results = [result for result in run_cases(folder, catalog) if rule in (None, result.rule_id)]
    if not results:
        raise UserError("no cases were found" + (f" for {rule}" if rule else ""))
    failed = 0
    for result in results:
        for problem in result.problems:
            out.print(str(problem))
        failed += bool(result.problems)
    out.print(f"{len(results)} cases of {len({r.rule_id for r in results})} rules, {failed} failed")
    if failed:
        raise typer.Exit(1)


@app.command("backtest")
@sayable
def backtest_command(
    source: Annotated[str, typer.Option("--from", help='JSONL(.gz) of scored records, or "store".')],
    folder: Folder = CATALOG,
    rule: Annotated[str | None, typer.Option("--rule", help="Report one rule only.")] = None,
    live: LiveFolder = None,
    limits: LimitsFile = LIMITS,
    as_json: AsJson = False,
) -> None:
    """Say how often rules would have fired on past records, on whom and at what cost."""
    in_force = _live(live, folder)
    result = backtest(_records(source), load_catalog(folder), in_force, load_limits(limits), rule)
    if as_json:
        typer.echo(json.dumps(result.to_json(), ensure_ascii=False))
    else:
        show_backtest(out, result)


@app.command()
@sayable
def diff(folder: Folder = CATALOG, live: LiveFolder = None) -> None:
    """Show what would change if the folder were published."""
    changes = show_difference(out, load_catalog(folder), _live(live, None))
    if not changes:
        out.print("no difference")


@app.command()
@sayable
def document(
    file: Annotated[Path, typer.Argument(help="Markdown with the markers.", exists=True, dir_okay=False)],
    folder: Folder = CATALOG,
) -> None:
    """Bring the tables of rules and fields in a document up to date."""
    text = file.read_text(encoding="utf-8")
    new = fill(text, load_catalog(folder))
    file.write_text(new, encoding="utf-8")
    out.print("no difference" if new == text else f"{file.name} is up to date now")


@app.command()
@sayable
def publish(
    file: Annotated[Path, typer.Argument(help="The rule's file.", exists=True, dir_okay=False)],
    author: Author,
    comment: Comment = "",
) -> None:
    """Send one rule to the workers, after every check and case of it has passed."""
    folder = file.parent
    problems = [p for p in check_folder(folder) if p.file.startswith(file.stem)]
    if not problems:
        results = run_cases(folder, load_catalog(folder))
        problems = [p for r in results if r.rule_id == file.stem for p in r.problems]
    if problems:
        raise RuleError(problems)
    _change(lambda service, at: service.publish(read_file(file), author, at, comment))


@app.command()
@sayable
def approve(rule: str, author: Author, comment: Comment = "") -> None:
    """Put a proposed version in force; its author cannot."""
    _change(lambda service, at: service.approve(rule, author, at, comment))


@app.command()
@sayable
def pause(rule: str, author: Author, comment: Comment = "") -> None:
    """Stop a rule at once; its windows go on."""
    _change(lambda service, at: service.pause(rule, author, at, comment))


@app.command()
@sayable
def resume(rule: str, author: Author, comment: Comment = "") -> None:
    """Let a paused rule act again."""
    _change(lambda service, at: service.resume(rule, author, at, comment))


@app.command()
@sayable
def rollback(
    rule: str,
    author: Author,
    version: Annotated[int | None, typer.Option("--to", help="Version; the one before by default.")] = None,
    comment: Comment = "",
) -> None:
    """Put an earlier version in force again, at once."""
    _change(lambda service, at: service.rollback(rule, author, at, version, comment))


@app.command()
@sayable
def why(
    customer: str,
    source: Annotated[
        str, typer.Option("--from", help='JSONL(.gz) of scored records, or "store".')
    ] = "store",
    rule: Annotated[str | None, typer.Option("--rule", help="One rule only.")] = None,
    last: Annotated[int, typer.Option("--last", help="How many events to explain.", min=1)] = 3,
    folder: Annotated[
        Path | None,
        typer.Argument(help="Folder of rules; those in force if not given.", exists=True, file_okay=False),
    ] = None,
    limits: LimitsFile = LIMITS,
) -> None:
    """Explain each rule's condition at a customer's last events, and the limit that stopped it.

    The customer's events are played again through the rules; what was decided then is read from the store,
    so that budgets and caps spent by others count. From a file everything is worked out again.
    """
    # A file has no broker beside it; its records meet the shipped rules unless a folder is named.
    catalog = _live(folder if source == "store" else folder or CATALOG, None)
    if rule is not None and rule not in catalog.rules:
        raise UserError(f"there is no rule {rule}")
    records = [record for record in _records(source, customer) if record["customer_id"] == customer]
    if not records:
        raise UserError(f"no events of {customer} were found")
    kept: dict[str, list[Kept]] = {}
    if source == "store" and wiring.decisions is not None:
        for identity, one in wiring.decisions(customer):
            kept.setdefault(identity, []).append(one)
    engine = Engine(catalog, load_limits(limits))
    states: dict[str, CustomerState] = {}
    partition = PartitionState(0, 1)
    for position, record in enumerate(records):
        engine.process(record, states, partition, record["received_at"])
        identity = record["feedback_id"] if record["event"] == "feedback" else record["id"]
        state, then = states.get(customer, CustomerState()), kept.get(identity, [])
        recall(state, short(identity), then)
        if position < len(records) - last:
            continue
        out.print(f"{record['event']} {identity}, {moment(record['occurred_at'])}")
        for explanation in sorted(explain(engine, record, state, partition, rule, then), key=nearest):
            for line in explanation.lines():
                out.print("  " + line)


def _live(folder: Path | None, otherwise: Path | None) -> Catalog:
    """Return the rules in force: of a folder, of the broker, or of the shipped catalogue."""
    if folder is not None:
        return load_catalog(folder)
    if wiring.publisher is not None:
        published = Publishing(wiring.publisher()).in_force()
        if published:
            return Catalog.of(record.load() for record in published.values())
    return load_catalog(otherwise or CATALOG)


def _records(source: str, customer: str | None = None) -> Iterator[dict[str, Any]]:
    if source == "store":
        if wiring.history is None:
            raise UserError("no store is connected; give a file with --from FILE")
        yield from wiring.history(customer)
        return
    path = Path(source)
    if not path.is_file():
        raise UserError(f"{source} is not a file")
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    for number, line in enumerate(data.splitlines(), 1):
        if line.strip():
            yield _record(line, f"{path.name}:{number}")


def _record(line: bytes, where: str) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads(line)
        complete = record.keys() >= {"event", "customer_id", "occurred_at", "received_at"}
    except (ValueError, AttributeError):
        complete = False
    if not complete:
        raise UserError(f"{where}: not a scored record or fact as JSON")
    return record


def _change(make: Callable[[Publishing, int], CatalogRecord]) -> None:
    if wiring.publisher is None:
        raise UserError("no broker is connected; set its address in the settings")
    service = Publishing(wiring.publisher(), wiring.needs_approval)
    try:
        record = make(service, int(wiring.clock.now() * 1000))
    except PublishError as error:
        raise UserError(str(error)) from error
    waits = ", waits for approval" if record.state == "proposed" else ""
    out.print(f"{record.change} {record.rule_id} version {record.version} by {record.author}{waits}")
