"""Reads JSONL, JSONL.gz and CSV files as feedback events, one line at a time."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from models.events import Channel, Feedback

ALIASES: dict[str, tuple[str, ...]] = {
    "id": ("id", "review_id", "ticket_id", "event_id"),
    "text": ("text", "content", "comment", "review", "body", "message"),
    "rating": ("rating", "stars", "star"),
    "author": ("author", "user", "username", "user_name", "nickname"),
    "customer_id": ("customer_id", "customer", "user_id"),
    "occurred_at": ("occurred_at", "ts", "time", "timestamp", "date", "created_at"),
    "channel": ("channel", "source"),
    "product": ("product", "app"),
}
"""Names a field goes by in files nobody mapped, in order of preference."""

_CHANNELS = frozenset(Channel)
_STORES = {"app_store": Channel.REVIEW, "google_play": Channel.REVIEW, "gplay": Channel.REVIEW}
_PLAIN = frozenset(Feedback.model_fields) - set(ALIASES)


@dataclass(frozen=True, slots=True)
class Parsed:
    """One line: an event, or why there is none.

    Parameters
    ----------
    problem
        What is wrong, without content of the line.
    """

    line: int
    event: dict[str, Any] | None
    problem: str = ""


class FileProblem(ValueError):
    """The file cannot be read at all; the message says why."""


def read_events(
    path: Path, mapping: Mapping[str, str] | None = None, channel: str = "review"
) -> Iterator[Parsed]:
    """Yield an event or a problem for each line of a file.

    Parameters
    ----------
    path
        `.jsonl`, `.jsonl.gz`, `.csv` or `.csv.gz`, UTF-8, a byte order mark allowed.
    mapping
        Event field → field of the file; other fields go by `ALIASES`.
    channel
        Where the file names none, or one that is no channel of ours.

    Raises
    ------
    FileProblem
        When the ending is none of these.
    """
    for number, row in rows(path):
        if isinstance(row, str):
            yield Parsed(number, None, row)
            continue
        event = to_event(row, mapping or {}, channel)
        if not event.get("text"):
            yield Parsed(number, None, "no text")
        else:
            yield Parsed(number, event)


def to_event(row: Mapping[str, Any], mapping: Mapping[str, str], channel: str) -> dict[str, Any]:
    """Return the feedback event of a row; fields that are empty are left out.

    Examples
    --------
    >>> to_event({"text": "好", "user": "u1", "channel": "app_store:海尔U", "rating": "5"}, {}, "review")
    {'text': '好', 'rating': 5.0, 'author': 'u1', 'channel': 'review', 'product': '海尔U'}
    """
    event: dict[str, Any] = {}
    for name, aliases in ALIASES.items():
        for source in (mapping[name],) if name in mapping else aliases:
            if (value := row.get(source)) not in (None, ""):
                event[name] = value
                break
    for name in _PLAIN:
        if (value := row.get(mapping.get(name, name))) not in (None, ""):
            event[name] = value
    if isinstance(rating := event.get("rating"), str):
        try:
            event["rating"] = float(rating)
        except ValueError:
            event["rating"] = rating
    _place(event, channel)
    if "author" not in event and "customer_id" not in event:
        # A voice without a name is still a voice of its own.
        event["author"] = f"anonymous-{event.get('id', '')}"
    return event


def _place(event: dict[str, Any], channel: str) -> None:
    named = str(event.get("channel", ""))
    if named in _CHANNELS:
        return
    store, _, product = named.partition(":")
    event["channel"] = str(_STORES.get(store, channel))
    if product and "product" not in event:
        event["product"] = product


def rows(path: Path) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Yield line number and row of a JSONL or CSV file; a text says why a line is no row.

    Raises
    ------
    FileProblem
        When the ending is none of these.
    """
    name = path.name.removesuffix(".gz")
    with gzip.open(path, "rb") if path.name.endswith(".gz") else path.open("rb") as raw:
        if name.endswith((".jsonl", ".ndjson", ".json")):
            yield from _json_lines(raw)
        elif name.endswith((".csv", ".tsv")):
            text = io.TextIOWrapper(raw, encoding="utf-8-sig", errors="strict", newline="")
            yield from enumerate(csv.DictReader(text, delimiter="\t" if name.endswith(".tsv") else ","), 2)
        else:
            raise FileProblem(f"{path}: a file must end in .jsonl, .csv, .tsv, or one of these with .gz")


def _json_lines(raw: Any) -> Iterator[tuple[int, dict[str, Any] | str]]:
    for number, line in enumerate(raw, 1):
        if not line.strip():
            continue
        try:
            row = orjson.loads(line.removeprefix(b"\xef\xbb\xbf"))
        except orjson.JSONDecodeError:
            yield number, "not JSON"
            continue
        yield number, row if isinstance(row, dict) else "not a JSON object"
