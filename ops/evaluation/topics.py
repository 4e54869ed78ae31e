"""`hark eval topics`: one pass over a corpus with topic labels, predict then learn."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from models.near_duplicate import ClusterIndex
from models.topics.analyser import Analyser
from models.topics.classifier import TopicClassifier
from ops.evaluation.batch import BatchUnavailable
from ops.evaluation.corpus import CorpusError, Row, read_corpus

_FOLDS = 5
_TENTHS = 10
_COPY = 0.25
"""Share of common word pairs that makes two texts copies, also where every fifth word is replaced."""


def macro_f1(predicted: Sequence[str], truth: Sequence[str]) -> float | None:
    """Return the mean F1 over the topics that occur in either; None for no events.

    Examples
    --------
    >>> macro_f1(["a", "a", "b"], ["a", "b", "b"])
    0.6667
    """
    parts = []
    for topic in sorted({*predicted, *truth}):
        hits = sum(p == t == topic for p, t in zip(predicted, truth, strict=True))
        parts.append(2 * hits / (sum(p == topic for p in predicted) + sum(t == topic for t in truth)))
    return round(sum(parts) / len(parts), 4) if parts else None


def read_topics(path: Path, seed: int | None) -> list[Row]:
    """Return the rows that have a topic, shuffled unless `seed` is None."""
    rows = [row for row in read_corpus(path) if row.topic]
    if not rows:
        raise CorpusError(f"{path.name}: no row has a topic")
    if seed is not None:
        random.Random(seed).shuffle(rows)
    return rows


def run(path: Path, seed: int | None = 7, against: str | None = None) -> dict[str, Any]:
    """Evaluate one corpus and return the figures as JSON values.

    Parameters
    ----------
    path
        Corpus in the shared format; rows without a topic are passed over.
    seed
        Shuffle first; None keeps the file's order.
    against
        "batch" adds TF-IDF + logistic regression on the same rows: 5-fold over the whole file, the same
        with near copies in one fold, the same for a stream that forgets no copy, and retrained from
        scratch at every tenth of the stream.
    """
    rows = read_topics(path, seed)
    truth = [str(row.topic) for row in rows]
    analyser = Analyser()
    warm = TopicClassifier(bits=8, memory=2)  # compile outside the clock
    for topic in "aba":
        warm.learn_one("ok 好", "en", topic)
    warm.predict("ok 好", "en")
    model = TopicClassifier()
    predicted = []
    started = time.process_time()
    for row, topic in zip(rows, truth, strict=True):
        signals = analyser.signals(row.text)
        ranked = model.predict(row.text, row.lang, signals)
        predicted.append(ranked[0][0] if ranked else "")
        model.learn_one(row.text, row.lang, topic, signals)
    seconds = time.process_time() - started
    half = len(rows) // 2
    result: dict[str, Any] = {
        "n": len(rows),
        "topics": len(set(truth)),
        "whole": {"macro_f1": macro_f1(predicted[1:], truth[1:])},
        "last_half": {"macro_f1": macro_f1(predicted[half:], truth[half:])},
        "us_per_event": round(seconds / len(rows) * 1e6, 1),
    }
    if against == "batch":
        result["batch"] = _batch([row.text for row in rows], truth, 7 if seed is None else seed)
        tenth = len(rows) // _TENTHS
        result["after_first_tenth"] = {"macro_f1": macro_f1(predicted[tenth:], truth[tenth:])}
    return result


def copies(texts: Sequence[str]) -> list[str]:
    """Return a name for each text that it shares with its near copies.

    A fold that holds a text whose copy another fold learned measures memory. A stream meets half of all
    copies before their twin, five folds one in five.

    Examples
    --------
    >>> names = copies(["the lift is stuck again", "The lift is stuck, again!", "no eggs at breakfast"])
    >>> names[0] == names[1], names[0] == names[2]
    (True, False)
    """
    index = ClusterIndex(1 << max(1, len(texts).bit_length()), window=float("inf"), threshold=_COPY)
    return [index.step(text, str(number), "", 0.0).cluster_id for number, text in enumerate(texts)]


def recalled(predicted: Sequence[str], truth: Sequence[str], names: Sequence[str]) -> list[str]:
    """Return the predictions with every text right whose copy came earlier in the stream.

    What a stream can know of copies at best: beside it `predicted` may come from a model that learned four
    fifths of the whole file, later texts included.

    Examples
    --------
    >>> recalled(["b", "b", "b"], ["a", "a", "a"], ["one", "one", "two"])
    ['b', 'a', 'b']
    """
    met: set[str] = set()
    out = []
    for guess, right, name in zip(predicted, truth, names, strict=True):
        out.append(right if name in met else guess)
        met.add(name)
    return out


def _batch(texts: list[str], truth: list[str], seed: int) -> dict[str, Any]:
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, cross_val_predict
        from sklearn.pipeline import make_pipeline
    except ModuleNotFoundError as error:
        raise BatchUnavailable(
            "--against batch needs scikit-learn: install the `eval` extra (pip install 'hark[eval]')"
        ) from error

    def pipeline() -> Any:
        words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")
        return make_pipeline(words, LogisticRegression(C=5.0, max_iter=300))

    labels = np.array(truth)
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
    crossed = cross_val_predict(pipeline(), texts, labels, cv=folds).tolist()
    groups = copies(texts)
    together = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=seed)
    apart = cross_val_predict(pipeline(), texts, labels, cv=together, groups=groups).tolist()
    edges = np.linspace(0, len(texts), _TENTHS + 1).astype(int).tolist()
    streamed: list[str] = []
    for start, end in zip(edges[1:-1], edges[2:], strict=True):
        streamed += pipeline().fit(texts[:start], labels[:start]).predict(texts[start:end]).tolist()
    half = len(texts) // 2
    perfect = recalled(apart, truth, groups)
    return {
        "five_fold": {"macro_f1": macro_f1(crossed, truth)},
        "five_fold_copies_together": {"macro_f1": macro_f1(apart, truth)},
        "copies_recalled": {
            "whole": macro_f1(perfect, truth),
            "last_half": macro_f1(perfect[half:], truth[half:]),
        },
        "near_copies": len(texts) - len(set(groups)),
        "retrained_at_tenths": {
            "after_first_tenth": macro_f1(streamed, truth[edges[1] :]),
            "last_half": macro_f1(streamed[half - edges[1] :], truth[half:]),
        },
    }


def topics(
    file: Annotated[Path, typer.Argument(help="Corpus, .jsonl or .jsonl.gz")],
    seed: Annotated[int, typer.Option(help="Shuffle with this seed first")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object")] = False,
    against: Annotated[str | None, typer.Option(help='"batch": compare with TF-IDF + LR')] = None,
    in_order: Annotated[bool, typer.Option("--in-order", help="Keep the file's order")] = False,
) -> None:
    """Run a corpus through the topic classifier in one pass, predict then learn."""
    if against not in (None, "batch"):
        typer.echo(f"--against knows only batch, not {against}", err=True)
        raise typer.Exit(2)
    try:
        result = run(file, None if in_order else seed, against)
    except (CorpusError, BatchUnavailable) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    if as_json:
        typer.echo(json.dumps(result))
        return
    for key, value in result.items():
        typer.echo(f"{key:18} {value}")
