"""Notice what people suddenly talk about, against what they always talk about at that hour.

Terms are the word and character n-grams of sentiment, and clusters of near-identical texts. Counts go by
ten minutes; every ten minutes the last hour is held against the term's own past: its share of all feedback
at that hour of the day, drawn towards its share at all hours where that hour has little history. What is
too much for a negative binomial of that mean is a burst. The level of surprise asked for is the allowed
false alarms divided by the number of looks a week, so the bound holds however many terms there are.

Sources: Kleinberg, "Bursty and hierarchical structure in streams", 2002; Farrington et al., "A statistical
algorithm for the early detection of outbreaks of infectious disease", 1996 (own past, same season).
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from models.learner import State
from models.sentiment.language import CHINESE, feature_language
from models.sentiment.linear import Cutter, readable
from models.topics.baseline import PRIOR, SLOT_SECONDS, SLOTS, SeasonalCounts
from models.topics.burst import tail

VERSION = 1
_LOOKS_A_WEEK = 7 * 24 * SLOTS
_MUTE_SECONDS = 86_400.0
_EXAMPLE_LENGTH = 200
_EXAMPLES = 3
_PHRASES = 3
_OVERLAP = 0.5
_LONGEST_PHRASE = 40


@dataclass(frozen=True, slots=True)
class Burst:
    """Something talked about far more than usual.

    Parameters
    ----------
    phrases
        Terms that burst together, longest first, at most three: what a tag would look for.
    since, at
        Start of the hour looked at and time of the look, seconds since the epoch.
    count, expected
        Feedbacks with the leading term in that hour, and how many were to be expected.
    p_value
        Chance of so many without a cause.
    customers
        Different customers among them.
    examples
        Texts, as they came (masked), shortened.
    """

    phrases: tuple[str, ...]
    since: float
    at: float
    count: int
    expected: float
    p_value: float
    customers: int
    examples: tuple[str, ...]


class _Found(NamedTuple):
    """A term beyond the level, in the order bursts are told: most surprising first."""

    p: float
    negative_count: int
    term: int
    expected: float


class BurstDetector:
    """Bursts of terms and clusters in one stream of masked feedback.

    Parameters
    ----------
    bits
        log2 of the counters terms are hashed into; the state takes 136 bytes each at most.
    false_alarms
        Allowed a week, in expectation.
    overdispersion
        Of counts around their mean, see `burst.tail`.
    least
        Feedbacks, and half as many different customers, below which nothing is a burst.
    warm_up
        Seconds of event time before the first look: what a usual day is must be known.
    recent
        Latest texts kept for examples and for telling customers apart.
    """

    name = "emerging"

    def __init__(
        self,
        bits: int = 15,
        false_alarms: float = 0.1,
        overdispersion: float = 0.05,
        least: int = 6,
        warm_up: float = 3 * 86_400.0,
        recent: int = 4096,
    ) -> None:
        if not 8 <= bits <= 20 or false_alarms <= 0 or overdispersion < 0 or least < 2 or recent < 1:
            raise ValueError("emerging: 8 <= bits <= 20, false_alarms > 0, overdispersion >= 0, least >= 2")
        self._bits = bits
        self._false_alarms = false_alarms
        self._overdispersion = overdispersion
        self._least = least
        self._warm_up = warm_up
        self._cutters = {True: Cutter(True), False: Cutter(False)}
        size = 1 << bits
        self._counts = SeasonalCounts(size)
        self._muted = np.zeros(size, np.float64)
        self._first = 0.0
        self._recent: deque[tuple[float, str, str, str, str]] = deque(maxlen=recent)

    def step(self, text: str, lang: str, customer_id: str, at: float, cluster_id: str = "") -> list[Burst]:
        """Count one feedback; returns the bursts that the looks due before it found.

        Parameters
        ----------
        text
            Masked: it is kept for a while, as an example.
        lang
            Language tag, may be empty.
        customer_id, cluster_id
            Whose it is, and its cluster of near-identical texts ("" for none).
        at
            Event time, seconds; what is late by less than an hour counts now, what is later does not.
        """
        bursts = self.advance(at)
        now = self._counts.slot
        if int(at // SLOT_SECONDS) <= now - SLOTS:
            return bursts
        self._counts.add(self._terms(text, lang, cluster_id))
        self._recent.append((max(at, now * SLOT_SECONDS), customer_id, lang, cluster_id, text))
        return bursts

    def advance(self, at: float) -> list[Burst]:
        """Let event time pass to `at`, looking wherever ten minutes were completed."""
        slot = int(at // SLOT_SECONDS)
        counts = self._counts
        if counts.slot < 0:
            counts.slot = slot
            self._first = at
        bursts: list[Burst] = []
        while counts.slot < slot:
            bursts += self._look((counts.slot + 1) * SLOT_SECONDS)
            if slot - counts.slot > SLOTS:
                counts.skip_to(slot)
            else:
                counts.turn()
        return bursts

    def _terms(self, text: str, lang: str, cluster_id: str) -> npt.NDArray[np.int64]:
        cutter = self._cutters[feature_language(lang, text) == CHINESE]
        cutter.cut(text)
        hashes = cutter.hashes[: int(cutter.bounds[1])]
        terms = (hashes >> np.uint32(32 - self._bits)).astype(np.int64)
        return np.append(terms, self._cluster_term(cluster_id)) if cluster_id else terms

    def _cluster_term(self, cluster_id: str) -> int:
        return zlib.crc32(cluster_id.encode()) >> (32 - self._bits)

    def _look(self, at: float) -> list[Burst]:
        if at - self._first < self._warm_up or self._counts.texts < self._least:
            return []
        counts, past = self._counts.window(), self._counts.past()
        terms = np.flatnonzero(counts >= self._least)
        terms = terms[self._muted[terms] <= at]
        if not terms.size:
            return []
        expected = self._counts.expected(terms)
        spread = np.sqrt(expected + self._overdispersion * expected**2)
        surprising = np.flatnonzero(counts[terms] > expected + 3 * spread)
        if not surprising.size:
            return []
        level = self._false_alarms / (_LOOKS_A_WEEK * (int(np.count_nonzero(counts + past)) + 1))
        found = []
        for index in surprising.tolist():
            term, mean = int(terms[index]), float(expected[index])
            # What is known of a term's share is known from so many mentions only.
            doubt = 1.0 / (float(past[term]) + PRIOR)
            p = tail(int(counts[term]), mean, self._overdispersion + doubt)
            if p < level:
                found.append(_Found(p, -int(counts[term]), term, mean))
        return self._describe(sorted(found), at) if found else []

    def _describe(self, found: list[_Found], at: float) -> list[Burst]:
        """Put terms that burst in the same texts together and say them in words."""
        since = at - SLOTS * SLOT_SECONDS
        texts = [entry for entry in self._recent if since <= entry[0] < at]
        holding = [set(self._terms(text, lang, cluster).tolist()) for _, _, lang, cluster, text in texts]
        places = {
            hit.term: {index for index, terms in enumerate(holding) if hit.term in terms} for hit in found
        }
        # What goes on of a burst already told explains terms that only now stand out.
        told = set(np.flatnonzero(self._muted > at).tolist())
        explained = {index for index, terms in enumerate(holding) if terms & told}
        bursts = []
        left = []
        for hit in found:
            if len(places[hit.term] & explained) >= _OVERLAP * len(places[hit.term]):
                self._muted[hit.term] = at + _MUTE_SECONDS
            else:
                left.append(hit)
        while left:
            lead = left[0]
            home = places[lead.term]
            near = {lead.term}
            for hit in left:
                if len(places[hit.term] & home) >= _OVERLAP * min(len(places[hit.term]), len(home)):
                    near.add(hit.term)
            left = [hit for hit in left if hit.term not in near]
            here = [texts[index] for index in sorted(home)]
            customers = len({customer for _, customer, _, _, _ in here})
            phrases = self._phrases(near, here)
            if customers * 2 < self._least or not phrases:
                continue  # one loud customer, or nothing that could be said
            self._muted[sorted(near)] = at + _MUTE_SECONDS
            examples = tuple(dict.fromkeys(text[:_EXAMPLE_LENGTH] for *_, text in here))[:_EXAMPLES]
            count, mean = -lead.negative_count, round(lead.expected, 3)
            bursts.append(Burst(phrases, since, at, count, mean, lead.p, customers, examples))
        return bursts

    def _phrases(self, terms: set[int], texts: list[tuple[float, str, str, str, str]]) -> tuple[str, ...]:
        """Return the stretches of text behind hashed terms: in most texts first, then longest."""
        seen: dict[str, int] = {}
        for _, _, lang, _, whole in texts:
            text = readable(whole)
            cutter = self._cutters[feature_language(lang, text) == CHINESE]
            cutter.cut(text)
            count = int(cutter.bounds[1])
            hashes = (cutter.hashes[:count] >> np.uint32(32 - self._bits)).tolist()
            spans = cutter.spans[:count].tolist()
            stretches = set()
            for term, (start, end) in zip(hashes, spans, strict=True):
                if term in terms and 1 < end - start <= _LONGEST_PHRASE:
                    stretches.add(text[start:end].lower().strip(" ,.!?;:，。！？；：、~"))
            for stretch in stretches:
                seen[stretch] = seen.get(stretch, 0) + 1
        # Half the texts must say it, and it must not run over a pause.
        ranked = sorted(
            (stretch for stretch, count in seen.items() if count * 2 >= len(texts) and _sayable(stretch)),
            key=lambda stretch: (-len(stretch), -seen[stretch], stretch),
        )
        kept: list[str] = []
        for stretch in ranked:
            if not any(stretch in longer for longer in kept):
                kept.append(stretch)
        return tuple(kept[:_PHRASES])

    def state(self) -> State:
        """Return everything: counts, window, mutes, recent texts."""
        return {
            "version": VERSION,
            "bits": self._bits,
            "counts": dict(self._counts.state()),
            "muted": self._muted.copy(),
            "first": self._first,
            "recent": [list(entry) for entry in self._recent],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`; raises ValueError when it is of another version or size."""
        if state.get("version") != VERSION or state.get("bits") != self._bits:
            raise ValueError(f"emerging state is of version {state.get('version')}, {state.get('bits')} bits")
        self._counts.restore(state["counts"])
        self._muted = np.array(state["muted"], np.float64)
        self._first = float(state["first"])
        self._recent.clear()
        for at, customer, lang, cluster, text in state["recent"]:
            self._recent.append((float(at), customer, lang, cluster, text))


def _sayable(stretch: str) -> bool:
    """Tell whether a stretch is words only: no pause inside, no mask token, at least two characters."""
    return len(stretch) > 1 and all(char.isalnum() or char in " '-’" for char in stretch)
