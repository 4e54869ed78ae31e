"""`hark eval watch`: shifts and outbreaks put into simulated worlds, and how soon the watches find them.

The truth is the simulator's: the day a share of the dissatisfied turn ironic, the hour an issue nobody
spoke of breaks out. What is run is the product's own: a `Trainer`, which predicts, learns and watches its
error, and a `BurstDetector`.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator
from typing import Annotated, Any

import orjson
import typer

from models.intake.rating import polarity_of
from models.scoring.targets import SENTIMENT
from models.topics.emerging import BurstDetector
from models.training import Trainer
from ops.simulator.shift import HOUR_MS, Shift
from ops.simulator.world import DAY_MS, World
from streams.topics import FEEDBACK_RAW

START_MS = 1_750_003_200_000
_DAYS, _TURN, _HOUR = 28, 20, 13
_OUTBREAK = ("杯盖", "裂开", "漏", "lid", "crack", "leak", "tea everywhere")
_WEEK_MS = 7 * DAY_MS


def said(world: World) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (day, event) of every valid feedback of a world once, in the order of its publishing."""
    met: set[str] = set()
    for day in range(world.days):
        for record in world.day(day):
            if record.topic == FEEDBACK_RAW and record.ident is not None and record.ident not in met:
                met.add(record.ident)
                yield day, orjson.loads(record.value)


def drift_delay(seed: int, feedback: int) -> tuple[int | None, int]:
    """Return labelled events from the shift to the first alert of it, None if missed, and alerts before."""
    world = World(seed, feedback, START_MS, _DAYS, shift=Shift("irony", _TURN))
    since = early = 0
    for day, found in _alerts(world):
        since += day >= _TURN
        if found and day < _TURN:
            early += 1
        elif found:
            return since, early
    return None, early


def false_alarms(seed: int, labels: int) -> int:
    """Return drift alerts among the first `labels` labelled events of worlds in which nothing turns."""
    alarms = count = 0
    trainer = Trainer(SENTIMENT)
    while True:
        for _, found in _alerts(World(seed, labels, START_MS, _DAYS), trainer, count):
            alarms += found
            count += 1
            if count == labels:
                return alarms
        seed += 1


def _alerts(world: World, trainer: Trainer | None = None, first: int = 0) -> Iterator[tuple[int, bool]]:
    """Yield (day, whether drift of the error was told) for each rated feedback."""
    trainer, number = trainer or Trainer(SENTIMENT), first
    for day, event in said(world):
        label = polarity_of(event["rating"], "stars") if event.get("rating") is not None else None
        if label is None:
            continue
        example = {"from": [0, number, 0], "text": event["text"], "label": float(label)}
        found = trainer.step(example | {"lang": event.get("lang", "")}, number, event["occurred_at"] / 1000.0)
        yield day, any(one.kind == "drift" for one in found)
        number += 1


def outbreak(seed: int, feedback: int) -> tuple[float | None, int]:
    """Return hours from an outbreak's onset to its burst, None if missed, and bursts of anything else."""
    world = World(seed, feedback, START_MS, _DAYS, shift=Shift("outbreak", _TURN, hour=_HOUR))
    onset, detector = START_MS + _TURN * DAY_MS + _HOUR * HOUR_MS, BurstDetector(bits=13)
    delay, false = None, 0
    for _, event in said(world):
        who, at = event.get("customer_id") or event["author"], event["occurred_at"] / 1000.0
        for burst in detector.step(event["text"], event.get("lang", ""), who, at):
            about = any(word in phrase for phrase in burst.phrases for word in _OUTBREAK)
            if not about or burst.at * 1000 < onset:
                false += 1
            elif delay is None:
                delay = round((burst.at * 1000 - onset) / HOUR_MS, 2)
    return delay, false


def run(seeds: int = 7, feedback: int = 12_000, quiet: int = 0) -> dict[str, Any]:
    """Return how soon shifts and outbreaks were found and how often they were invented.

    Parameters
    ----------
    seeds
        Worlds with a shift, and as many with an outbreak.
    feedback
        Events of each, over 28 days; three in ten of the opinions carry a rating.
    quiet
        Labelled events of worlds in which nothing turns; 0 leaves them out.
    """
    drifts = [drift_delay(seed, feedback) for seed in range(1, seeds + 1)]
    bursts = [outbreak(seed, feedback) for seed in range(1, seeds + 1)]
    delays = [delay for delay, _ in drifts if delay is not None]
    hours = [delay for delay, _ in bursts if delay is not None]
    out: dict[str, Any] = {
        "worlds": seeds,
        "drift": {
            "median_labelled_events": statistics.median(delays) if delays else None,
            "longest": max(delays, default=None),
            "missed": seeds - len(delays),
            "early_alarms": sum(early for _, early in drifts),
        },
        "outbreaks": {
            "median_hours": statistics.median(hours) if hours else None,
            "longest": max(hours, default=None),
            "missed": seeds - len(hours),
            "false_alarms_a_week": round(sum(n for _, n in bursts) / (seeds * _DAYS * DAY_MS / _WEEK_MS), 3),
        },
    }
    if quiet:
        out["drift"]["quiet_labelled_events"] = quiet
        out["drift"]["false_alarms"] = false_alarms(1_000, quiet)
    return out


def watch(
    seeds: Annotated[int, typer.Option(min=1, help="Worlds with a shift, and with an outbreak.")] = 7,
    feedback: Annotated[int, typer.Option(min=2000, help="Events of each world.")] = 12_000,
    quiet: Annotated[
        int, typer.Option(min=0, help="Labelled events without any shift; 100000 takes minutes.")
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object")] = False,
) -> None:
    """Put shifts and outbreaks into simulated worlds and say how soon they are found."""
    found = run(seeds, feedback, quiet)
    if as_json:
        typer.echo(json.dumps(found))
        return
    for name in ("drift", "outbreaks"):
        typer.echo(f"{name:>10}  " + "  ".join(f"{key} {value}" for key, value in found[name].items()))
