"""Tags: from suggestion to topic, on the command line."""

import json

import pytest
from typer.testing import CliRunner

from models.clock import VirtualClock
from models.topics import Analyser
from models.topics.emerging import Burst
from models.topics.tags import MOST_SUGGESTIONS, TagBook, TagError, matches
from ops.commands.topics_tags import create_app

DAY = 86_400.0


def burst(*phrases, at=3600.0):
    return Burst(phrases, at - 3600.0, at, 12, 0.2, 1e-12, 9, (f"{phrases[0]}坏了 <PHONE:k1:ab>",))


class Memory:
    """A store of one book and some past texts."""

    def __init__(self):
        self.book = TagBook()
        self.saved = 0
        self.past = ["杯盖裂了", "很好", "杯蓋漏水"]

    def load(self):
        return self.book

    def save(self, book):
        self.saved += 1

    def apply_to_past(self, tag):
        return sum(matches(tag, self.past))


@pytest.fixture
def store():
    return Memory()


@pytest.fixture
def invoke(store):
    app = create_app(lambda: store, VirtualClock(5000.0))
    return lambda *args: CliRunner().invoke(app, args)


def test_an_accepted_tag_becomes_a_topic():
    book = TagBook()
    tag = book.suggest(burst("杯盖", "裂开"))
    assert tag.status == "suggested"
    book.accept(tag.id, "quality.cup_lid", 5000.0)
    analyser = Analyser(tags=book.phrases())
    assert "quality.cup_lid" in analyser.analyse("杯蓋松了", "zh", -0.2, None).topics


def test_known_phrases_are_not_suggested_again_dismissed_ones_after_a_month():
    book = TagBook()
    tag = book.suggest(burst("杯盖"))
    assert book.suggest(burst("杯盖", "别的", at=7200.0)) is None
    book.dismiss(tag.id, 8000.0)
    assert book.suggest(burst("杯盖", at=20 * DAY)) is None
    assert book.suggest(burst("杯盖", at=31 * DAY)).id == tag.id


def test_decisions_are_final_and_checked():
    book = TagBook()
    tag = book.suggest(burst("杯盖"))
    with pytest.raises(TagError, match="no suggestion 0000"):
        book.dismiss("0000", 1.0)
    with pytest.raises(TagError, match="not a topic id"):
        book.accept(tag.id, "Cup Lid", 1.0)
    with pytest.raises(TagError, match="cannot be used"):
        book.accept(tag.id, "quality.cup", 1.0, ["x" * 99])
    book.dismiss(tag.id, 1.0)
    with pytest.raises(TagError, match="was dismissed already"):
        book.accept(tag.id, "quality.cup", 2.0)


def test_book_survives_json_and_is_bounded():
    book = TagBook()
    kept = book.suggest(burst("first one"))
    book.accept(kept.id, "quality.first", 1.0)
    for n in range(MOST_SUGGESTIONS + 50):
        book.suggest(burst(f"phrase {n}", at=3600.0 * n + 7200.0))
    assert len(book.tags()) == MOST_SUGGESTIONS
    assert book.tags("accepted")[0].id == kept.id
    again = TagBook()
    again.restore(json.loads(json.dumps(book.state())))
    assert again.tags() == book.tags()
    with pytest.raises(ValueError, match="does not fit"):
        again.restore({"tags": [{"id": "x"}]})


def test_suggest_lists_masked_examples(store, invoke):
    assert "no suggestions" in invoke("suggest").output
    tag = store.book.suggest(burst("杯盖"))
    shown = invoke("suggest").output
    assert tag.id in shown and "<PHONE:k1:ab>" in shown and "12 feedbacks of 9 customers" in shown
    assert json.loads(invoke("suggest", "--json").output)[0]["phrases"] == ["杯盖"]


def test_accept_saves_and_applies_to_the_past(store, invoke):
    tag = store.book.suggest(burst("杯盖"))
    result = invoke("accept", tag.id, "quality.cup_lid", "--past")
    assert result.exit_code == 0
    assert "2 stored feedbacks got it" in result.output
    assert store.saved == 1
    assert store.book.tags("accepted")[0].decided_at == 5000.0
    assert "accepted as quality.cup_lid" in invoke("suggest", "--all").output


def test_accept_takes_other_phrases(store, invoke):
    tag = store.book.suggest(burst("杯盖"))
    invoke("accept", tag.id, "quality.cup_lid", "--phrase", "Cup Lid", "--phrase", "杯盖")
    assert store.book.phrases() == {"quality.cup_lid": ("cup lid", "杯盖")}


def test_a_wrong_decision_says_so_and_saves_nothing(store, invoke):
    tag = store.book.suggest(burst("杯盖"))
    result = invoke("accept", tag.id, "nonsense")
    assert result.exit_code == 1
    assert "not a topic id" in result.output
    assert invoke("dismiss", "ffff").exit_code == 1
    assert store.saved == 0
    assert invoke("dismiss", tag.id).exit_code == 0
    assert store.saved == 1
