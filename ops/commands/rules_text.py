"""What `hark rules` prints: backtests and differences."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from rules.backtest import Backtest
from rules.loader import Catalog
from rules.why import Explanation


def show_backtest(out: Console, result: Backtest) -> None:
    """Print a few lines a rule that fired, or fires where it is live, and the others by name."""
    out.print(
        f"{result.records} records over {result.days:.1f} days; in brackets what is live where it differs"
    )
    quiet = []
    for rule_id, entry in result.to_json()["rules"].items():
        live = entry.get("live") or {}
        if entry["eligible"] or live.get("eligible"):
            for line in _fired(rule_id, entry, live):
                out.print(line)
        else:
            quiet.append(rule_id)
    if quiet:
        out.print(f"never eligible: {', '.join(quiet)}")
    for name, count in result.failures.items():
        out.print(f"{name}: {count} times")


def _fired(rule_id: str, entry: Mapping[str, Any], live: Mapping[str, Any]) -> Iterator[str]:
    arms, before = entry["arms"], live.get("arms", {})
    yield (
        f"{rule_id}: eligible {_against(entry['eligible'], live.get('eligible'))}, "
        f"acted {_against(arms.get('acted', 0), before.get('acted', 0) if live else None)} "
        f"on {_against(entry['customers'], live.get('customers'))} customers, "
        f"held out {_against(arms.get('holdout', 0), before.get('holdout', 0) if live else None)}, "
        f"cost {_against(entry['cost'], live.get('cost'))}"
    )
    outcomes = entry["outcomes"].items()
    parts = {
        "limits": _counts(entry["suppressed"]),
        "in shadow": str(arms.get("shadow", 0) or ""),
        "tiers": _counts(entry["tiers"]),
        "such as": ", ".join(entry["who"]),
        "other rules on the same records": _counts(entry["overlap"]),
        "known outcomes": ", ".join(f"{name} {item['mean']} of {item['n']}" for name, item in outcomes),
    }
    if live and (entry["only_here"] or entry["only_live"]):
        parts["against live"] = f"acts {entry['only_here']} times more, {entry['only_live']} times no more"
    yield from (f"  {name}: {text}" for name, text in parts.items() if text)


def shadow_lines(row: Mapping[str, Any]) -> Iterator[str]:
    """Lay out a row of `shadow.sql` as a backtest is laid out."""
    yield (
        f"{row['rule']}: eligible {row['eligible']}, would act {row['would_act']} "
        f"on {row['customers']} customers, cost {row['cost']}"
    )
    parts = {
        "limits": _counts(row["limits"]),
        "tiers": _counts(row["tiers"]),
        "such as": ", ".join(row["who"]),
        "other rules on the same records": _counts(row["overlap"]),
        "known outcomes": ", ".join(f"{name} {mean} of {n}" for name, (mean, n) in row["outcomes"].items()),
    }
    yield from (f"  {name}: {text}" for name, text in parts.items() if text)


def show_difference(out: Console, new: Catalog, live: Catalog) -> int:
    """Print every key that differs, rule by rule; return how many rules differ."""
    changed = 0
    for rule_id in sorted({*new.rules, *live.rules}):
        before, after = _plain(live, rule_id), _plain(new, rule_id)
        if before == after:
            continue
        changed += 1
        if before is None or after is None:
            out.print(f"{rule_id}: {'new' if before is None else 'only in force'}")
            continue
        out.print(f"{rule_id}:")
        for key in sorted({*before, *after}):
            if before.get(key) != after.get(key):
                out.print(f"  - {key}: {json.dumps(before.get(key), ensure_ascii=False)}")
                out.print(f"  + {key}: {json.dumps(after.get(key), ensure_ascii=False)}")
    return changed


def nearest(explanation: Explanation) -> tuple[bool, int, str]:
    """Order what fired or was stopped first, then what lacked least."""
    lacking = sum(part.holds is not True for part in explanation.parts)
    return explanation.arm is None, lacking, explanation.rule.id


def moment(at: int) -> str:
    """Write a time in ms as people read it."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _plain(catalog: Catalog, rule_id: str) -> dict[str, Any] | None:
    rule = catalog.rules.get(rule_id)
    return None if rule is None else rule.model_dump(mode="json")


def _against(value: object, live: object) -> str:
    return str(value) if live is None or live == value else f"{value} ({live})"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
