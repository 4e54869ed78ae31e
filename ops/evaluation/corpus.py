"""Reader of the shared corpus format: one JSON object a line, plain or gzip."""

from __future__ import annotations

import gzip
import random
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled or unlabelled text; fields the file lacks are None or empty."""

    text: str
    lang: str
    label: int | None
    rating: float | None = None
    topic: str | None = None
    channel: str | None = None
    ts: str | None = None


class CorpusError(ValueError):
    """A corpus file that cannot be read, with the line that is wrong."""


def read_corpus(path: Path) -> Iterator[Row]:
    """Yield the rows of a .jsonl or .jsonl.gz file in file order.

    Raises
    ------
    CorpusError
        If the file is missing or a line is not a JSON object with a text.
    """
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _row(line, f"{path.name}:{number}")
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise CorpusError(f"cannot read {path.name}: {reason}") from error


def _row(line: bytes, where: str) -> Row:
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise CorpusError(f"{where}: not JSON: {error}") from error
    if not isinstance(record, dict) or not isinstance(record.get("text"), str):
        raise CorpusError(f"{where}: no text")
    label = record.get("label")
    if label is not None and label not in (0, 1):
        raise CorpusError(f"{where}: label must be 0, 1 or null")
    return Row(
        text=record["text"],
        lang=str(record.get("lang") or ""),
        label=None if label is None else int(label),
        rating=record.get("rating"),
        topic=record.get("topic"),
        channel=record.get("channel"),
        ts=record.get("ts"),
    )


def labelled(path: Path, seed: int | None = None) -> list[Row]:
    """Return the rows that have a label, in file order or shuffled with `seed`."""
    rows = [row for row in read_corpus(path) if row.label is not None]
    if seed is not None:
        random.Random(seed).shuffle(rows)
    return rows
