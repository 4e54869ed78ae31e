"""What must hold of phrases, duplicates and clusters for any input."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from models.dedup import SeenIds
from models.fingerprint import fingerprint
from models.near_duplicate import ClusterIndex
from models.topics import Analyser
from models.topics.automaton import Phrase, PhraseAutomaton

SMALL = st.text("ab好 坏", max_size=30)
PHRASES = st.lists(st.text("好坏很", min_size=1, max_size=4), min_size=1, max_size=6, unique=True)
KINDS = {"complaint", "suggestion", "praise", "question", "request"}
ANALYSER = Analyser()


def naive(phrases, text):
    """Every occurrence not inside a longer occurrence, in order of end."""
    spans = [
        (start, start + len(phrase), index)
        for index, phrase in enumerate(phrases)
        for start in range(len(text))
        if text.startswith(phrase, start)
    ]
    kept = [
        (end, start, index)
        for start, end, index in spans
        if not any(s <= start and end <= e and e - s > end - start for s, e, _ in spans)
    ]
    return sorted((end, 2 * index) for end, _, index in kept)


@given(PHRASES, st.text("好坏很a", max_size=12))
def test_automaton_agrees_with_plain_search(phrases, text):
    found = PhraseAutomaton([Phrase(phrase, 0) for phrase in phrases]).scan(text)
    assert sorted(found) == sorted(code for _, code in naive(phrases, text))


@given(st.text(max_size=300), st.floats(-1, 1), st.one_of(st.none(), st.floats(1, 5)))
def test_analysis_is_total_and_closed(text, polarity, rating):
    found = ANALYSER.analyse(text, "", polarity, rating)
    assert set(found.topics) <= set(ANALYSER.taxonomy.topics)
    assert len(found.topics) == len(set(found.topics)) <= 5
    assert found.kind in KINDS
    assert found.urgency in {"urgent", "normal", "low"}
    assert found.demand == bool(found.demands)
    assert not (found.urgency == "urgent" and not found.reasons)


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.floats(0, 3e6)), max_size=60), st.integers(0, 60))
def test_dedup_never_emits_twice_within_the_window_whatever_the_cuts(events, cut):
    window, seen, first = 604_800.0, SeenIds(), {}
    for n, (ident, at) in enumerate(events):
        if n == cut:
            seen = SeenIds(json.loads(json.dumps(seen.entries)))
        new = seen.step(ident, at)
        assert new == (ident not in first or abs(at - first[ident]) >= window)
        if new:
            first[ident] = at


@given(st.text(max_size=200), st.sampled_from(["!", "。", " ", "…", "\u200b"]))
def test_words_do_not_depend_on_punctuation_around_them(text, mark):
    assert fingerprint(mark + text + mark).words == fingerprint(text).words


@settings(max_examples=30)
@given(
    st.lists(st.tuples(SMALL, st.sampled_from("xyz"), st.integers(0, 50)), max_size=40), st.integers(0, 40)
)
def test_clusters_do_not_depend_on_a_restart(events, cut):
    steady, stopped = ClusterIndex(capacity=8, window=20.0), ClusterIndex(capacity=8, window=20.0)
    for n, (text, customer, at) in enumerate(events):
        if n == cut:
            state = json.loads(json.dumps(stopped.state()))
            stopped = ClusterIndex(capacity=8, window=20.0)
            stopped.restore(state)
        event = (text, f"f{n}", customer, float(at), "app")
        assert stopped.step(*event) == steady.step(*event)
    assert len(steady.state()["rows"]) <= 8
