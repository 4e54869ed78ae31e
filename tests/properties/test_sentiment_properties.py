"""Whatever the text: finite, pure, symmetric to folding, explained exactly, restored exactly."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from models.sentiment import Sentiment
from models.sentiment.folding import folded_text
from models.snapshot import Snapshot, decode, encode
from models.topics.emotion import read_emotions

texts = st.text(st.characters(codec=None), max_size=80) | st.text("好坏不卡good bad!? ，。😡", max_size=40)
langs = st.sampled_from(["zh", "en", "fr", "", "zh-TW", "EN_gb", "???"])
lessons = st.lists(st.tuples(texts, langs, st.floats(0, 1), st.floats(0, 5)), max_size=12)


def taught(events: list[tuple[str, str, float, float]]) -> Sentiment:
    model = Sentiment(bits=12)
    for text, lang, label, weight in events:
        model.learn_one(text, lang, label, weight)
    return model


@settings(max_examples=60, deadline=None)
@given(lessons, texts, langs)
def test_prediction_is_finite_pure_and_explained(
    events: list[tuple[str, str, float, float]], text: str, lang: str
) -> None:
    model = taught(events)
    told = model.predict(text, lang)
    assert -1 <= told.polarity <= 1
    assert 0 <= told.probability <= 1
    assert 0.5 <= told.confidence <= 1
    reasons = model.explain(text, lang, 4)
    total = reasons.bias + sum(reason.contribution for reason in reasons.reasons) + reasons.rest
    assert math.isclose(total, reasons.logit, abs_tol=1e-6)
    assert model.predict(text, lang) == told


@settings(max_examples=40, deadline=None)
@given(lessons, lessons, st.tuples(texts, langs))
def test_restart_anywhere_ends_the_same(
    before: list[tuple[str, str, float, float]],
    after: list[tuple[str, str, float, float]],
    probe: tuple[str, str],
) -> None:
    whole = taught(before)
    resumed = Sentiment(bits=12)
    resumed.restore(decode(encode(Snapshot("s", 1, 0, 0.0, "", whole.state()))).state)
    for text, lang, label, weight in after:
        assert whole.predict_learn(text, lang, label, weight) == resumed.predict_learn(
            text, lang, label, weight
        )
    assert whole.predict(*probe) == resumed.predict(*probe)


@settings(max_examples=100, deadline=None)
@given(texts)
def test_folding_twice_is_folding_once(text: str) -> None:
    assert folded_text(folded_text(text)) == folded_text(text)


@settings(max_examples=100, deadline=None)
@given(texts)
def test_emotions_stay_in_range(text: str) -> None:
    assert all(0.0 <= value < 1.0 for value in read_emotions(text))
