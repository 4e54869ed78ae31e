"""Repeats by id, and the same words through another channel."""

import json

from models.dedup import SameWords, SeenIds

DAY = 86_400.0


def test_an_id_is_new_once_within_the_window_whatever_the_order():
    seen = SeenIds()
    assert [seen.step("a", at) for at in (10 * DAY, 10 * DAY, 4 * DAY, 16.9 * DAY)] == [
        True,
        False,
        False,
        False,
    ]
    assert seen.step("a", 17.1 * DAY)
    assert not seen.step("a", 17.2 * DAY)


def test_memory_is_a_plain_dict_that_survives_json():
    seen = SeenIds()
    for n in range(20):
        seen.step(f"f{n}", float(n))
    again = SeenIds(json.loads(json.dumps(seen.entries)))
    assert not any(again.step(f"f{n}", 30.0) for n in range(20))
    assert again.step("f20", 30.0)


def test_bounded_and_the_oldest_goes_first():
    seen = SeenIds(most=100)
    for n in range(1000):
        assert seen.step(f"f{n}", float(n))
    assert len(seen.entries) <= 100
    assert not seen.step("f999", 1000.0)


def test_a_late_event_is_known_as_long_as_any_other():
    """Found by chaos: among a loud customer's ids the earliest by event time went, a late one at once."""
    seen = SeenIds(most=10)
    for n in range(10):
        seen.step(f"f{n}", 100 * DAY + n)
    assert seen.step("late", 96 * DAY)
    for n in range(8):
        seen.step(f"g{n}", 100 * DAY + n)
    assert not seen.step("late", 96 * DAY)
    assert seen.step("f0", 100 * DAY) and len(seen.entries) <= 10


def test_what_another_log_heard_long_ago_pushes_out_nothing_heard_here_lately():
    own, other = SeenIds(most=128), SeenIds(most=128)
    for n in range(100):
        assert own.step(f"own{n}", 60 * DAY + n)
        assert other.step(f"old{n}", 30 * DAY + n)
    for n in range(100):
        assert other.step(f"new{n}", 59 * DAY + n)
    own.merge(other.entries)
    assert len(own.entries) <= 128
    assert not any(own.step(f"own{n}", 60 * DAY + n) for n in range(100))
    assert not any(own.step(f"new{n}", 59 * DAY + n) for n in range(80, 100)), "the other's newest"


def test_same_words_are_linked_across_channels_within_a_day():
    said = SameWords()
    assert said.step("w", "app", "f1", 0.0) is None
    assert said.step("w", "app", "f2", 10.0) is None
    assert said.step("w", "social", "f3", 20.0) == "f1"
    assert said.step("w", "call", "f4", DAY - 1) == "f1"
    assert said.step("other", "call", "f5", 30.0) is None
    assert said.step("w", "call", "f6", DAY + 1) is None
    assert said.step("w", "app", "f7", DAY + 2) == "f6"


def test_the_same_event_again_is_not_linked_to_itself():
    said = SameWords()
    said.step("w", "app", "f1", 0.0)
    assert said.step("w", "web", "f1", 5.0) is None


def test_same_words_are_bounded():
    said = SameWords(most=8)
    for n in range(100):
        said.step(f"w{n}", "app", f"f{n}", float(n))
    assert len(said.entries) <= 8
    assert said.step("w99", "web", "f", 100.0) == "f99"


def test_what_another_log_heard_days_before_hides_no_newer_words():
    said, late = SameWords(), SameWords()
    said.step("w", "app", "f2", 5 * DAY)
    said.merge({"w": ("f1", "social", 0.0)})
    assert said.step("w", "call", "f3", 5 * DAY + 10) == "f2"
    late.step("w", "app", "f1", 0.0)
    late.merge({"w": ("f2", "social", 5 * DAY)})
    assert late.step("w", "call", "f3", 5 * DAY + 10) == "f2"
    late.merge({"w": ("f0", "web", 5 * DAY - 10)})
    assert late.step("w", "call", "f3", 5 * DAY + 10) == "f0"
