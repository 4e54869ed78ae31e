"""One id for an issue over partitions: whoever hears what first, again, in between, or a week later."""

from __future__ import annotations

import random
from collections import defaultdict
from itertools import product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.fingerprint import Fingerprint, fingerprint
from models.near_duplicate import ClusterIndex
from models.snapshot import Snapshot, decode, encode
from models.topics.issues import Alias, Issues
from streams.codec import dumps
from streams.issues import LiveIssues

DAY = 86_400.0
CUPS = (
    "这批杯子全是裂的，一倒热水就漏",
    "这批杯子都是裂的，一倒热水就漏",
    "刚收到，这批杯子全是裂的，一倒热水就漏",
    "这批杯子全是裂的，一倒热水就漏，差评",
    "我的这批杯子全是裂的，一倒开水就漏",
    "这批杯子全是裂的，倒热水就漏了",
)
APP = (
    "the app crashes every time I open the camera since the update",
    "since the update the app crashes every time I open the camera",
    "App crashes every time I open the camera since the last update",
    "the app crashes every time i open my camera since the update!!",
)
TEXTS = (*CUPS, *APP)


def others(count: int, seed: int = 5) -> list[str]:
    """Texts that have nothing in common."""
    rng = random.Random(seed)
    return [" ".join(f"w{rng.randrange(10**9):x}" for _ in range(9)) for _ in range(count)]


def local(mark: Fingerprint) -> str:
    return ClusterIndex(2).join(mark, "f", "c", 0.0).cluster_id


class Heard:
    """Partitions with their own indexes, the observer's issues, and who follows the aliases."""

    def __init__(self, partitions: int = 4, capacity: int = 64) -> None:
        self.partitions = [ClusterIndex(64) for _ in range(partitions)]
        self.issues = Issues(capacity)
        self.told: list[Alias] = []
        self.ids: list[str] = []

    def says(self, partition: int, text: str, at: float = 0.0) -> str:
        number, mark = len(self.ids), fingerprint(text)
        cluster = self.partitions[partition].join(mark, f"f{number}", f"c{number}", at).cluster_id
        self.issues.step(cluster, lambda: mark.minima, at)
        self.told += self.issues.taken()
        self.ids.append(cluster)
        return cluster


def live(told: list[Alias]) -> LiveIssues:
    followed = LiveIssues()
    for alias in told:
        value = {"cluster_id": alias.cluster_id, "issue_id": alias.issue_id, "at": 0}
        followed.apply(alias.cluster_id.encode(), dumps(value))
    return followed


@settings(max_examples=60, deadline=None)
@given(st.permutations(TEXTS), st.data())
def test_two_issues_whoever_hears_them_first(texts: list[str], data: st.DataObject) -> None:
    heard = Heard()
    for number, text in enumerate(texts):
        heard.says(data.draw(st.integers(0, 3)), text, 60.0 * number)
    followed, groups = live(heard.told), defaultdict(set)
    for text, cluster in zip(texts, heard.ids, strict=True):
        groups[followed.issue_of(cluster)].add(text in CUPS)
    assert len(groups) == 2 and all(len(kinds) == 1 for kinds in groups.values())


@settings(max_examples=60, deadline=None)
@given(st.permutations(TEXTS), st.randoms(use_true_random=False))
def test_records_of_different_clusters_may_come_in_any_order_and_again(
    texts: list[str], rng: random.Random
) -> None:
    heard = Heard()
    for number, text in enumerate(texts):
        heard.says(number % 4, text)
    shuffled = [*heard.told, *rng.sample(heard.told, len(heard.told) // 2)]
    rng.shuffle(shuffled)
    ids = {cluster: live(heard.told).issue_of(cluster) for cluster in heard.ids}
    assert {cluster: live(shuffled).issue_of(cluster) for cluster in heard.ids} == ids


def test_twelve_single_voices_in_twelve_partitions_are_one_issue() -> None:
    heard = Heard(12)
    ids = {heard.says(n, CUPS[n % len(CUPS)] + "！" * n, 3600.0 * n) for n in range(12)}
    assert len(ids) == len(CUPS), "each wording has an id of its own in its partition"
    assert len({live(heard.told).issue_of(ident) for ident in ids}) == 1


def test_strangers_have_nothing_to_do_with_each_other() -> None:
    heard = Heard(capacity=4096)
    for text in others(500):
        heard.says(0, text)
    assert heard.told == []


def test_an_issue_people_talk_about_outlives_what_was_said_once() -> None:
    heard = Heard(2)
    first = heard.says(0, CUPS[0])
    for number, text in enumerate(others(1000)):
        heard.says(0, text, 60.0 * number)
        if number % 40 == 0:
            heard.says(1, CUPS[0], 60.0 * number)
    last = heard.says(1, CUPS[2], 60_000.0)
    assert last == first or live(heard.told).issue_of(last) == first


def test_an_issue_that_became_part_of_a_later_one_is_found_over_both_hops_and_there_are_no_circles() -> None:
    heard = Heard()
    one, two, three = (heard.says(n, text) for n, text in enumerate(CUPS[:3]))
    later = heard.says(3, CUPS[3], 20 * DAY)
    assert heard.says(2, CUPS[0], 20 * DAY + 60) == one
    followed = live(heard.told)
    assert [followed.issue_of(ident) for ident in (one, two, three, later)] == [later] * 4
    # And the other way round, once more a month later.
    heard.says(0, CUPS[0], 50 * DAY)
    heard.says(3, CUPS[3], 50 * DAY + 60)
    assert {live(heard.told).issue_of(ident) for ident in (one, two, three, later)} == {one}


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(TEXTS), st.integers(0, 30)), max_size=40))
@example(
    [(0, CUPS[0], 8), (1, CUPS[1], 1), (1, CUPS[1], 0), (0, CUPS[0], 0), (0, CUPS[1], 9), (1, CUPS[0], 1)]
)
def test_there_are_no_circles_however_late_events_are(said: list[tuple[int, str, int]]) -> None:
    heard, words = Heard(), dict[str, str]()
    for partition, text, day in said:
        heard.says(partition, text, day * DAY)
        words = {alias.cluster_id: alias.issue_id for alias in heard.told}
        for cluster in words:
            hops = 0
            while words.get(cluster, cluster) != cluster and hops <= len(words):
                cluster, hops = words[cluster], hops + 1
            assert hops < len(words)


def test_aliases_are_told_again_every_day_they_are_heard_of() -> None:
    heard = Heard()
    heard.says(0, CUPS[0])
    other = heard.says(1, CUPS[1])
    told = len(heard.told)
    for hour in range(1, 73):
        heard.says(1, CUPS[1], 3600.0 * hour)
    again = heard.told[told:]
    assert len(again) <= 6 and {alias.cluster_id for alias in again} >= {other}


@pytest.mark.parametrize("cut", [7, 90, 250])
def test_killed_and_restored_it_goes_on_as_if_nothing_had_happened(cut: int) -> None:
    said = [(n % 4, text) for n, (text, _) in enumerate(product((*TEXTS, *others(90)), range(3)))]
    random.Random(3).shuffle(said)
    never, first = Heard(), Heard()
    for partition, text in said:
        never.says(partition, text)
    for partition, text in said[:cut]:
        first.says(partition, text)
    kept = decode(encode(Snapshot("inputs", 1, 0, 0.0, "c", first.issues.state()))).state
    first.issues = Issues(64)
    first.issues.restore(kept)
    retold = first.issues.taken()
    assert {(a.cluster_id, a.issue_id) for a in retold} <= {(a.cluster_id, a.issue_id) for a in first.told}
    for partition, text in said[cut:]:
        first.says(partition, text)
    assert first.told == never.told
    ends = [encode(Snapshot("inputs", 1, 0, 0.0, "c", one.issues.state())) for one in (never, first)]
    assert ends[0] == ends[1]


def test_another_capacity_is_refused() -> None:
    with pytest.raises(ValueError, match="holds 64"):
        Issues(128).restore(Issues(64).state())
    with pytest.raises(ValueError, match="power of two"):
        Issues(100)


def test_a_malformed_alias_changes_nothing() -> None:
    followed = live([Alias("b", "a", 0.0)])
    followed.apply(b"b", b"not json")
    followed.apply(b"c", b"[1]")
    assert (followed.issue_of("b"), followed.issue_of("c")) == ("a", "c")
    followed.apply(b"b", None)
    assert followed.issue_of("b") == "b"


def test_a_mark_of_a_long_text_is_what_the_text_gives() -> None:
    assert local(fingerprint(CUPS[0])) == local(fingerprint(CUPS[0] + "！！"))
