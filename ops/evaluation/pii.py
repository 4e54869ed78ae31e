"""`hark eval pii`: recall, precision and leaked characters of the finder on a labelled file."""

from __future__ import annotations

import gzip
import json as jsonlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import typer

from models.pii import STRUCTURED, Finder, Span


class Truth(NamedTuple):
    """A labelled span; `ignore` marks values that were starred before they came here."""

    start: int
    end: int
    type: str
    ignore: bool


class Row(NamedTuple):
    """One labelled text.

    Parameters
    ----------
    text, lang
        The text and its language.
    spans
        What is to be found.
    optional
        Bounds that may be found or not.
    counted
        The types that count here; `None` for all. Partial rows label only some.
    """

    text: str
    lang: str
    spans: tuple[Truth, ...]
    optional: tuple[tuple[int, int], ...]
    counted: frozenset[str] | None


class Tally:
    """Counts of one type."""

    def __init__(self) -> None:
        self.true = self.found = self.spurious = 0

    def figures(self) -> dict[str, float]:
        """Return recall, precision and F2, each 1 where there was nothing to miss or to invent."""
        recall = self.found / self.true if self.true else 1.0
        reported = self.found + self.spurious
        precision = self.found / reported if reported else 1.0
        weighted = 4 * precision + recall
        f2 = 5 * precision * recall / weighted if weighted else 0.0
        return {"recall": round(recall, 4), "precision": round(precision, 4), "f2": round(f2, 4)}


def read(path: Path) -> list[Row]:
    """Read a JSONL file, gzipped or not, of the format in the data's README."""
    opener: Callable[..., Any] = gzip.open if path.suffix == ".gz" else open
    rows: list[Row] = []
    with opener(path, "rt", encoding="utf-8") as file:
        for line in file:
            raw = jsonlib.loads(line)
            spans = tuple(
                Truth(one["start"], one["end"], one["type"], str(one.get("v", "")).startswith("premask"))
                for one in raw["spans"]
            )
            optional = tuple((one["start"], one["end"]) for one in raw.get("optional") or ())
            counted = None
            if raw.get("partial"):
                counted = frozenset(one.type for one in spans) | frozenset({raw.get("neg_of")} - {None})
            rows.append(Row(raw["text"], raw["lang"], spans, optional, counted))
    return rows


def matches(truth: Truth, span: Span) -> bool:
    """Tell whether type agrees and the overlap is at least half of either."""
    overlap = min(truth.end, span.end) - max(truth.start, span.start)
    return (
        truth.type == span.type
        and overlap > 0
        and 2 * overlap >= truth.end - truth.start
        and 2 * overlap >= span.end - span.start
    )


def score(
    rows: Sequence[Row], found: Sequence[Sequence[Span]], types: Iterable[str] | None = None
) -> dict[str, Any]:
    """Return the figures of findings on rows.

    Parameters
    ----------
    rows
        Labelled texts.
    found
        Findings of each text.
    types
        Types to count, all unless told.
    """
    labelled = {truth.type for row in rows for truth in row.spans}
    counted = set(types) if types is not None else None
    tallies: dict[str, Tally] = defaultdict(Tally)
    characters = {"structured": [0, 0], "all": [0, 0]}
    for row, spans in zip(rows, found, strict=True):
        _count(row, spans, tallies, labelled, counted)
        _leaks(row, spans, characters)
    structured = Tally()
    for kind in STRUCTURED:
        tally = tallies.get(kind)
        if tally:
            structured.true += tally.true
            structured.found += tally.found
            structured.spurious += tally.spurious
    return {
        "structured": structured.figures(),
        "types": {kind: tallies[kind].figures() | {"n": tallies[kind].true} for kind in sorted(tallies)},
        "leaked": {
            name: round(left / total, 4) if total else 0.0 for name, (left, total) in characters.items()
        },
    }


def _count(
    row: Row, spans: Sequence[Span], tallies: dict[str, Tally], labelled: set[str], counted: set[str] | None
) -> None:
    hit: set[int] = set()
    for truth in row.spans:
        if counted is not None and truth.type not in counted:
            continue
        which = [index for index, span in enumerate(spans) if matches(truth, span)]
        hit.update(which)
        if not truth.ignore:
            tallies[truth.type].true += 1
            tallies[truth.type].found += bool(which)
    for index, span in enumerate(spans):
        if index in hit or (counted is not None and span.type not in counted):
            continue
        if row.counted is not None and span.type not in row.counted:
            continue
        if span.type not in labelled and not _is_structured(span):
            continue
        if any(_half(span, start, end) for start, end in row.optional):
            continue
        if any(truth.ignore and _half(span, truth.start, truth.end) for truth in row.spans):
            continue
        tallies[span.type].spurious += 1


def _is_structured(span: Span) -> bool:
    return span.type in STRUCTURED


def _half(span: Span, start: int, end: int) -> bool:
    overlap = min(end, span.end) - max(start, span.start)
    return overlap > 0 and 2 * overlap >= span.end - span.start


def _leaks(row: Row, spans: Sequence[Span], characters: dict[str, list[int]]) -> None:
    covered = {code for span in spans for code in range(span.start, span.end)}
    for truth in row.spans:
        if truth.ignore:
            continue
        size = truth.end - truth.start
        left = sum(code not in covered for code in range(truth.start, truth.end))
        for name in ("structured", "all") if truth.type in STRUCTURED else ("all",):
            characters[name][0] += left
            characters[name][1] += size


def run(
    path: str | Path,
    names: Literal["fast", "thorough"] = "fast",
    *,
    repeats: int = 3,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Any]:
    """Return the figures of the finder on a file.

    Parameters
    ----------
    path
        A labelled JSONL file.
    names
        Setting of the name and address recognisers.
    repeats
        Passes over the file; the fastest one gives `us_per_text`.
    clock
        Seconds, monotonic.
    """
    rows = read(Path(path))
    finder = Finder(names)
    found = [finder.find(row.text) for row in rows]
    fastest = float("inf")
    for _ in range(repeats):
        start = clock()
        for row in rows:
            finder.find(row.text)
        fastest = min(fastest, clock() - start)
    result: dict[str, Any] = {"n": len(rows), **score(rows, found)}
    by_lang = {}
    for lang in sorted({row.lang for row in rows}):
        chosen = [index for index, row in enumerate(rows) if row.lang == lang]
        part = score([rows[index] for index in chosen], [found[index] for index in chosen])
        by_lang[lang] = {"n": len(chosen), "structured": part["structured"], "leaked": part["leaked"]}
    result["by_lang"] = by_lang
    result["us_per_text"] = round(fastest / max(1, len(rows)) * 1e6, 2)
    return result


def pii(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="Labelled JSONL, gzipped or not.")
    ],
    names: Annotated[str, typer.Option(help="fast or thorough.")] = "fast",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure the masking on a labelled file."""
    if names not in ("fast", "thorough"):
        raise typer.BadParameter("fast or thorough", param_hint="--names")
    result = run(file, "thorough" if names == "thorough" else "fast")
    if json:
        typer.echo(jsonlib.dumps(result, ensure_ascii=False))
        return
    typer.echo(f"{result['n']} texts, {result['us_per_text']} µs each")
    typer.echo(f"structured {result['structured']}, leaked {result['leaked']}")
    for kind, figures in result["types"].items():
        typer.echo(f"  {kind:<10} {figures}")
    for lang, part in result["by_lang"].items():
        typer.echo(f"  {lang:<10} {part}")
