"""The shipped mappings' examples, and files read through a mapping."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

import ops.importing.rows
from models.intake import Limits
from ops.importing.importer import Importer
from ops.importing.mapping import load
from ops.producing.reader import Parsed

NOW = 1_790_000_000_000
EXAMPLES = Path(ops.importing.rows.__file__).parent / "mappings" / "examples"


def imported(name: str, path: Path, **options: Any) -> tuple[Importer, list[dict[str, Any]], list[Parsed]]:
    importer = Importer(load(name), Limits(), NOW, **options)
    records = list(importer.records(path))
    events = [orjson.loads(record.value) for record in records if not isinstance(record, Parsed)]
    return importer, events, [record for record in records if isinstance(record, Parsed)]


def example(name: str) -> Path:
    (path,) = EXAMPLES.glob(f"{name}.*")
    return path
