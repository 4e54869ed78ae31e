"""What `hark rules` prints: backtests and differences as tables."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console
from rich.table import Table

from rules.backtest import Backtest
from rules.loader import Catalog

_COLUMNS = (
    "rule", "eligible", "acted", "held out", "suppressed", "customers", "tiers", "cost", "overlap",
    "outcomes",
)  # fmt: skip


def show_backtest(out: Console, result: Backtest) -> None:
    """Print one line a rule, the live version's figures in brackets where they differ."""
    out.print(f"{result.records} records over {result.days:.1f} days")
    table = Table(*_COLUMNS)
    data = result.to_json()["rules"]
    for rule_id, entry in data.items():
        live = entry.get("live", {})
        table.add_row(
            rule_id,
            _against(entry["eligible"], live.get("eligible")),
            _against(entry["arms"].get("acted", 0), live.get("arms", {}).get("acted", 0) if live else None),
            str(entry["arms"].get("holdout", 0)),
            _counts(entry["suppressed"]),
            _against(entry["customers"], live.get("customers")),
            _counts(entry["tiers"]),
            _against(entry["cost"], live.get("cost")),
            _counts(entry["overlap"]),
            ", ".join(f"{name} {item['mean']} (n={item['n']})" for name, item in entry["outcomes"].items()),
        )
    out.print(table)
    for name, count in result.failures.items():
        out.print(f"{name}: {count} times")


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


def _plain(catalog: Catalog, rule_id: str) -> dict[str, Any] | None:
    rule = catalog.rules.get(rule_id)
    return None if rule is None else rule.model_dump(mode="json")


def _against(value: object, live: object) -> str:
    return str(value) if live is None or live == value else f"{value} ({live})"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
