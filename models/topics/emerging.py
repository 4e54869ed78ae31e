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
from typing import Any

import numpy as np
import numpy.typing as npt

from models.learner import State
from models.sentiment.language import CHINESE, feature_language
from models.sentiment.linear import Cutter
from models.topics.burst import tail

VERSION = 1
SLOT_SECONDS = 600.0
_SLOTS = 6
_HOURS = 24
_LOOKS_A_WEEK = 7 * 24 * _SLOTS
_SHRINKAGE = 100.0
_PRIOR = 0.5
_DAILY_DECAY = 0.95
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
        self._past = np.zeros((_HOURS, size), np.float32)
        self._past_total = np.zeros(_HOURS, np.float64)
        self._slots = np.zeros((_SLOTS, size), np.float32)
        self._slot_total = np.zeros(_SLOTS, np.float64)
        self._muted = np.zeros(size, np.float64)
        self._slot = -1
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
        slot = int(at // SLOT_SECONDS)
        bursts = self.advance(at)
        if slot <= self._slot - _SLOTS:
            return bursts
        row = self._slot % _SLOTS
        self._slots[row, self._terms(text, lang, cluster_id)] += 1
        self._slot_total[row] += 1
        self._recent.append((max(at, self._slot * SLOT_SECONDS), customer_id, lang, cluster_id, text))
        return bursts

    def advance(self, at: float) -> list[Burst]:
        """Let event time pass to `at`, looking wherever ten minutes were completed."""
        slot = int(at // SLOT_SECONDS)
        if self._slot < 0:
            self._slot = slot
            self._first = at
        bursts: list[Burst] = []
        while self._slot < slot:
            bursts += self._look((self._slot + 1) * SLOT_SECONDS)
            if slot - self._slot > _SLOTS:  # a gap longer than the window: nothing in between to look at
                for _ in range(_SLOTS):
                    self._turn()
                self._slot = slot
                break
            self._turn()
        return bursts

    def _turn(self) -> None:
        """Begin the next slot; the one that leaves the window becomes past."""
        self._slot += 1
        row = self._slot % _SLOTS
        hour = (self._slot - _SLOTS) // _SLOTS % _HOURS
        if (self._slot - _SLOTS) % _SLOTS == 0:
            self._past[hour] *= np.float32(_DAILY_DECAY)
            self._past_total[hour] *= _DAILY_DECAY
        self._past[hour] += self._slots[row]
        self._past_total[hour] += self._slot_total[row]
        self._slots[row] = 0
        self._slot_total[row] = 0

    def _terms(self, text: str, lang: str, cluster_id: str) -> npt.NDArray[np.int64]:
        cutter = self._cutters[feature_language(lang, text) == CHINESE]
        cutter.cut(text)
        hashes = cutter.hashes[: int(cutter.bounds[1])]
        terms = (hashes >> np.uint32(32 - self._bits)).astype(np.int64)
        return np.append(terms, self._cluster_term(cluster_id)) if cluster_id else terms

    def _cluster_term(self, cluster_id: str) -> int:
        return zlib.crc32(cluster_id.encode()) >> (32 - self._bits)

    def expected(self, at: float) -> npt.NDArray[np.float64]:
        """Return how many feedbacks of each term the window should hold, given how many it holds in all."""
        share = (self._past.sum(axis=0, dtype=np.float64) + _PRIOR) / (float(self._past_total.sum()) + 1.0)
        expected = np.zeros(1 << self._bits, np.float64)
        # The window may lie across two hours of the day, each with its own past.
        volume: dict[int, float] = {}
        last = int(at // SLOT_SECONDS) - 1
        for slot in range(last - _SLOTS + 1, last + 1):
            hour = slot // _SLOTS % _HOURS
            volume[hour] = volume.get(hour, 0.0) + float(self._slot_total[slot % _SLOTS])
        for hour, size in volume.items():
            past = (self._past[hour] + _SHRINKAGE * share) / (self._past_total[hour] + _SHRINKAGE)
            expected += size * past
        return expected

    def _look(self, at: float) -> list[Burst]:
        if at - self._first < self._warm_up:
            return []
        counts = self._slots.sum(axis=0, dtype=np.float64)
        expected = self.expected(at)
        spread = np.sqrt(expected + self._overdispersion * expected**2)
        candidates = np.flatnonzero(
            (counts >= self._least) & (counts > expected + 3 * spread) & (self._muted <= at)
        )
        if not candidates.size:
            return []
        active = int(np.count_nonzero(counts + self._past.sum(axis=0))) + 1
        level = self._false_alarms / (_LOOKS_A_WEEK * active)
        found = []
        for term in candidates.tolist():
            # What is known of a term's share is known from so many mentions only.
            doubt = 1.0 / (float(self._past[:, term].sum()) + _PRIOR)
            p = tail(int(counts[term]), float(expected[term]), self._overdispersion + doubt)
            if p < level:
                found.append((p, -int(counts[term]), term))
        return self._describe(sorted(found), expected, at) if found else []

    def _describe(
        self, found: list[tuple[float, int, int]], expected: npt.NDArray[np.float64], at: float
    ) -> list[Burst]:
        """Put terms that burst in the same texts together and say them in words."""
        since = at - _SLOTS * SLOT_SECONDS
        texts = [entry for entry in self._recent if since <= entry[0] < at]
        holding = [set(self._terms(text, lang, cluster).tolist()) for _, _, lang, cluster, text in texts]
        places = {
            term: {index for index, terms in enumerate(holding) if term in terms} for _, _, term in found
        }
        # What goes on of a burst already told explains terms that only now stand out.
        told = set(np.flatnonzero(self._muted > at).tolist())
        explained = {index for index, terms in enumerate(holding) if terms & told}
        bursts = []
        left = []
        for entry in found:
            if len(places[entry[2]] & explained) >= _OVERLAP * len(places[entry[2]]):
                self._muted[entry[2]] = at + _MUTE_SECONDS
            else:
                left.append(entry)
        while left:
            p, count, lead = left[0]
            near = {
                term for _, _, term in left
                if len(places[term] & places[lead]) >= _OVERLAP * min(len(places[term]), len(places[lead]))
            } | {lead}  # fmt: skip
            left = [entry for entry in left if entry[2] not in near]
            self._muted[sorted(near)] = at + _MUTE_SECONDS
            here = [texts[index] for index in sorted(places[lead])]
            customers = len({customer for _, customer, _, _, _ in here})
            phrases = self._phrases(near, here)
            if customers * 2 < self._least or not phrases:
                continue
            examples = tuple(dict.fromkeys(text[:_EXAMPLE_LENGTH] for *_, text in here))[:_EXAMPLES]
            mean = round(float(expected[lead]), 3)
            bursts.append(Burst(phrases, since, at, -count, mean, p, customers, examples))
        return bursts

    def _phrases(self, terms: set[int], texts: list[tuple[float, str, str, str, str]]) -> tuple[str, ...]:
        """Return the stretches of text behind hashed terms: in most texts first, then longest."""
        seen: dict[str, int] = {}
        for _, _, lang, _, text in texts:
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
            "past": self._past.copy(),
            "past_total": self._past_total.copy(),
            "slots": self._slots.copy(),
            "slot_total": self._slot_total.copy(),
            "muted": self._muted.copy(),
            "slot": self._slot,
            "first": self._first,
            "recent": [list(entry) for entry in self._recent],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`; raises ValueError when it is of another version or size."""
        if state.get("version") != VERSION or state.get("bits") != self._bits:
            raise ValueError(f"emerging state is of version {state.get('version')}, {state.get('bits')} bits")
        self._past = np.array(state["past"], np.float32)
        self._past_total = np.array(state["past_total"], np.float64)
        self._slots = np.array(state["slots"], np.float32)
        self._slot_total = np.array(state["slot_total"], np.float64)
        self._muted = np.array(state["muted"], np.float64)
        self._slot = int(state["slot"])
        self._first = float(state["first"])
        self._recent.clear()
        for at, customer, lang, cluster, text in state["recent"]:
            self._recent.append((float(at), customer, lang, cluster, text))


def _sayable(stretch: str) -> bool:
    """Tell whether a stretch is words only: no pause inside, no mask token, at least two characters."""
    return len(stretch) > 1 and all(char.isalnum() or char in " '-’" for char in stretch)
