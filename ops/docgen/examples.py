"""Example records of the topics: `tests/examples/<topic>/<case>.json`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from ops.docgen.contracts import contracts_of
from streams.topics import Topic

FIELDS = {"key", "value", "note"}


@dataclass(frozen=True, slots=True)
class Example:
    """One record as it stands on a topic.

    Parameters
    ----------
    key
        Kafka key, None where there is none.
    value
        Decoded value; None for a record that removes its key from a compacted topic.
    note
        What it shows, in one sentence.
    """

    topic: str
    case: str
    key: str | None
    value: Any
    note: str


def read_examples(folder: Path) -> dict[str, list[Example]]:
    """Return the examples of every topic, by file name.

    Raises
    ------
    ValueError
        When a file has other fields than `key`, `value` and `note`.
    """
    found: dict[str, list[Example]] = {}
    for path in sorted(folder.glob("*/*.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        if data.keys() != FIELDS:
            raise ValueError(f"{path.parent.name}/{path.name}: fields must be {', '.join(sorted(FIELDS))}")
        example = Example(path.parent.name, path.stem, data["key"], data["value"], data["note"])
        found.setdefault(example.topic, []).append(example)
    return found


def contract_of(topic: Topic, value: Any) -> type[BaseModel] | None:
    """Return the contract of a topic that a value keeps, None when it keeps none of them."""
    raw = json.dumps(value)
    for model in contracts_of(topic):
        try:
            model.model_validate_json(raw)
        except ValidationError:
            continue
        return model
    return None
