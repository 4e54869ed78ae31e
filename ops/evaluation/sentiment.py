"""`hark eval sentiment`: one pass over a corpus, predict then learn, with the pipeline's own model."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer

from models.sentiment import Sentiment
from models.sentiment.prior import SHIPPED
from ops.evaluation.batch import BatchUnavailable, retrained
from ops.evaluation.corpus import CorpusError, Row, labelled
from ops.evaluation.prior import sources_among, unseen

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CHUNK = 500
"""Events timed together: a shared machine's pauses fall into few chunks, so the median forgets them."""


def auc(scores: Floats, labels: Ints) -> float | None:
    """Return the area under the ROC curve, ties counted half; None if one class is absent."""
    positives = int(labels.sum())
    negatives = len(labels) - positives
    if positives == 0 or negatives == 0:
        return None
    values, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts - 1) / 2.0
    ranks = middle[inverse]
    total = float(ranks[labels == 1].sum())
    return (total - positives * (positives + 1) / 2.0) / (positives * negatives)


def macro_f1(predicted: Ints, labels: Ints) -> float:
    """Return the mean F1 of the classes that occur in `predicted` or `labels`."""
    parts = []
    for label in (0, 1):
        size = int((predicted == label).sum() + (labels == label).sum())
        if size:
            parts.append(2.0 * int(((predicted == label) & (labels == label)).sum()) / size)
    return float(np.mean(parts)) if parts else 0.0


def summary(scores: Floats, labels: Ints) -> dict[str, float | None]:
    """Return accuracy, macro-F1 and AUC of probabilities against 0/1 labels, rounded to 4 digits."""
    if len(labels) == 0:
        return {"accuracy": None, "macro_f1": None, "auc": None}
    predicted = (scores >= 0.5).astype(np.int64)
    area = auc(scores, labels)
    return {
        "accuracy": round(float((predicted == labels).mean()), 4),
        "macro_f1": round(macro_f1(predicted, labels), 4),
        "auc": None if area is None else round(area, 4),
    }


def _prequential(model: Sentiment, rows: list[Row]) -> tuple[Floats, float]:
    """Return scores and the processor time of an event in seconds: median over chunks of CHUNK events."""
    scores = np.zeros(len(rows))
    times = []
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        started = time.process_time()
        for i, row in enumerate(chunk, start):
            scores[i] = model.predict_learn(row.text, row.lang, float(row.label or 0)).probability
        times.append((time.process_time() - started) / len(chunk))
    return scores, float(np.median(times)) if times else 0.0


def run(
    path: Path,
    seed: int | None = None,
    prior: str = SHIPPED,
    against: str | None = None,
) -> dict[str, Any]:
    """Evaluate one corpus and return the figures as JSON values.

    Parameters
    ----------
    path
        Corpus in the shared format, .jsonl or .jsonl.gz; rows without a label are passed over.
    seed
        Shuffle first; None keeps the file's order.
    prior
        "shipped", "none" or the path of a prior file. Where the shipped one has learned from these
        texts, the one made without their source is taken; `prior` in the result says so.
    against
        "batch" adds TF-IDF + logistic regression retrained at every tenth of the same stream.
    """
    rows = labelled(path, seed)
    if not rows:
        raise CorpusError(f"{path.name}: no row has a label; `label` is 1, 0 or null")
    texts = [row.text for row in rows]
    prior = unseen(texts, prior)
    labels = np.array([row.label for row in rows], np.int64)
    for lang in ("zh", "en"):  # compile outside the clock
        Sentiment(bits=10, prior="none").learn_one("ok 好", lang, True)
    scores, seconds = _prequential(Sentiment(prior=prior), rows)
    half = len(rows) // 2
    result: dict[str, Any] = {
        "n": len(rows),
        "whole": summary(scores, labels),
        "last_half": summary(scores[half:], labels[half:]),
        "us_per_event": round(seconds * 1e6, 1),
        "first_1000": summary(scores[:1000], labels[:1000]),
        "prior": Path(prior).stem,
        "prior_overlap": bool(sources_among(texts, prior)),
    }
    if against == "batch":
        result["against"] = compare(rows, scores, labels)
    return result


def compare(rows: list[Row], scores: Floats, labels: Ints) -> dict[str, Any]:
    """Return the figures of both models on the events that the batch model could score."""
    batch = retrained([row.text for row in rows], [row.lang for row in rows], labels)
    scored = np.isfinite(batch)
    late = scored & (np.arange(len(rows)) >= len(rows) // 2)
    return {
        name: {
            "after_first_tenth": summary(values[scored], labels[scored]),
            "last_half": summary(values[late], labels[late]),
        }
        for name, values in (("batch", batch), ("online", scores))
    }


def sentiment(
    file: Annotated[Path, typer.Argument(help="Corpus, .jsonl or .jsonl.gz")],
    seed: Annotated[int | None, typer.Option(help="Shuffle with this seed first")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object")] = False,
    against: Annotated[str | None, typer.Option(help='"batch": compare with TF-IDF + LR')] = None,
    prior: Annotated[str, typer.Option(help='"shipped", "none" or a file')] = SHIPPED,
) -> None:
    """Run a corpus through the sentiment model in one pass, predict then learn."""
    if against not in (None, "batch"):
        typer.echo(f"--against knows only batch, not {against}", err=True)
        raise typer.Exit(2)
    try:
        result = run(file, seed, prior, against)
    except (CorpusError, BatchUnavailable, ValueError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    if as_json:
        typer.echo(json.dumps(result))
        return
    for key, value in result.items():
        typer.echo(f"{key:14} {value}")
