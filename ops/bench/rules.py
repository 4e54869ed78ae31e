"""What 100 rules cost an event: `python -m ops.bench.rules`, CPU µs, medians of 15 runs.

The conditions share their parts as a catalogue's do and differ in a threshold, so every one is judged.
"""

from __future__ import annotations

import statistics
import sys
import time
from typing import Any

from rules.conditions import Conditions, Expression
from rules.environment import Environment

RULES, RUNS, EVENTS = 100, 15, 400
RECORD: dict[str, Any] = {
    "scores": {"polarity": -0.8, "topics": ["logistics.delay", "service.attitude"], "kind": "complaint"},
    "customer": {"tier": "gold", "lifetime_value": 2000.0},
}
CONDITION = (
    "customer.tier in ['gold','platinum'] && scores.polarity < -0.3 && windows.w >= 3 && "
    "scores.kind == 'complaint' && customer.lifetime_value > {n}.0"
)
FORMS = {
    "all hold": CONDITION,
    "none holds": CONDITION.replace("'complaint'", "'praise'"),
    "all hold, a list shared": CONDITION + " && scores.topics.exists(t, t.startsWith('logistics.'))",
    "all hold, each its own part for CEL": CONDITION + " && scores.topics.size() + {n} > 1",
}


def cost(form: str) -> tuple[float, int]:
    """Return median CPU µs an event of 100 rules of a form, and how many of them hold."""

    def failed(rule: str, error: Exception) -> None:
        raise ValueError(f"{rule} failed") from error

    rules = [(f"r{n}", Expression(form.replace("{n}", str(n)))) for n in range(RULES)]
    conditions = Conditions(rules, failed)
    spent = []
    for _ in range(RUNS):
        began = time.process_time()
        for _ in range(EVENTS):
            held = conditions.eligible(Environment(RECORD, lambda key, env: 5, dict))
        spent.append((time.process_time() - began) / EVENTS * 1e6)
    return statistics.median(spent), len(held)


def main() -> None:
    """Print a line a form."""
    for name, form in FORMS.items():
        us, held = cost(form)
        sys.stdout.write(f"{RULES} rules, {name}: {us:.1f} µs an event, {held} hold\n")


if __name__ == "__main__":
    main()
