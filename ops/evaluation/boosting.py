"""The batch opponent of propensities: histogram gradient boosting, in folds or retrained on the way.

scikit-learn is needed for this comparison only, never by the product (extra `eval`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from models.learner import Array
from ops.evaluation.dressed import Row

TENTHS = 10


def out_of_fold(rows: Sequence[Row], y: Array) -> Array:
    """Return out-of-fold probabilities of 5-fold histogram gradient boosting, words as categories.

    Raises
    ------
    ValueError
        Without scikit-learn.
    """
    x, model = _prepared(rows)
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    folds = StratifiedKFold(5, shuffle=True, random_state=7)
    return np.asarray(cross_val_predict(model, x, y, cv=folds, method="predict_proba"))[:, 1]


def retrained(rows: Sequence[Row], y: Array) -> Array:
    """Return probabilities of the same model trained from scratch on all earlier tenths of the stream.

    What a fold's model knows, four fifths of the table, no stream has learned before its last fifth; this
    one knows what a stream can. The first tenth gets NaN.
    """
    x, model = _prepared(rows)
    out = np.full(len(y), math.nan)
    edges = np.linspace(0, len(y), TENTHS + 1).astype(int)
    for start, end in zip(edges[1:-1], edges[2:], strict=True):
        if 0 < y[:start].sum() < start < end:
            out[start:end] = model.fit(x[:start], y[:start]).predict_proba(x[start:end])[:, 1]
    return out


def _prepared(rows: Sequence[Row]) -> tuple[Array, Any]:
    """Return a table as numbers and an untrained model that knows which columns are words."""
    try:
        from sklearn.ensemble import HistGradientBoostingClassifier
    except ImportError as error:
        raise ValueError("the batch comparison needs scikit-learn, of the extra 'eval'") from error
    # A column without any value is none: scikit-learn cannot bin it.
    names = sorted({name for row in rows for name, cell in row.items() if cell is not None})
    columns: list[Array] = []
    categorical: list[bool] = []
    for name in names:
        cells = [row.get(name) for row in rows]
        words = sorted({str(cell) for cell in cells if cell is not None})
        is_words = any(isinstance(cell, str) for cell in cells)
        if is_words:
            place = {word: float(i) for i, word in enumerate(words)}
            columns.append(np.array([math.nan if cell is None else place[str(cell)] for cell in cells]))
        else:
            columns.append(np.array([math.nan if cell is None else cell for cell in cells], dtype=np.float64))
        categorical.append(is_words and len(words) <= 255)
    model = HistGradientBoostingClassifier(random_state=7, categorical_features=np.array(categorical))
    return np.column_stack(columns), model
