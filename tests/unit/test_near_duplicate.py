"""Fingerprints and clusters: bounded, by event time, the same after a restart."""

import json
import random

import pytest

from models.fingerprint import fingerprint, similarity
from models.near_duplicate import ClusterIndex

COMPLAINTS = [
    "这批杯子全是裂的，一倒热水就漏",
    "这批杯子都是裂的，一倒热水就漏",
    "这批杯子全是裂的 一倒热水就漏!!!",
    "这批杯子全是裂的，一倒热水就漏，差评",
    "這批杯子全是裂的，一倒熱水就漏",
    "刚收到，这批杯子全是裂的，一倒热水就漏",
]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("杯子裂了！！", "杯子，裂了"),
        ("退貨", "退货"),
        ("ＡＰＰ Crashed", "app crashed"),
        ("order 123 is late", "order 98765 is late"),
        ("打 <PHONE:k3:0a1b> 没人接", "打 <PHONE:k4:ffff> 没人接"),
        ("cracked lid 😡", "cracked  lid😡"),
    ],
)
def test_the_same_words_have_one_fingerprint(left, right):
    assert fingerprint(left).words == fingerprint(right).words
    assert similarity(fingerprint(left), fingerprint(right)) == 1.0


@pytest.mark.parametrize(
    ("left", "right"), [("好吃", "不好吃"), ("<PHONE:k3:aa>", "<EMAIL:k3:aa>"), ("a b", "b a"), ("", "a")]
)
def test_other_words_have_another(left, right):
    assert fingerprint(left).words != fingerprint(right).words


def test_similarity_estimates_the_share_of_common_pairs():
    words = [f"w{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(200)]
    left, right = " ".join(words[:120]), " ".join(words[40:160])
    truth = 79 / (119 + 119 - 79)
    assert abs(similarity(fingerprint(left), fingerprint(right)) - truth) < 0.2


def test_voices_about_one_batch_are_one_issue():
    index = ClusterIndex(capacity=256)
    found = [
        index.step(text, f"f{n}", f"c{n}", 60.0 * n, ("app", "social", "review")[n % 3])
        for n, text in enumerate(COMPLAINTS * 2)
    ]
    assert len({cluster.cluster_id for cluster in found}) == 1
    assert (found[-1].size, found[-1].channels, found[-1].first) == (12, 3, "f0")
    other = index.step("物流太慢了，三天还没到", "f99", "c99", 800.0, "app")
    assert other.cluster_id != found[0].cluster_id


def test_one_customer_is_one_voice():
    index = ClusterIndex(capacity=16)
    for n in range(5):
        cluster = index.step(COMPLAINTS[0], f"f{n}", "c1", float(n))
    assert cluster.size == 1


def test_the_window_is_event_time_and_reaches_back():
    index = ClusterIndex(capacity=16, window=100.0)
    first = index.step(COMPLAINTS[0], "f1", "c1", 1000.0)
    late = index.step(COMPLAINTS[0], "f2", "c2", 950.0)
    assert late.slot == first.slot
    assert index.step(COMPLAINTS[0], "f3", "c3", 1101.0).slot != first.slot


def test_partitions_agree_on_the_id_of_one_text():
    one, two = ClusterIndex(capacity=16), ClusterIndex(capacity=64)
    two.step("something else entirely", "f0", "c0", 0.0)
    left, right = one.step("cup cracked", "f1", "c1", 0.0), two.step("cup cracked", "f2", "c2", 9.0)
    assert left.cluster_id == right.cluster_id


def test_finding_changes_nothing():
    index = ClusterIndex(capacity=16)
    assert index.find(fingerprint("a b c"), 0.0) is None
    cluster = index.step("a b c", "f1", "c1", 0.0)
    before = json.dumps(index.state())
    assert index.find(fingerprint("A, b, c"), 1.0) == cluster.cluster_id
    assert json.dumps(index.state()) == before


def events(seed, n):
    generator = random.Random(seed)
    subjects, ends = ["杯子", "盖子", "快递", "客服", "app"], ["裂了", "漏水", "很慢", "不理人", "闪退"]
    for i in range(n):
        text = "".join(generator.choice(subjects) + generator.choice(ends) for _ in range(2))
        yield text, f"f{i}", f"c{generator.randrange(9)}", i * 50.0, generator.choice(["app", "web"])


def test_rows_rebuild_an_index_that_goes_on_as_if_never_stopped():
    steady, stopped, rows = ClusterIndex(capacity=64), ClusterIndex(capacity=64), {}
    for n, event in enumerate(events(7, 600)):
        if n % 150 == 149:
            stopped = ClusterIndex(capacity=64)
            stopped.load(json.loads(json.dumps(list(rows.values()))))
        cluster = stopped.step(*event)
        rows[cluster.slot] = stopped.row(cluster.slot)
        assert cluster == steady.step(*event)
    assert json.dumps(stopped.state()) == json.dumps(steady.state())
    assert len(steady.state()["rows"]) <= 64


def test_state_of_another_capacity_is_refused():
    with pytest.raises(ValueError, match="64 clusters, this index 16"):
        ClusterIndex(capacity=16).restore(ClusterIndex(capacity=64).state())
    with pytest.raises(ValueError, match="power of two"):
        ClusterIndex(capacity=100)
    with pytest.raises(ValueError, match="threshold"):
        ClusterIndex(threshold=0.0)
