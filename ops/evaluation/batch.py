"""The batch opponent: TF-IDF and logistic regression retrained from scratch at every tenth.

scikit-learn is needed for this comparison only, never by the product (extra `eval`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from models.sentiment.language import CHINESE, feature_language

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

TENTHS = 10


class BatchUnavailable(RuntimeError):
    """scikit-learn is not installed."""


def _pipeline(characters: bool) -> Any:
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
    except ModuleNotFoundError as error:
        raise BatchUnavailable(
            "--against batch needs scikit-learn: install the `eval` extra (pip install 'hark[eval]')"
        ) from error
    vectorizer = (
        TfidfVectorizer(analyzer="char", ngram_range=(1, 3), min_df=2, sublinear_tf=True)
        if characters
        else TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")
    )
    return make_pipeline(vectorizer, LogisticRegression(C=5.0, max_iter=300))


def retrained(texts: Sequence[str], langs: Sequence[str], labels: Ints) -> Floats:
    """Return the probability of "positive" for each text by the model trained on all earlier tenths.

    The first tenth has nothing to train on and gets NaN, as does a tenth that follows one class only.
    """
    scores = np.full(len(texts), np.nan)
    edges = np.linspace(0, len(texts), TENTHS + 1).astype(int)
    chinese = sum(feature_language(lang, text) == CHINESE for lang, text in zip(langs, texts, strict=True))
    for start, end in zip(edges[1:-1], edges[2:], strict=True):
        if end <= start or len(set(labels[:start].tolist())) < 2:
            continue
        model = _pipeline(chinese * 2 > len(texts))
        model.fit(list(texts[:start]), labels[:start])
        scores[start:end] = model.predict_proba(list(texts[start:end]))[:, 1]
    return scores
