"""What the simulated world knows and Hark must find out: each rule's true effect on staying."""

from __future__ import annotations

from collections import defaultdict

from ops.simulator.world import EFFECTS, World
from sinks.clickhouse.client import Client

METRIC = "retained"


def true_effects(client: Client, world: World) -> dict[tuple[str, str], float]:
    """Return the mean true change of the chance to stay by rule, over both arms.

    For a customer who was acted on it is the chance with all actions received less the chance without
    this rule's; for one held out, the chance with this rule's action added less the chance as it was.
    """
    rows = client.query(
        "SELECT rule_id, action_kind, customer_id, any(arm) FROM decisions WHERE arm IN ('acted', 'holdout') "
        "GROUP BY rule_id, action_kind, customer_id SETTINGS final = 1"
    ).result_rows
    drawn = {outcome.customer_id: outcome for outcome in world.drawn}
    found: dict[str, list[float]] = defaultdict(list)
    for rule, kind, customer, arm in rows:
        outcome = drawn.get(customer)
        if outcome is None:
            continue
        effect = EFFECTS.get(kind, 0.0)
        total = outcome.base + sum(part for _, _, part in outcome.received)
        had = any(name == rule for name, _, _ in outcome.received)
        if arm == "acted" and had:
            found[rule].append(_clip(total) - _clip(total - effect))
        elif arm == "holdout":
            found[rule].append(_clip(total + effect) - _clip(total))
    return {(rule, METRIC): sum(values) / len(values) for rule, values in found.items()}


def _clip(chance: float) -> float:
    return min(0.98, max(0.02, chance))
