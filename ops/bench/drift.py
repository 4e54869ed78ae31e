"""Drift detection measured beside River's ADWIN: `python -m ops.bench.drift [--seeds N]`."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from typing import Annotated, Any

import typer
from river import drift

from models.drift.watch import Watch

SHIFT_AT = 5_000
AFTER = 2_000
QUIET = 100_000

Detector = Callable[[], Callable[[float, int], bool]]


def bernoulli(
    seed: int, n: int, shift_at: int | None, before: float = 0.1, after: float = 0.3
) -> list[float]:
    """Return a 0/1 error stream whose rate moves from `before` to `after` at `shift_at`."""
    rng = random.Random(seed)
    return [
        float(rng.random() < (after if shift_at is not None and i >= shift_at else before)) for i in range(n)
    ]


def _watch() -> Callable[[float, int], bool]:
    watch = Watch("bench")
    return lambda value, i: watch.update("error", value, float(i)) is not None


def _river() -> Callable[[float, int], bool]:
    detector = drift.ADWIN()

    def update(value: float, _: int) -> bool:
        detector.update(value)
        return bool(detector.drift_detected)

    return update


DETECTORS: dict[str, Detector] = {"watch": _watch, "river_adwin": _river}


def measure(make: Detector, seeds: int = 20, quiet: int = QUIET) -> dict[str, Any]:
    """Return median delay, misses, early alarms, false alarms in `quiet` events and µs an update.

    Parameters
    ----------
    make
        Returns a fresh detector: called with a value and its number, it tells whether it alarms.
    seeds
        Streams with a shift at 5,000.
    quiet
        Length of one stream without any.
    """
    delays: list[int] = []
    missed = early = 0
    for seed in range(seeds):
        update = make()
        alarms = [i for i, x in enumerate(bernoulli(seed, SHIFT_AT + AFTER, SHIFT_AT)) if update(x, i)]
        early += sum(i < SHIFT_AT for i in alarms)
        late = [i - SHIFT_AT for i in alarms if i >= SHIFT_AT]
        missed += not late
        delays += late[:1]
    update, stream = make(), bernoulli(1_000, quiet, None)
    begun = time.process_time()
    false = sum(update(x, i) for i, x in enumerate(stream))
    cost = (time.process_time() - begun) / quiet * 1e6
    return {
        "median_delay": statistics.median(delays) if delays else None,
        "longest_delay": max(delays, default=None),
        "missed": missed,
        "early_alarms": early,
        f"false_alarms_in_{quiet}": false,
        "us_per_update": round(cost, 2),
    }


def run(seeds: int = 20) -> dict[str, dict[str, Any]]:
    """Return `measure` of every detector."""
    return {name: measure(make, seeds) for name, make in DETECTORS.items()}


def bench_drift(seeds: Annotated[int, typer.Option(min=1, help="Streams with a shift.")] = 20) -> None:
    """Measure how soon drift is found and how often it is invented."""
    for name, found in run(seeds).items():
        typer.echo(f"{name:>12}  " + "  ".join(f"{key} {value}" for key, value in found.items()))


if __name__ == "__main__":
    typer.run(bench_drift)
