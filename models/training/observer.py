"""What comes in, watched in one place: drift of inputs and scores, and what people suddenly talk about."""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from models.drift.inputs import input_series
from models.drift.watch import Drift, Series, Watch
from models.fingerprint import U32, Fingerprint, fingerprint
from models.learner import State
from models.scoring.targets import CHURN
from models.topics.emerging import BurstDetector
from models.topics.issues import Alias, Issues
from models.topics.spread import Spread
from models.training.finding import Finding, of_burst, of_drift, of_surge

NAME = "inputs"
BLOCK = 16
"""Feedbacks averaged into one value of each series: thirty detectors a feedback would cost 60 µs."""

TEXT = 160
"""Characters of a text that are looked at."""

_OBSERVED = 13
"""Fields of an observation that drift and words are watched in; three more tell how far issues spread."""

_TEXT, _CLUSTER, _SIZE, _MINIMA = 5, 10, 13, 15

MOST = 50
"""Feedbacks observed of one slice; of a longer one every second, third, … is taken."""

_TOGETHER = 500
"""Observations in one record: two thousand long texts nobody said before are more than a broker takes."""

_MEANS = {
    "score": Series(low=-1.0, high=1.0, magnitude=0.1, warmup=64),
    "probability": Series(magnitude=0.05, warmup=64),
}


def observation(scored: Mapping[str, Any], offset: int, words: Fingerprint | None = None) -> list[Any]:
    """Return what is observed of one scored feedback, as small as it can be.

    Parameters
    ----------
    scored
        A `ScoredFeedback` as a dict, its `cluster_id` the partition's own.
    offset
        Of its record, which tells repeats apart.
    words
        Of the whole text; kept where the text is too long to be observed whole.

    Returns
    -------
    Among the rest the time, that of the append where it is in the future: one clock a day ahead would keep
    all others from being counted. And the churn score, None while the model has learned nothing: its first
    version is no drift.
    """
    text, scores = scored["text"], scored["scores"]
    return [
        offset, min(scored["occurred_at"], scored["received_at"]), scored["customer_id"], scored["lang"],
        scored["channel"], text[:TEXT],
        len(text), scored["rating"] is None, scored["product"] is None, scored["region"] is None,
        scored["cluster_id"], scores["polarity"], scores["churn"] if scored["models"][CHURN] else None,
        scored["cluster_size"], scores["topics"][0] if scores["topics"] else "",
        None if words is None or len(text) <= TEXT else _encoded(words.minima),
    ]  # fmt: skip


def records_of(entries: list[list[Any]]) -> Iterator[dict[str, Any]]:
    """Yield what a slice's observations say, in records that brokers take, see `observed`."""
    for at in range(0, len(entries), _TOGETHER):
        some = entries[at : at + _TOGETHER]
        yield observed(some, max(1, MOST * len(some) // len(entries)))


def observed(entries: list[list[Any]], most: int = MOST) -> dict[str, Any]:
    """Return what observations say: `seen`, some of them, and `rest`, what issues need of others.

    An issue is found by the first text of each of its clusters, so that one is never left out.
    """
    seen = thinned(entries, most)
    if len(seen) == len(entries):
        return {"seen": seen}
    kept = {entry[0] for entry in seen}
    return {
        "seen": seen,
        "rest": [
            [entry[0], entry[1], entry[_CLUSTER], "" if entry[_MINIMA] else entry[_TEXT], entry[_MINIMA]]
            for entry in entries
            if entry[_SIZE] == 1 and entry[0] not in kept
        ],
    }


def thinned(observed: list[list[Any]], most: int = MOST) -> list[list[Any]]:
    """Return at most `most` of a slice's observations, evenly spaced.

    Bursts and drift are about shares, so every k-th will do; a backlog must not make the one observer
    the slowest part of the pipeline.

    Examples
    --------
    >>> len(thinned([[i] for i in range(1000)])), thinned([[1], [2]])
    (50, [[1], [2]])
    """
    return observed[:: -(-len(observed) // most)] if len(observed) > most else observed


class Observer:
    """Takes observations of all partitions in the order of their log.

    Attributes
    ----------
    offset, version
        As of `Trainer`.
    """

    name = NAME
    pause = 15.0
    """Shortest time between two snapshots, seconds: counters of three days are 5 MB."""

    def __init__(self, detector: BurstDetector | None = None) -> None:
        self.offset = -1
        self.version = 0
        self.bursts = BurstDetector() if detector is None else detector
        self.spread, self.issues = Spread(), Issues()
        self._watch = Watch(NAME, _MEANS)
        self._seen: dict[str, int] = {}
        self._sums: dict[str, float] = {}
        self._count = self._churns = 0

    def step(self, record: Mapping[str, Any], offset: int, at: float) -> list[Finding]:
        """Take one record of observations; return bursts and drifts.

        Parameters
        ----------
        record
            `from`: the scorer's partition; `seen`: observations in the order of their offsets; `rest`:
            offset, time, cluster, text and minima of others.
        """
        if offset <= self.offset:
            return []
        self.offset = offset
        partition, found = str(record["from"][0]), list[Finding]()
        last = self._seen.get(partition, -1)
        for entry in record["seen"]:
            if entry[0] > last:
                last = entry[0]
                found += self._observe(entry[:_OBSERVED])
                # Observations of an earlier build end there.
                if len(entry) > _MINIMA:
                    found += self._spreading(partition, entry, offset, at)
        for number, at_ms, cluster, text, minima in record.get("rest", ()):
            if number > self._seen.get(partition, -1):
                last = max(last, number)
                self._issue(cluster, text, minima, at_ms)
        self._seen[partition] = last
        return found

    def aliases(self) -> list[Alias]:
        """Return which clusters were found to be whose issue since the last call."""
        return self.issues.taken()

    def _issue(self, cluster: str, text: str, minima: str | None, at_ms: int) -> tuple[str, bool]:
        def known() -> U32:
            return fingerprint(text).minima if minima is None else _array(minima)

        return self.issues.step(cluster, known, at_ms / 1000.0)

    def _spreading(self, partition: str, entry: list[Any], offset: int, at: float) -> list[Finding]:
        _, at_ms, _, _, channel, text, *_, cluster, polarity, _, size, topic, minima = entry
        issue, again = self._issue(cluster, text, minima, at_ms)
        if not again:
            return []
        place = f"{partition}/{cluster}"
        surge = self.spread.step(issue, place, size, channel, polarity, topic, at_ms / 1000.0)
        return [] if surge is None else [of_surge(surge, at_ms, at, offset)]

    def _observe(self, entry: list[Any]) -> list[Finding]:
        _, at_ms, customer, lang, channel, text, length, *missing, cluster, polarity, churn = entry
        at = at_ms / 1000.0
        found = [of_burst(burst) for burst in self.bursts.step(text, lang, customer, at, cluster)]
        fields = {str(number): None if gone else 1 for number, gone in enumerate(missing)}
        values = input_series(lang=lang, channel=channel, length=length, fields=fields)
        values["score:polarity"] = polarity
        if churn is not None:
            values["probability:churn"] = churn
            self._churns += 1
        sums = self._sums
        for series, value in values.items():
            sums[series] = sums.get(series, 0.0) + value
        self._count += 1
        if self._count == BLOCK:
            if self._churns < BLOCK:
                sums.pop("probability:churn", None)
            means = {series: total / BLOCK for series, total in sums.items()}
            self._sums, self._count, self._churns = {}, 0, 0
            found += [of_drift(_in_events(drift), DONE) for drift in self._watch.observe(means, at)]
        return found

    def metrics(self, at_ms: int) -> list[dict[str, Any]]:
        """Return nothing: an observer predicts nothing."""
        return []

    def state(self) -> State:
        """Return counters, windows and how far each partition was read."""
        return {
            "bursts": dict(self.bursts.state()),
            "spread": dict(self.spread.state()),
            "issues": dict(self.issues.state()),
            "watch": dict(self._watch.state()),
            "seen": dict(self._seen),
            "sums": dict(self._sums),
            "count": self._count,
            "churns": self._churns,
        }

    def restore(self, state: Mapping[str, Any], offset: int, version: int) -> None:
        """Continue from a snapshot; raises ValueError or KeyError where it does not fit."""
        self.bursts.restore(state["bursts"])
        if "issues" in state:  # else of an earlier build: counting begins again
            self.issues.restore(state["issues"])
            self.spread.restore(state["spread"])
        self._watch.restore(state["watch"])
        self._seen, self._sums = dict(state["seen"]), dict(state["sums"])
        self._count, self._churns = int(state["count"]), int(state["churns"])
        self.offset, self.version = offset, version


DONE = "nothing changed by itself: each model's own error is watched, and starts a challenger when it rises"


def _encoded(minima: U32) -> str:
    return b2a_base64(minima.tobytes(), newline=False).decode()


def _array(minima: str) -> U32:
    return np.frombuffer(a2b_base64(minima), dtype=np.uint32).copy()  # kernels take writable arrays


def _in_events(drift: Drift) -> Drift:
    return Drift(
        drift.model, drift.series, drift.at, drift.since, drift.before, drift.after, drift.events * BLOCK
    )
