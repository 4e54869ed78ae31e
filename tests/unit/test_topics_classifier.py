"""Topics learned from corrections: few are enough, state is complete, memory bounded."""

import random

import numpy as np
import pytest

from models.snapshot import Snapshot, decode, encode
from models.topics.classifier import TopicClassifier

ABOUT = {
    "hotel.lift": ["lift is stuck", "the elevator never comes", "电梯坏了", "等电梯等了很久"],
    "hotel.pool": ["pool was closed", "swimming pool is cold", "泳池关门", "泳池水很凉"],
    "hotel.breakfast": ["breakfast was poor", "no eggs at breakfast", "早餐种类少", "早餐不好吃"],
}


def corrections(seed, n):
    generator = random.Random(seed)
    for _ in range(n):
        topic = generator.choice(sorted(ABOUT))
        text = generator.choice(ABOUT[topic])
        yield text + generator.choice(["", "!", " again", "，唉"]), "zh" if text > "~" else "en", topic


def make():
    return TopicClassifier(bits=12, memory=64)


def test_nothing_learned_predicts_nothing():
    assert make().predict("anything", "en") == []


def test_a_few_corrections_carry_to_new_words_around_them():
    model = make()
    for correction in corrections(7, 40):
        model.learn_one(*correction)
    for text, topic in [
        ("we waited for the elevator", "hotel.lift"),
        ("is the pool open", "hotel.pool"),
        ("早餐一般", "hotel.breakfast"),
        ("泳池太小", "hotel.pool"),
    ]:
        ranked = model.predict(text, "")
        assert ranked[0][0] == topic, text
        assert sum(chance for _, chance in ranked) == pytest.approx(1.0)


def test_what_phrases_found_is_read_too():
    model = make()
    for n in range(12):
        model.learn_one(f"text {n}", "en", "a.a", ["topic:payment.refund"])
        model.learn_one(f"text {n}", "en", "b.b", ["topic:quality.food"])
    assert model.predict("话", "zh", ["topic:payment.refund"])[0][0] == "a.a"
    assert model.predict("话", "zh", ["topic:quality.food"])[0][0] == "b.b"


def test_a_correction_holds_for_near_identical_texts_at_once():
    model = make()
    for correction in corrections(3, 60):
        model.learn_one(*correction)
    before = dict(model.predict("the lift by the swimming pool at breakfast is stuck", "en"))
    model.learn_one("the lift by the swimming pool at breakfast is stuck", "en", "hotel.pool")
    after = dict(model.predict("The lift by the swimming pool at breakfast is stuck!!", "en"))
    assert after["hotel.pool"] > before["hotel.pool"]


def test_a_learner_killed_and_restored_ends_bit_identical():
    steady, stopped = make(), make()
    for n, correction in enumerate(corrections(7, 150)):
        if n in (1, 40, 100):  # 100 > memory: the ring has wrapped
            data = encode(Snapshot("topics", 1, n, 0.0, "", stopped.state()))
            stopped = make()
            stopped.restore(decode(data).state)
        steady.learn_one(*correction)
        stopped.learn_one(*correction)
        assert steady.predict(correction[0]) == stopped.predict(correction[0])
    for key, value in steady.state().items():
        other = stopped.state()[key]
        assert np.array_equal(value, other) if isinstance(value, np.ndarray) else value == other, key


def test_predicting_changes_nothing():
    model = make()
    for correction in corrections(5, 20):
        model.learn_one(*correction)
    first = model.predict("泳池", "zh")
    for text, lang, _ in corrections(9, 30):
        model.predict(text, lang)
    assert model.predict("泳池", "zh") == first


def test_one_topic_too_many_takes_the_place_of_the_rarest():
    model = TopicClassifier(bits=10, most_topics=3, memory=16)
    for _ in range(4):
        model.learn_one("the pool is cold", "en", "hotel.pool")
        model.learn_one("the room is dark", "en", "hotel.room")
    for i in range(20):
        model.learn_one(f"made up {i}", "en", f"made.up_{i}")
    assert sorted(model.topics) == ["hotel.pool", "hotel.room", "made.up_19"]
    assert model.predict("the pool is cold", "en")[0][0] == "hotel.pool"
    assert model.predict("made up 19", "en")[0][0] == "made.up_19"
    again = TopicClassifier(bits=10, most_topics=3, memory=16)
    again.restore(decode(encode(Snapshot("topics", 1, 0, 0.0, "", model.state()))).state)
    for learner in (model, again):
        learner.learn_one("made up 3", "en", "made.up_3")
    assert again.predict("made up 3", "en") == model.predict("made up 3", "en")


def test_a_state_must_fit():
    model = TopicClassifier(bits=8, most_topics=2, memory=4)
    model.learn_one("a", "en", "x.a")
    model.learn_one("b", "en", "x.b")
    with pytest.raises(ValueError, match="topics state"):
        make().restore(model.state())
    broken = model.state()
    broken["weights"] = np.full_like(broken["weights"], np.nan)
    with pytest.raises(ValueError, match="not finite"):
        model.restore(broken)
    assert model.predict("a", "en")[0][0] == "x.a"
