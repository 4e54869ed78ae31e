"""A folder with one made-up rule and its cases, and a log to ask it about."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from rules_records import BASE, DAY, HOUR, fact, feedback

CASES = """
cases:
  - name: fires
    shows: firing
    given: [{after: 0s, scores: {polarity: -0.5}, expect: acted}]
  - name: quiet
    shows: quiet
    given: [{after: 0s, scores: {polarity: 0.5}}]
  - name: edge
    shows: boundary
    given: [{after: 0s, scores: {polarity: -0.2}}]
"""


def write(folder: Path, cases: str | None = CASES, **changes: Any) -> Path:
    data = BASE | changes
    path = folder / f"{data['id']}.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False, allow_unicode=True), encoding="utf-8")
    if cases is not None:
        (folder / f"{data['id']}_test.yaml").write_text(cases, encoding="utf-8")
    return path


def log() -> Iterator[dict[str, Any]]:
    for number in range(10):
        tier = "gold" if number % 2 else ""
        yield feedback(number * HOUR, f"f{number}", f"c{number % 5}", customer={"tier": tier},
                       scores={"polarity": -0.5 if number < 8 else 0.5})  # fmt: skip
    yield fact("outcome", "retained", 2 * DAY, "o1", "c1", value=1.0)
    yield fact("outcome", "retained", 40 * DAY, "o2", "c2", value=1.0)
