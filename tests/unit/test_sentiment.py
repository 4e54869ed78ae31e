"""Polarity: what is learned, what is said about it, what is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from models.sentiment import Sentiment, guess_language
from models.sentiment.folding import folded_text
from models.snapshot import Snapshot, decode, encode


def test_misspelling_shares_letter_stretches() -> None:
    model = Sentiment(prior="none", bits=16)
    for _ in range(20):
        model.learn_one("the delivery was terrible", "en", False)
        model.learn_one("the delivery was wonderful", "en", True)
    assert (
        model.predict("terribel", "en").polarity < -0.05 < 0.05 < model.predict("wonderfull", "en").polarity
    )


def test_stretched_word_is_the_word() -> None:
    model = Sentiment(bits=16)
    assert model.predict("goood", "en") == model.predict("gooooooood", "en")
    assert model.predict("sooo gooood", "en").polarity > 0.1


def test_negation_is_learned_apart() -> None:
    model = Sentiment(prior="none", bits=16)
    for _ in range(20):
        for noun in ("view", "food", "room"):
            model.learn_one(f"good {noun}", "en", True)
            model.learn_one(f"not a good {noun}", "en", False)
    assert model.predict("good pool", "en").polarity > 0 > model.predict("not a good pool", "en").polarity


def test_soft_label_lies_between() -> None:
    outcomes = []
    for label in (0.0, 0.5, 1.0):
        model = Sentiment(prior="none", bits=14)
        for _ in range(10):
            model.learn_one("一般", "zh", label)
        outcomes.append(model.predict("一般", "zh").probability)
    assert outcomes == sorted(outcomes)
    assert outcomes[1] == pytest.approx(0.5, abs=0.02)


def test_weight_counts_and_zero_weight_teaches_nothing() -> None:
    light, heavy = Sentiment(prior="none", bits=14), Sentiment(prior="none", bits=14)
    for _ in range(3):
        light.learn_one("卡", "zh", False, 0.2)
        heavy.learn_one("卡", "zh", False, 2.0)
    assert heavy.predict("卡", "zh").polarity < light.predict("卡", "zh").polarity
    before = encode(Snapshot("s", 1, 0, 0.0, "", heavy.state()))
    heavy.learn_one("卡", "zh", True, 0.0)
    assert encode(Snapshot("s", 1, 0, 0.0, "", heavy.state())) == before


def test_predict_learn_returns_the_prediction_made_before() -> None:
    model = Sentiment(bits=16)
    before = model.predict("物流太慢", "zh")
    assert model.predict_learn("物流太慢", "zh", False) == before
    assert model.predict("物流太慢", "zh").polarity < before.polarity


def test_languages_share_nothing() -> None:
    model = Sentiment(bits=16)
    before = model.predict("refund", "en")
    for _ in range(10):
        model.learn_one("refund", "zh", False)
        model.learn_one("refund", "pt", False)
    assert model.predict("refund", "en") == before
    assert model.predict("refund", "pt").polarity < 0


@pytest.mark.parametrize(
    ("label", "weight"), [(2, 1.0), (-0.1, 1.0), (math.nan, 1.0), (1, -1.0), (1, math.inf)]
)
def test_bad_labels_are_refused(label: float, weight: float) -> None:
    with pytest.raises(ValueError, match="must be"):
        Sentiment(bits=12, prior="none").learn_one("好", "zh", label, weight)


@pytest.mark.parametrize(
    ("text", "lang"), [("打不开，客服不回复，太失望", "zh"), ("waited for hours, not good", "en")]
)
def test_explanation_adds_up_to_the_logit(text: str, lang: str) -> None:
    model = Sentiment(bits=16)
    for i in range(40):
        model.learn_one(("太失望了", "好用不卡", "not good", "good value")[i % 4], lang, i % 2 == 1)
    told = model.explain(text, lang, 3)
    logit = math.log(model.predict(text, lang).probability / (1 - model.predict(text, lang).probability))
    assert told.logit == pytest.approx(logit, abs=1e-9)
    assert told.bias + sum(r.contribution for r in told.reasons) + told.rest == pytest.approx(logit, abs=1e-6)
    assert len(told.reasons) == 3
    assert all(reason.term in folded_text(text) or reason.term in text for reason in told.reasons)
    assert any(reason.contribution < 0 for reason in told.reasons)


def state_of(texts: int) -> tuple[Sentiment, dict[str, Any]]:
    model = Sentiment(bits=16)
    rng = np.random.default_rng(5)
    letters = np.array(list("好坏快慢退款卡顿喜欢客服物流不没"))
    for i in range(texts):
        model.learn_one("".join(rng.choice(letters, 12)), "zh", bool(i % 2))
    return model, decode(encode(Snapshot("s", 1, 0, 0.0, "", model.state()))).state


def test_serving_state_predicts_the_same_and_does_not_learn() -> None:
    model, _ = state_of(200)
    served = Sentiment(bits=16)
    served.restore(model.serving_state())
    for text in ("客服不好", "快", "喜欢喜欢", "zzz"):
        assert served.predict(text, "zh") == model.predict(text, "zh")
    full, small = (
        len(encode(Snapshot("s", 1, 0, 0.0, "", s))) for s in (model.state(), model.serving_state())
    )
    assert small < full
    with pytest.raises(ValueError, match="predicts only"):
        served.learn_one("好", "zh", True)


def test_resumed_learner_holds_the_same_bytes() -> None:
    model, state = state_of(80)
    resumed = Sentiment(bits=16)
    resumed.restore(state)
    for i in range(60):
        for each in (model, resumed):
            each.learn_one("客服" * (i % 3) + "退款慢", "zh", i % 3 == 0, 0.3 + i % 2)
    first, second = (encode(Snapshot("s", 1, 0, 0.0, "", each.state())) for each in (model, resumed))
    assert first == second


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("version", 99),
        ("zh.bits", 15),
        ("zh.dense", np.zeros(3)),
        ("zh.dense", np.full(42, np.nan)),
        ("zh.seen", np.zeros(4, np.uint8)),
        ("zh.weight", np.zeros((2, 1), np.uint8)),
        ("zh.moved", None),
        ("langs", ["zh", "en"]),
    ],
)
def test_damaged_state_is_refused_and_nothing_changes(key: str, value: object) -> None:
    model, state = state_of(50)
    before = model.predict("退款慢", "zh")
    broken = dict(state)
    broken[key] = value
    if value is None:
        del broken[key]
    with pytest.raises(ValueError, match="sentiment state"):
        model.restore(broken)
    assert model.predict("退款慢", "zh") == before


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("这个 APP 不好用", "zh"),
        ("退款", "zh"),
        ("The app does not open", "en"),
        ("love the 火锅 here so much", "en"),
        ("とても良いです", "und"),
        ("приложение не работает", "und"),
        ("12345", "und"),
        ("", "und"),
    ],
)
def test_language_guess(text: str, lang: str) -> None:
    assert guess_language(text) == lang


def test_reason_of_a_prediction_is_its_strongest_contribution() -> None:
    model = Sentiment(bits=14)
    for number in range(60):
        model.learn_one(f"works, thank you {number % 7}", "en", True)
        model.learn_one(f"refund refused {number % 5}", "en", False)
    texts = [("refund", "en"), ("thank", "en"), ("", "en")]
    read = model.predict_with_reasons(texts)
    for (text, term), (said, reason) in zip((("refund", "refund"), ("thank", "thank")), read, strict=False):
        assert said == model.predict(text, "en")
        assert reason is not None and reason.term == term
        assert reason.contribution * said.polarity > 0
        total = model.explain(text, "en", 1).reasons[0]
        assert abs(reason.contribution) <= abs(total.contribution) + 1e-9
    assert read[2][1] is None
    assert model.predict_with_reasons([]) == []


@pytest.mark.parametrize("text", ["还没退款吗", "速度太慢，不支持", "该有的功能不可以用", "这也不可以吗"])
def test_a_reason_is_all_that_its_words_add_where_they_stand(text: str) -> None:
    """Words under a negation are a feature beside the words: one of the two alone may say the contrary."""
    model = Sentiment()
    for number in range(30):
        model.learn_one(f"可以，支持 not bad {number % 7}", "zh", number % 3 > 0)
    ((said, reason),) = model.predict_with_reasons([(text, "")])
    parts = {part.term: part.contribution for part in model.explain(text, "", 400).reasons}
    assert reason is not None and text.count(reason.term) == 1
    assert reason.contribution == pytest.approx(parts[reason.term], abs=1e-9)
    assert reason.contribution * said.polarity > 0
    alike = [part for term, part in parts.items() if part * said.polarity > 0 and text.count(term) == 1]
    assert abs(reason.contribution) > max(map(abs, alike)) / 2


def test_a_slice_reads_each_text_as_if_it_were_alone() -> None:
    model = Sentiment(bits=14)
    texts = [("好用，谢谢", "zh"), ("late again", "en"), ("\ud83d", ""), ("\ude00 不好", ""), ("nö", "de")]
    for number in range(40):
        model.learn_one(*texts[number % 5], number % 2 == 0)
    together = model.predict_with_reasons(texts * 2)
    assert together == [model.predict_with_reasons([text])[0] for text in texts] * 2
    assert [said for said, _ in together[:5]] == model.predict_many(texts)


@pytest.mark.parametrize("lang", ["zh", "en", ""])
def test_a_pseudonym_says_nothing_whoever_it_stands_for(lang: str) -> None:
    model = Sentiment()
    texts = [
        f"{lang}请回电 {name} thank you"
        for name in ("<PHONE:k1:dddlihgecnoehpdn>", "<EMAIL:k2:aaabbb>", "<NAME>")
    ]
    bare = model.predict(f"{lang}请回电   thank you", lang)
    for text in texts:
        assert model.predict(text, lang) == bare
        assert not any(
            "k1" in reason.term or "EMAIL" in reason.term for reason in model.explain(text, lang, 50).reasons
        )
