"""Phrases are found whole, folded, longest first, with their negation."""

import pytest

from models.topics.automaton import BREAK, NEGATOR, Phrase, PhraseAutomaton
from models.units import encoded


def found(phrases, text):
    return PhraseAutomaton(phrases).scan(text)


@pytest.mark.parametrize(
    ("phrase", "text", "hit"),
    [
        ("late", "it was LATE!", True),
        ("late", "chocolate later", False),
        ("crash*", "it crashes", True),
        ("crash*", "carcrash", False),
        ("log in", "can't log \u00a0 in", True),
        ("log in", "log\nin", False),
        ("退货", "想退貨", True),
        ("app崩溃", "ＡＰＰ崩潰了", True),
        ("bug", "有bug吗", True),
        ("闪退", "闪\u200b退", True),
        ("闪退", "闪 退", False),
        ("don't", "I DON’T know", True),
        ("ａ", "a", True),
    ],
)
def test_folding_and_word_edges(phrase, text, hit):
    assert found([Phrase(phrase, 0)], text) == ([0] if hit else [])


def test_a_longer_phrase_hides_a_shorter_one_of_its_layer_only():
    phrases = [Phrase("服务", 0), Phrase("服务器", 0), Phrase("服务", 1)]
    assert found(phrases, "服务器坏了") == [4, 2]


@pytest.mark.parametrize(
    ("text", "negated"),
    [
        ("没有破损", True),
        ("没有任何破损", True),
        ("没有人理我的破损", False),
        ("没有，破损", False),
        ("not broken", True),
        ("it is not really broken", True),
        ("not what I wanted and broken", False),
        ("not. broken", False),
        ("破损没有", False),
    ],
)
def test_negation_reaches_a_little_way_within_its_clause(text, negated):
    steering = [Phrase("没有", NEGATOR), Phrase("not", NEGATOR), Phrase("，", BREAK), Phrase(".", BREAK)]
    assert found([Phrase("破损", 0), Phrase("broken", 0), *steering], text)[0] % 2 == negated


def test_a_negation_inside_the_phrase_does_not_negate_it():
    assert found([Phrase("没有收到", 0), Phrase("没有", NEGATOR)], "没有收到货") == [0]


def test_matches_are_bounded_and_hostile_text_is_harmless():
    automaton = PhraseAutomaton([Phrase("坏", 0), Phrase("bad", 0)])
    assert len(automaton.scan("坏" * 20_000)) == 256
    assert automaton.scan("\ud800坏\udfff\U0001f600bad\x00") == [0, 2]
    assert automaton.scan("") == []


def test_a_slice_finds_in_each_text_what_it_holds_alone():
    automaton = PhraseAutomaton([Phrase("坏", 0), Phrase("bad", 0), Phrase("not", NEGATOR)])
    texts = ["坏" * 300, "not bad", "", "x\ud83d", "\ude00 bad", "坏" * 270, "bad"]
    assert automaton.scan_texts(encoded(texts)) == [automaton.scan(text) for text in texts]
    assert automaton.scan_texts(encoded(["bad 坏", "坏"]), limit=4) == [[2], [0]]


@pytest.mark.parametrize("text", ["", "*", "\u200b", "x" * 61])
def test_a_phrase_that_cannot_match_is_refused(text):
    with pytest.raises(ValueError, match="characters"):
        PhraseAutomaton([Phrase(text, 0)])


def test_too_many_different_characters_are_refused():
    with pytest.raises(ValueError, match="different characters"):
        PhraseAutomaton([Phrase(chr(0x4E00 + 2 * n), 0) for n in range(1400)])
