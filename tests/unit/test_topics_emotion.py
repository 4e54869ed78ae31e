"""Emotions and effort: slang, dialect, emoji, traditional characters, denial."""

from __future__ import annotations

import pytest

from models.topics.emotion import EFFORT, EMOTIONS, emotion_words, read_emotions


@pytest.mark.parametrize(
    ("text", "emotion"),
    [
        ("气死我了，骗子公司", "angry"),
        ("氣死我了，黑心商家", "angry"),
        ("什么辣鸡玩意 🤬", "angry"),
        ("This is OUTRAGEOUS, absolute scam", "angry"),
        ("wtf", "angry"),
        ("钱还没到账，急死了怎么办", "anxious"),
        ("錢去哪了，好慌", "anxious"),
        ("I'm really worried my card was stolen", "anxious"),
        ("太让人失望了，不如以前", "disappointed"),
        ("真拉胯，后悔买了", "disappointed"),
        ("such a letdown, expected better", "disappointed"),
        ("巴适得很，爱了爱了", "delighted"),
        ("物超所值！还会回购😍", "delighted"),
        ("absolutely LOVE it, highly recommend", "delighted"),
    ],
)
def test_strongest_emotion(text: str, emotion: str) -> None:
    assert read_emotions(text).strongest == emotion


@pytest.mark.parametrize(
    "text",
    ["转账老卡壳", "打了好几次电话没人接", "on hold for 50 minutes", "客服踢皮球", "had to call three times"],
)
def test_effort_is_heard(text: str) -> None:
    assert read_emotions(text).effort > 0


@pytest.mark.parametrize(
    "text", ["没有失望", "not disappointed", "不是骗子", "I was never angry", "不太麻烦"]
)
def test_denied_words_do_not_count(text: str) -> None:
    assert read_emotions(text) == (0.0, 0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("text", ["", "今天星期三", "the parcel has a number", "gladiator", "sadness123"])
def test_neutral_text_has_none(text: str) -> None:
    told = read_emotions(text)
    assert told.strongest is None
    assert max(told) == 0.0


def test_more_words_are_stronger_and_bounded() -> None:
    one, two, many = (read_emotions(text).angry for text in ("投诉", "投诉骗子", "投诉骗子垃圾黑心坑爹恶劣"))
    assert 0 < one < two < many < 1


def test_lists_have_every_section() -> None:
    words = emotion_words()
    assert set(words) == {*EMOTIONS, EFFORT}
    assert all(len(section) == len(set(section)) > 30 for section in words.values())
