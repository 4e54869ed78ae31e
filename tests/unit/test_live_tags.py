"""Accepted tags reach the scorer as they stand on the topic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from models.topics.analyser import Analyser
from models.topics.emerging import Burst
from models.topics.tags import TagBook
from streams.codec import dumps
from streams.outbox import Layout, Outbox
from streams.tags import LiveTags

BURST = Burst(("杯盖", "裂开"), 0.0, 3600.0, 9, 0.1, 1e-9, 8, ("杯盖裂开了",))


class Later:
    """Collects what is to be done a little later."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], None]] = []

    def __call__(self, call: Callable[[], None]) -> None:
        self.calls.append(call)

    def come(self) -> None:
        calls, self.calls = self.calls, []
        for call in calls:
            call()


def test_an_accepted_tag_is_found_in_texts_from_then_on() -> None:
    later, analyser, book = Later(), Analyser(), TagBook()
    live = LiveTags(later)
    live.installers.append(analyser.apply_tags)
    tag = book.suggest(BURST)
    assert tag is not None
    live.apply(tag.id.encode(), dumps(asdict(tag)))
    later.come()
    assert analyser.analyse("杯盖裂开了", "zh", -0.5, None).topics == []
    live.apply(tag.id.encode(), dumps(asdict(book.accept(tag.id, "quality.cup_lid", 4000.0))))
    later.come()
    assert "quality.cup_lid" in analyser.analyse("杯盖裂开了", "zh", -0.5, None).topics
    live.apply(tag.id.encode(), None)
    later.come()
    assert analyser.tags == {}


def test_records_that_come_together_are_compiled_once() -> None:
    later, installed, book = Later(), [], TagBook()
    live = LiveTags(later)
    live.installers.append(installed.append)
    for number in range(20):
        tag = book.suggest(Burst((f"词{number}",), 0.0, 3600.0, 9, 0.1, 1e-9, 8, ()))
        assert tag is not None
        accepted = book.accept(tag.id, f"group.topic{number}", 1.0)
        live.apply(tag.id.encode(), dumps(asdict(accepted)))
    assert len(later.calls) == 1
    later.come()
    assert [len(phrases) for phrases in installed] == [20]


def test_a_malformed_record_changes_nothing() -> None:
    later = Later()
    live = LiveTags(later)
    live.apply(b"x", b"{")
    live.apply(b"x", b'{"id": 1}')
    assert later.calls == [] and live.book.tags() == ()


def test_a_burst_is_suggested_once() -> None:
    live, out = LiveTags(Later()), Outbox(Layout({}))
    assert live.suggest(BURST, out) is not None
    assert live.suggest(BURST, out) is None
    assert len(out) == 1
