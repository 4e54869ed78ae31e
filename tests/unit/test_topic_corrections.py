"""What people say a text is about reaches what is scored: their text at once, others once enough is known."""

from __future__ import annotations

import pytest

from models.scoring.model_set import LEAST_CORRECTIONS, ModelSet
from models.scoring.reading import read
from models.scoring.targets import TOPICS
from models.snapshot import Snapshot, encode
from models.topics.analyser import Analyser
from models.topics.classifier import TopicClassifier

ANALYSER = Analyser()
PHRASED = "快递单上的价格写错了"
OTHERS = ("今天天气真好", "I love it", "随便说说", "hmm ok", "路过看看", "see you tomorrow")


def corrected(*corrections: tuple[str, str]) -> ModelSet:
    learner = TopicClassifier()
    for text, topic in corrections:
        learner.learn_one(text, "", topic, ANALYSER.signals(text))
    models = ModelSet()
    state = {f"learner.{key}": value for key, value in learner.state().items()}
    models.install(encode(Snapshot(TOPICS, 1, 0, 0.0, "", state)))
    return models


def about(models: ModelSet, *texts: str) -> list[list[str]]:
    records = [{"text": text, "lang": "", "rating": None} for text in texts]
    return [reading.topics for reading in read(models, ANALYSER, records)]


def test_one_correction_says_nothing_of_other_texts() -> None:
    models = corrected(("杯盖裂开了", "quality.cup_lid"))
    assert about(models, *OTHERS) == about(ModelSet(), *OTHERS)


def test_a_correction_holds_for_the_same_words_whatever_phrases_say() -> None:
    before = about(ModelSet(), PHRASED)[0]
    assert before and "service.billing" not in before
    models = corrected((PHRASED, "service.billing"), ("杯盖裂开了", "quality.cup_lid"))
    assert about(models, f"{PHRASED}！", "杯盖裂开了。") == [["service.billing"], ["quality.cup_lid"]]


@pytest.mark.parametrize(
    ("said", "holds"), [("ab", "b"), ("ba", "a"), ("aab", "a"), ("aabb", "b"), ("abba", "a"), ("abcb", "b")]
)
def test_of_corrections_of_one_text_the_commonest_holds_and_of_those_the_latest(
    said: str, holds: str
) -> None:
    assert about(corrected(*((PHRASED, f"group.{one}") for one in said)), PHRASED) == [[f"group.{holds}"]]


def lids(number: int) -> tuple[str, str]:
    return f"第{number}个杯盖裂开了{'又漏水' if number % 2 else ''}", "quality.cup_lid"


def points(number: int) -> tuple[str, str]:
    return f"{number}月的会员积分{'还' if number % 2 else ''}没到账", "account.points"


def test_texts_of_their_kind_follow_once_enough_is_known_and_no_others() -> None:
    many = [make(number) for number in range(LEAST_CORRECTIONS) for make in (lids, points)]
    models = corrected(*many)
    assert about(models, "我的杯盖裂开了好大一条缝", "会员积分一直没到账啊") == [
        ["quality.cup_lid"],
        ["account.points"],
    ]
    assert about(corrected(*many[:-4]), "我的杯盖裂开了好大一条缝") == about(
        ModelSet(), "我的杯盖裂开了好大一条缝"
    )
    one_sided = corrected(*(lids(number) for number in range(5 * LEAST_CORRECTIONS)))
    assert about(one_sided, *OTHERS) == about(ModelSet(), *OTHERS)
