"""Topics learned from corrections, beside the phrases.

Phrases are right from the first event but fixed; corrections say what they miss. The classifier reads
the same hashed n-grams as sentiment, and what phrases found, so a correction in one language helps the
other. Corrections are few: each is kept, as hashed features, and rehearsed with later ones. Near-identical
texts share their corrections outright.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from models.fingerprint import Fingerprint, fingerprint
from models.learner import State, finite
from models.near_duplicate import ClusterIndex
from models.sentiment.language import CHINESE, feature_language
from models.sentiment.linear import Cutter
from models.topics.softmax import (
    ROW,
    bayes,
    count_features,
    descend,
    gather,
    mixed,
    probabilities,
    scores,
    weigh,
)

VERSION = 2
_RATE = 0.25
_BALANCE = 0.5
_CLUSTER = 4.0
_MIX = (1.0, 0.5, 0.1, 0.1)
"""Factors of linear and naive Bayes scores at first, and their squared gradients."""
_MASK = (1 << 64) - 1

F64 = npt.NDArray[np.float64]


class TopicClassifier:
    """Online multinomial model over topics as they come up; follows `models.learner.Learner`.

    Parameters
    ----------
    bits
        log2 of the buckets; each costs 12 bytes a topic (25 MB for up to 16 topics at 17).
    most_topics
        Topics learned; one more takes the place of the one corrected to least.
    memory
        Corrections kept for rehearsal, 3 KB each.
    rehearsals
        Earlier corrections learned again with each new one.

    Examples
    --------
    >>> model = TopicClassifier(bits=12, memory=64)
    >>> for _ in range(3):
    ...     model.learn_one("the zipper is stuck", "en", "quality.defect")
    ...     model.learn_one("courier never rang", "en", "logistics.courier")
    >>> model.predict("stuck zipper", "en")[0][0]
    'quality.defect'
    """

    name = "topics"

    def __init__(
        self, bits: int = 17, most_topics: int = 96, memory: int = 4096, rehearsals: int = 2
    ) -> None:
        if not 8 <= bits <= 22 or memory < 1 or most_topics < 2 or rehearsals < 0:
            raise ValueError("topics: bits must be 8 to 22, memory ≥ 1, most_topics ≥ 2, rehearsals ≥ 0")
        self.bits = bits
        self._most_topics = most_topics
        self._memory = memory
        self._rehearsals = rehearsals
        self._cutters = {True: Cutter(True), False: Cutter(False)}
        self._at = np.zeros(ROW, np.int32)
        self._value = np.zeros(ROW, np.float32)
        self._clear()

    def _clear(self) -> None:
        self.topics: list[str] = []
        self._counts: list[int] = []
        self._weights = np.zeros((1 << self.bits, 4), np.float32)
        self._squares = np.zeros((1 << self.bits, 4), np.float32)
        self._texts = np.zeros((1 << self.bits, 4), np.float32)
        self._mix = np.array(_MIX)
        self._learned = 0
        self._random = 0x9E3779B97F4A7C15
        self._kept_at = np.zeros((self._memory, ROW), np.int32)
        self._kept_value = np.zeros((self._memory, ROW), np.float32)
        self._kept_size = np.zeros(self._memory, np.int32)
        self._kept_topic = np.zeros(self._memory, np.int32)
        self._clusters = ClusterIndex(4096, window=float("inf"))
        self._corrected: dict[str, dict[str, int]] = {}

    def _extract(self, text: str, lang: str, phrases: Sequence[str]) -> int:
        characters = feature_language(lang, text) == CHINESE
        cutter = self._cutters[characters]
        cutter.cut(text)
        words, letters = (int(bound) for bound in cutter.bounds[1:3])
        if characters:
            letters = words
        names = {*phrases, f"length:{len(text).bit_length()}", "bias"}
        if "?" in text or "？" in text:
            names.add("asks")
        if "!" in text or "！" in text:
            names.add("exclaims")
        signals = np.array([zlib.crc32(name.encode()) for name in sorted(names)], np.uint32)
        return int(gather(cutter.hashes, words, letters, signals, 32 - self.bits, self._at, self._value))

    def _bonus(self, print_: Fingerprint) -> npt.NDArray[np.float64]:
        bonus = np.zeros(len(self.topics), np.float64)
        cluster = self._clusters.find(print_, 0.0)
        counts = self._corrected.get(cluster) if cluster is not None else None
        if counts:
            total = sum(counts.values()) + 1
            for topic, count in counts.items():
                bonus[self.topics.index(topic)] = _CLUSTER * count / total
        return bonus

    def predict(self, text: str, lang: str = "", phrases: Sequence[str] = ()) -> list[tuple[str, float]]:
        """Return every topic learned so far with its probability, likeliest first.

        Parameters
        ----------
        text, lang
            As in `models.sentiment`.
        phrases
            What `Analyser.signals` found in the text.
        """
        if not self.topics:
            return []
        count = self._extract(text, lang, phrases)
        linear, naive, out = self._scores(count, fingerprint(text))
        mixed(linear, naive, self._mix, out)
        return sorted(zip(self.topics, out.tolist(), strict=True), key=lambda pair: (-pair[1], pair[0]))

    def corrected(self, print_: Fingerprint) -> str | None:
        """Return the topic people gave to a near copy of a text: the commonest, of those the latest."""
        cluster = self._clusters.find(print_, 0.0)
        counts = self._corrected.get(cluster) if cluster is not None else None
        return max(reversed(counts), key=counts.__getitem__) if counts else None

    def corrections(self, topic: str) -> tuple[int, int]:
        """Return how many corrections named `topic`, and how many another one."""
        mine = self._counts[self.topics.index(topic)] if topic in self.topics else 0
        return mine, sum(self._counts) - mine

    def _scores(self, count: int, print_: Fingerprint) -> tuple[F64, F64, F64]:
        """Return linear and naive Bayes scores of the text extracted last, and room for their mixture."""
        linear, naive, out = np.empty((3, len(self.topics)))
        scores(self._at, self._value, count, self._weights, self._bonus(print_), linear)
        bayes(self._at, self._value, count, self._texts, np.array(self._counts, np.float64), naive)
        return linear, naive, out

    def learn_one(self, text: str, lang: str, topic: str, phrases: Sequence[str] = ()) -> None:
        """Learn that a text is about `topic`."""
        index = self._index(topic)
        count = self._extract(text, lang, phrases)
        print_ = fingerprint(text)
        if self._counts[index]:
            linear, naive, out = self._scores(count, print_)
            weigh(linear, naive, index, self._weight(index), self._mix, out)
        self._counts[index] += 1
        count_features(self._at, count, index, self._texts)
        slot = self._learned % self._memory
        self._kept_at[slot, :count] = self._at[:count]
        self._kept_value[slot, :count] = self._value[:count]
        self._kept_at[slot, count:] = 0
        self._kept_value[slot, count:] = 0
        self._kept_size[slot] = count
        self._kept_topic[slot] = index
        self._learned += 1
        self._descend(slot)
        for _ in range(self._rehearsals):
            self._descend(self._draw() % min(self._learned, self._memory))
        cluster = self._clusters.join(print_, "", "", 0.0)
        counts = self._corrected.setdefault(cluster.cluster_id, {})
        counts[topic] = counts.pop(topic, 0) + 1  # the latest stands last
        if len(self._corrected) > self._clusters.capacity:
            del self._corrected[next(iter(self._corrected))]

    def _index(self, topic: str) -> int:
        if topic in self.topics:
            return self.topics.index(topic)
        if len(self.topics) >= self._most_topics:
            return self._replace(topic)
        self.topics.append(topic)
        self._counts.append(0)
        if len(self.topics) > self._weights.shape[1]:
            grown = np.zeros_like(self._weights)
            self._weights = np.ascontiguousarray(np.hstack([self._weights, grown]))
            self._squares = np.ascontiguousarray(np.hstack([self._squares, grown]))
            self._texts = np.ascontiguousarray(np.hstack([self._texts, grown]))
        return len(self.topics) - 1

    def _replace(self, topic: str) -> int:
        """Forget the topic people corrected to least, and give its place to another.

        A client that makes names up therefore only ever takes the place of another such name.
        """
        index = min(range(len(self.topics)), key=lambda place: (self._counts[place], self.topics[place]))
        forgotten, self.topics[index] = self.topics[index], topic
        self._counts[index] = 0
        for table in (self._weights, self._squares, self._texts):
            table[:, index] = 0
        kept = min(self._learned, self._memory)
        self._kept_size[:kept][self._kept_topic[:kept] == index] = 0
        for counts in self._corrected.values():
            counts.pop(forgotten, None)
        return index

    def _draw(self) -> int:
        """Return the next of a fixed pseudo-random sequence (xorshift64), part of the state."""
        value = self._random
        value ^= (value << 13) & _MASK
        value ^= value >> 7
        value ^= (value << 17) & _MASK
        self._random = value
        return value

    def _descend(self, slot: int) -> None:
        topic = int(self._kept_topic[slot])
        size = int(self._kept_size[slot])
        at, value = self._kept_at[slot], self._kept_value[slot]
        out = np.empty(len(self.topics), np.float64)
        probabilities(at, value, size, self._weights, np.zeros(len(self.topics)), out)
        descend(at, value, size, topic, self._weight(topic), _RATE, self._weights, self._squares, out)

    def _weight(self, topic: int) -> float:
        """Return how much an example counts: rare topics more, so that a frequent one swallows none."""
        return float((self._learned / (len(self.topics) * self._counts[topic])) ** _BALANCE)

    def state(self) -> State:
        """Return everything learned; rows of buckets never touched are left out."""
        used = np.flatnonzero(self._texts.any(axis=1) | self._squares.any(axis=1)).astype(np.int32)
        kept = min(self._learned, self._memory)
        return {
            "version": VERSION,
            "shape": [self.bits, self._memory, self._most_topics, self._rehearsals],
            "topics": list(self.topics),
            "counts": list(self._counts),
            "learned": self._learned,
            "random": f"{self._random:016x}",
            "used": used,
            "weights": self._weights[used],
            "squares": self._squares[used],
            "texts": self._texts[used],
            "mix": self._mix.copy(),
            "kept_at": self._kept_at[:kept].copy(),
            "kept_value": self._kept_value[:kept].copy(),
            "kept_size": self._kept_size[:kept].copy(),
            "kept_topic": self._kept_topic[:kept].copy(),
            "clusters": self._clusters.state(),
            "corrected": [[key, dict(counts)] for key, counts in self._corrected.items()],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Replace what was learned; raises ValueError, changing nothing, when the state does not fit."""
        shape = [self.bits, self._memory, self._most_topics, self._rehearsals]
        if state.get("version") != VERSION or list(state.get("shape", [])) != shape:
            raise ValueError(f"topics state is of version {state.get('version')}, shape {state.get('shape')}")
        weights = np.asarray(state["weights"], np.float32)
        squares = np.asarray(state["squares"], np.float32)
        used = np.asarray(state["used"])
        kept = len(state["kept_size"])
        texts = np.asarray(state["texts"], np.float32)
        mix = np.array(state["mix"], np.float64)
        fits = weights.shape == squares.shape == texts.shape == (used.shape[0], weights.shape[1])
        sane = all(finite(array) for array in (weights, squares, texts, mix)) and mix.shape == (len(_MIX),)
        if not fits or weights.shape[1] < len(state["topics"]) or not sane:
            raise ValueError("topics state: weights are missing or not finite")
        self._clear()
        self.topics = list(state["topics"])
        self._counts = [int(count) for count in state["counts"]]
        self._learned = int(state["learned"])
        self._random = int(state["random"], 16)
        self._weights = np.zeros((1 << self.bits, weights.shape[1]), np.float32)
        self._squares = np.zeros_like(self._weights)
        self._weights[used] = weights
        self._squares[used] = squares
        self._texts = np.zeros_like(self._weights)
        self._texts[used] = texts
        self._mix = mix
        self._kept_at[:kept] = state["kept_at"]
        self._kept_value[:kept] = state["kept_value"]
        self._kept_size[:kept] = state["kept_size"]
        self._kept_topic[:kept] = state["kept_topic"]
        self._clusters.restore(state["clusters"])
        self._corrected = {key: dict(counts) for key, counts in state["corrected"]}
