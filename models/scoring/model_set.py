"""The models a worker scores with, and the versions they are of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from models.churn.propensity import Propensity
from models.fingerprint import Fingerprint
from models.learner import Array
from models.near_duplicate import ClusterIndex
from models.scoring.targets import CHURN, MODELS, PROPENSITIES, SENTIMENT, TOPICS
from models.sentiment import Sentiment
from models.snapshot import Snapshot, SnapshotError, decode
from models.topics.analyser import Analyser
from models.topics.classifier import TopicClassifier
from models.topics.emotion import read_emotions

MIN_TOPIC_SCORE = 0.8
LEAST_CORRECTIONS = 20
"""Of a topic, and of all others, before texts nobody corrected are given it: a classifier that knows one
topic finds it everywhere, for what is none of those it knows it has never seen."""

_LABELS = 240
"""Enough that a propensity was fitted and calibrated again: only then has it called all its kernels."""

_NOWHERE: tuple[int, None] = (-1, None)


def new_learner(name: str) -> Any:
    """Return the model called `name` as shipped; one of `MODELS`."""
    if name == SENTIMENT:
        return Sentiment()
    return TopicClassifier() if name == TOPICS else Propensity(name)


class Ready(NamedTuple):
    """A snapshot and the model made of it, which nobody uses yet."""

    snapshot: Snapshot
    learner: Any


class ModelSet:
    """One instance of every model; a worker's learners and scorers each have their own.

    Versions start at 0, the model as shipped.
    """

    def __init__(self) -> None:
        self._models = {name: new_learner(name) for name in MODELS}
        self._versions = dict.fromkeys(MODELS, 0)
        self._places: dict[str, tuple[int, Array | None]] = {}
        self._widest = PROPENSITIES[0]

    @property
    def sentiment(self) -> Sentiment:
        """The model of sentiment in use."""
        model: Sentiment = self._models[SENTIMENT]
        return model

    @property
    def topics(self) -> TopicClassifier:
        """The model of topics in use."""
        model: TopicClassifier = self._models[TOPICS]
        return model

    def propensities(self, inputs: Mapping[str, Any]) -> dict[str, float]:
        """Return the probability of each target's outcome within its horizon.

        Models fed by the same events have the same columns, in the order they met them: the row is made
        once, for the model with the most, and put in order for the others.
        """
        chances: dict[str, float] = {}
        shared: Array | None = None
        for name in PROPENSITIES:
            model: Propensity = self._models[name]
            count, places = self._places.get(name, _NOWHERE)
            if count != len(model.columns):
                self._align()
                places = self._places[name][1]
                shared = None
            if places is None:
                row = model.row(inputs)
            else:
                if shared is None:
                    shared = self.propensity(self._widest).row(inputs)
                row = shared[places]
            chances[name] = model.predict_row(row)
        return chances

    def propensity(self, name: str) -> Propensity:
        """Return the model of a target in use."""
        model: Propensity = self._models[name]
        return model

    def _align(self) -> None:
        """Find each model's columns among those of the widest; None where it has others."""
        columns = {name: self.propensity(name).columns for name in PROPENSITIES}
        self._widest = max(columns, key=lambda name: len(columns[name]))
        at = {column: place for place, column in enumerate(columns[self._widest])}
        for name, own in columns.items():
            known = all(column in at for column in own)
            places = np.array([at[column] for column in own], np.intp) if known else None
            self._places[name] = (len(own), places)

    def why_churn(self, inputs: Mapping[str, Any]) -> str | None:
        """Return what did most to raise the churn score, in words an operator reads."""
        model = self.propensity(CHURN)
        reason = model.strongest(inputs, model.row(inputs))
        return None if reason is None else reason.words

    def topic_of(self, text: str, lang: str, analyser: Analyser) -> str | None:
        """Return the topic people's corrections of other texts suggest, None while unsure or untrained."""
        if not self._versions[TOPICS]:
            return None
        best = self.topics.predict(text, lang, analyser.signals(text))
        if not best or best[0][1] < MIN_TOPIC_SCORE:
            return None
        return best[0][0] if min(self.topics.corrections(best[0][0])) >= LEAST_CORRECTIONS else None

    def corrected(self, words: Fingerprint) -> str | None:
        """Return the topic people gave to a near copy of a text, None where nobody did."""
        return self.topics.corrected(words) if self._versions[TOPICS] else None

    def versions(self) -> dict[str, int]:
        """Return the version of each model; the same dict until a snapshot is installed."""
        return self._versions

    def read(self, data: bytes) -> Ready:
        """Return the model a snapshot holds; touches nothing in use, so any thread may do it.

        Raises
        ------
        SnapshotError
            When the snapshot is damaged, of another format or does not fit the model.
        """
        snapshot = decode(data)
        name = snapshot.model
        if name not in self._versions:
            raise SnapshotError(f"snapshot of model {name!r}, which this build does not have")
        learner = new_learner(name)
        try:
            learner.restore(part(snapshot.state, "learner."))
        except (ValueError, KeyError) as error:
            raise SnapshotError(
                f"snapshot {name} version {snapshot.version} does not fit: {error}"
            ) from error
        return Ready(snapshot, learner)

    def use(self, ready: Ready) -> None:
        """Score with a model from now on."""
        name = ready.snapshot.model
        self._models[name] = ready.learner
        self._places.clear()
        self._versions = {**self._versions, name: ready.snapshot.version}

    def install(self, data: bytes) -> Snapshot:
        """Take a snapshot in use; on any fault the model in use stays.

        Raises
        ------
        SnapshotError
            As `read`.
        """
        ready = self.read(data)
        self.use(ready)
        return ready.snapshot

    def warm(self) -> None:
        """Call every compiled kernel once, learning too, so that no event waits for a compiler or linker."""
        sentiment, topics = Sentiment(bits=10), TopicClassifier(bits=8, memory=1)
        for text, lang in (("物流太慢了，客服不理人", "zh"), ("late again and nobody answers", "en")):
            self.sentiment.predict(text, lang)
            self.sentiment.predict_with_reasons([(text, lang)])
            self.topics.predict(text, lang, ())
            clusters = ClusterIndex(16)
            clusters.step(text, "f", "c", 0.0)
            clusters.step(text + "!", "f", "d", 0.0)
            read_emotions(text)
            sentiment.learn_one(text, lang, True)
            for topic in ("logistics.delay", "quality.defect", "logistics.delay"):
                topics.learn_one(text, lang, topic)
            topics.predict(text, lang)
        self.propensities({"recency_days": 1.0, "tier": "gold"})
        fitted = Propensity(CHURN)
        for number in range(_LABELS):
            fitted.learn_one({"recency_days": float(number), "tier": "gold"}, number % 3 == 0)
        fitted.strongest({"recency_days": 1.0}, fitted.row({"recency_days": 1.0}))
        fitted.predict_proba_one({"recency_days": 1.0})


def part(state: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return the entries whose key begins with `prefix`, without it."""
    return {key[len(prefix) :]: value for key, value in state.items() if key.startswith(prefix)}
