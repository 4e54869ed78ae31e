"""`hark uplift`: did it help; rules in the store, or any randomised table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from models.uplift.trial import MATTERS
from ops.failures import sayable
from ops.uplift.report import SCORES, By, policy, uplift_report
from ops.uplift.table import TableError, read
from ops.uplift.text import policy_sheet, report_sheet, score_sheets, trial_sheet
from ops.uplift.trial import Trial, analyse, as_json, doubtful
from ops.wiring.store import opened
from sinks.base import SinkError
from sinks.clickhouse.client import EXPECTED, NEEDS_A_PERSON, code_of
from streams.settings import Settings


@sayable
def uplift(
    rule: Annotated[str | None, typer.Option("--rule", help="One rule of the store.")] = None,
    metric: Annotated[str | None, typer.Option("--metric", help="One metric of the store.")] = None,
    by: Annotated[str | None, typer.Option("--by", help="Segments: tier, topic or channel.")] = None,
    score: Annotated[
        str | None,
        typer.Option(
            "--score",
            help="Whom to act on, by tenth: churn, money, polarity, spend_before; a column of --csv.",
        ),
    ] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="A randomised table, not the store.")] = None,
    arm: Annotated[str | None, typer.Option("--arm", help="Column of the arms.")] = None,
    control: Annotated[str | None, typer.Option("--control", help="Value of the control arm.")] = None,
    metrics: Annotated[
        str | None, typer.Option("--metrics", help="Columns to compare: a,b,c; of words c=WORD.")
    ] = None,
    covariate: Annotated[
        str | None, typer.Option("--covariate", help="A column from before: numbers or words.")
    ] = None,
    shares: Annotated[
        str | None, typer.Option("--shares", help="Planned sizes, such as a=1,b=1,control=2; else equal.")
    ] = None,
    lower_is_better: Annotated[
        str | None, typer.Option("--lower-is-better", help="Metrics of which less is better: a,b.")
    ] = None,
    matters: Annotated[
        float, typer.Option("--matters", min=0, help="Smallest relative difference that matters.")
    ] = MATTERS,
    json_: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Say whether rules helped, or what a randomised table shows, with intervals that hold."""
    try:
        if csv is None:
            _refuse_strays({"--arm": arm, "--control": control, "--metrics": metrics, "--shares": shares})
            if score is not None:
                _policy(rule, metric, score, json_)
            else:
                _store(rule, metric, by, covariate, matters, json_)
            return
        _refuse_strays({"--rule": rule, "--metric": metric, "--by": by})
        if arm is None or control is None or metrics is None:
            raise TableError("--csv needs --arm, --control and --metrics")
        names = [name.strip() for name in metrics.split(",") if name.strip()]
        if not names:
            raise TableError("--metrics names no column")
        columns = [*names, score] if score is not None else names
        before = [covariate] if covariate is not None and covariate not in columns else []
        table = read(csv, arm, columns, control, words=before)
        trial = analyse(
            table,
            control.strip(),
            list(dict.fromkeys(names)),
            covariate=covariate,
            score=score,
            shares=None if shares is None else _shares(shares),
            matters=matters,
            lower_is_better=[name.strip() for name in (lower_is_better or "").split(",")],
        )
    except (TableError, SinkError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    except EXPECTED as error:
        cure = NEEDS_A_PERSON.get(code_of(error) or 0, "is it up? look at HARK_CLICKHOUSE_URL")
        typer.echo(f"ClickHouse did not answer the question: {cure}", err=True)
        raise typer.Exit(1) from None
    if trial.srm.blocked and shares is None:
        typer.echo("equal arms were expected; if other sizes were planned, say so with --shares", err=True)
    for sentence in doubtful(trial, covariate):
        typer.echo(sentence, err=True)
    _print_trial(trial, control.strip(), score, table.left_out, json_)


def _store(
    rule: str | None, metric: str | None, by: str | None, covariate: str | None, matters: float, json_: bool
) -> None:
    segments: dict[str | None, By | None] = {
        None: None,
        "tier": "tier",
        "topic": "topic",
        "channel": "channel",
    }
    if by not in segments:
        raise TableError("--by takes tier, topic or channel")
    if covariate not in (None, *SCORES):
        raise TableError("--covariate takes churn, money, polarity or spend_before for rules")
    with opened(Settings()) as client:
        segment = None if by is None else segments[by]
        rows = uplift_report(client, rule, metric, segment, covariate=covariate or "churn", matters=matters)
    if json_:
        _emit({"rules": rows})
    elif rows:
        _console().print(report_sheet(rows))
    else:
        typer.echo("no decisions with an outcome yet: nothing to compare", err=True)


def _policy(rule: str | None, metric: str | None, score: str, json_: bool) -> None:
    if rule is None or metric is None:
        raise TableError("--score needs --rule and --metric")
    if score not in SCORES:
        raise TableError("--score takes churn, money, polarity or spend_before")
    with opened(Settings()) as client:
        found = policy(client, rule, metric, score)
    if found is None:
        typer.echo("no decisions with an outcome yet: nothing to compare", err=True)
    elif json_:
        _emit({"rule": rule, "metric": metric, "score": {"name": score} | found})
    else:
        _console().print(policy_sheet(found, score))


def _print_trial(trial: Trial, control: str, score: str | None, left_out: int, json_: bool) -> None:
    if left_out:
        typer.echo(f"{left_out} rows without an arm are left out", err=True)
    if json_:
        _emit(as_json(trial))
    else:
        console = _console()
        console.print(trial_sheet(trial, control))
        for sheet in score_sheets(trial, score or ""):
            console.print(sheet)


def _emit(value: dict[str, Any]) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, allow_nan=False))


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=200)


def _shares(text: str) -> dict[str, float]:
    shares: dict[str, float] = {}
    for part in text.split(","):
        name, _, weight = part.rpartition("=")
        try:
            shares[name.strip()] = float(weight)
        except ValueError:
            raise TableError("--shares looks like a=1,b=1,control=2") from None
    return shares


def _refuse_strays(options: dict[str, str | None]) -> None:
    strays = [name for name, value in options.items() if value is not None]
    if strays:
        where = (
            "with --csv" if strays[0] in ("--arm", "--control", "--metrics", "--shares") else "without --csv"
        )
        raise TableError(f"{', '.join(strays)} can only be used {where}")
