"""The models a worker scores with, and the versions they are of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.churn.propensity import Propensity
from models.near_duplicate import ClusterIndex
from models.scoring.targets import MODELS, PROPENSITIES, SENTIMENT, TOPICS
from models.sentiment import Sentiment
from models.sentiment.emotion import read_emotions
from models.snapshot import Snapshot, SnapshotError, decode
from models.topics.classifier import TopicClassifier

MIN_TOPIC_SCORE = 0.5


class ModelSet:
    """One instance of every model; a worker's learners and scorers each have their own.

    Versions start at 0, the model as shipped.
    """

    def __init__(self) -> None:
        self.sentiment = Sentiment()
        self.topics = TopicClassifier()
        self._propensities = {name: Propensity(name) for name in PROPENSITIES}
        self._versions = dict.fromkeys(MODELS, 0)

    def propensity(self, name: str, inputs: Mapping[str, Any]) -> float:
        """Return the probability of a target's outcome within its horizon."""
        chance: float = self._propensities[name].predict_proba_one(inputs)
        return chance

    def topic_of(self, text: str, lang: str) -> str | None:
        """Return the topic people's corrections suggest, None while unsure or untrained."""
        if not self._versions[TOPICS]:
            return None
        best = self.topics.predict(text, lang, ())
        return best[0][0] if best and best[0][1] >= MIN_TOPIC_SCORE else None

    def versions(self) -> dict[str, int]:
        """Return the version of each model; the same dict until a snapshot is installed."""
        return self._versions

    def install(self, data: bytes) -> Snapshot:
        """Take a snapshot in use; on any fault the model in use stays.

        Raises
        ------
        SnapshotError
            When the snapshot is damaged, of another format or does not fit the model.
        """
        snapshot = decode(data)
        name = snapshot.model
        if name not in self._versions:
            raise SnapshotError(f"snapshot of model {name!r}, which this build does not have")
        try:
            self.learner(name).restore(part(snapshot.state, "learner."))
        except (ValueError, KeyError) as error:
            raise SnapshotError(
                f"snapshot {name} version {snapshot.version} does not fit: {error}"
            ) from error
        self._versions = {**self._versions, name: snapshot.version}
        return snapshot

    def warm(self) -> None:
        """Call every compiled kernel once, so that no event waits seconds for a compiler."""
        for text, lang in (("物流太慢了，客服不理人", "zh"), ("late again and nobody answers", "en")):
            self.sentiment.predict(text, lang)
            self.topics.predict(text, lang, ())
            clusters = ClusterIndex(16)
            clusters.step(text, "f", "c", 0.0)
            clusters.step(text + "!", "f", "d", 0.0)
            read_emotions(text)
        for learner in self._propensities.values():
            learner.predict_proba_one({"recency_days": 1.0, "tier": "gold"})

    def learner(self, name: str) -> Any:
        """Return the model called `name`."""
        if name == SENTIMENT:
            return self.sentiment
        return self.topics if name == TOPICS else self._propensities[name]


def part(state: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return the entries whose key begins with `prefix`, without it."""
    return {key[len(prefix) :]: value for key, value in state.items() if key.startswith(prefix)}
