"""River's own tools on Hark's learners: evaluation, cloning, pipelines, ensembles."""

from __future__ import annotations

import random
from typing import Any

import pytest
from river import base, compose, drift, ensemble, evaluate, linear_model, metrics, preprocessing

from models.drift.adwin import Adwin
from models.estimators import PropensityEstimator, SentimentEstimator, TopicEstimator

TEXTS = {True: ("太好用了", "物流很快", "love it"), False: ("老是卡", "要求退款", "it crashes")}
TOPICS = {"logistics.speed": "快递三天没到", "quality.defect": "屏幕裂了", "price.level": "太贵了"}


def reviews(n: int) -> list[tuple[str, bool]]:
    rng = random.Random(7)
    return [(rng.choice(TEXTS[label]), label) for label in (rng.random() < 0.6 for _ in range(n))]


def customers(n: int) -> list[tuple[dict[str, Any], bool]]:
    rng = random.Random(7)
    rows = [{"logins": rng.randrange(10), "spend": rng.gauss(20.0, 5.0)} for _ in range(n)]
    return [(row, row["logins"] < 3) for row in rows]


@pytest.mark.parametrize(
    ("estimator", "stream"),
    [
        (SentimentEstimator(bits=14, prior="none"), reviews(300)),
        (PropensityEstimator(rows=512), customers(600)),
        (TopicEstimator(bits=12), [(text, topic) for topic, text in TOPICS.items()] * 40),
    ],
    ids=["sentiment", "propensity", "topics"],
)
def test_rivers_evaluation_takes_them_and_clones_begin_anew(estimator: Any, stream: list[Any]) -> None:
    first = evaluate.progressive_val_score(stream, estimator, metrics.Accuracy()).get()
    assert first > 0.9
    again = evaluate.progressive_val_score(stream, estimator.clone(), metrics.Accuracy()).get()
    assert again == first
    assert sum(estimator.predict_proba_one(stream[0][0]).values()) == pytest.approx(1.0, abs=1e-6)


def test_in_a_pipeline_and_beside_rivers_own_in_an_ensemble() -> None:
    words = compose.Pipeline(compose.Select("text"), SentimentEstimator(on="text", bits=14, prior="none"))
    stream = [({"text": text, "rating": 1}, label) for text, label in reviews(200)]
    assert evaluate.progressive_val_score(stream, words, metrics.Accuracy()).get() > 0.9
    both = ensemble.VotingClassifier(
        [PropensityEstimator(rows=512), preprocessing.StandardScaler() | linear_model.LogisticRegression()],
        use_probabilities=True,
    )
    assert evaluate.progressive_val_score(customers(400), both, metrics.Accuracy()).get() > 0.9


def test_the_detector_serves_a_river_wrapper_as_rivers_does() -> None:
    stream = customers(300) + [(row, not label) for row, label in customers(300)]
    scores = []
    for detector in (Adwin(), drift.ADWIN()):
        assert isinstance(detector, base.DriftDetector)
        model = drift.DriftRetrainingClassifier(linear_model.LogisticRegression(), detector, False)
        scores.append(evaluate.progressive_val_score(stream, model, metrics.Accuracy()).get())
    assert scores[0] == scores[1]
