"""Golden files: what the code said when somebody last looked at it and agreed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
WRITE = "HARK_GOLDEN"
TOLERANCE = 2e-3
"""Scores are rounded to four digits; processors differ in the last ones of what is rounded."""


def writing() -> bool:
    """Tell whether golden files are to be rewritten (`make golden`)."""
    return os.environ.get(WRITE) == "write"


def agree(name: str, actual: dict[str, Any]) -> None:
    """Compare with the golden file `name`, or write it when asked to.

    Raises
    ------
    AssertionError
        Naming the first difference in one sentence.
    """
    path = FOLDER / name
    if writing():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(actual, ensure_ascii=False, indent=1, sort_keys=True) + "\n", "utf-8")
        return
    assert path.exists(), f"{name} is missing: run `make golden`"
    for difference in differences(json.loads(path.read_text("utf-8")), json.loads(json.dumps(actual))):
        raise AssertionError(f"{name}: {difference}; if that is meant, run `make golden`")


def differences(golden: Any, actual: Any, path: str = "") -> Iterator[str]:
    """Yield where two decoded JSON values differ; numbers may differ by `TOLERANCE`."""
    if isinstance(golden, dict) and isinstance(actual, dict):
        for key in sorted(golden.keys() | actual.keys()):
            place = f"{path}/{key}"
            if key not in actual:
                yield f"{place} is gone"
            elif key not in golden:
                yield f"{place} is new"
            else:
                yield from differences(golden[key], actual[key], place)
    elif isinstance(golden, list) and isinstance(actual, list) and len(golden) == len(actual):
        for number, (a, b) in enumerate(zip(golden, actual, strict=True)):
            yield from differences(a, b, f"{path}/{number}")
    elif isinstance(golden, float) and isinstance(actual, int | float) and not isinstance(actual, bool):
        if abs(golden - actual) > TOLERANCE:
            yield f"{path} was {golden} and is {actual}"
    elif type(golden) is not type(actual) or golden != actual:
        yield f"{path} was {golden!r} and is {actual!r}"
