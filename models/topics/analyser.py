"""Everything phrases can tell about one text, in one pass and a few microseconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from models.topics.cues import Cues
from models.topics.kind import judge_kind, states_demand
from models.topics.signals import Signals, SignalScanner
from models.topics.taxonomy import Taxonomy
from models.topics.urgency import judge_urgency
from models.units import Units

_MOST_TOPICS = 5


class Analysis(NamedTuple):
    """What a text is about and how it is to be treated.

    Parameters
    ----------
    topics
        Topic ids, most mentioned first, at most five; accepted tags among them.
    kind
        complaint, suggestion, praise, question or request.
    demand
        Whether something concrete is asked for.
    urgency
        urgent, normal or low; response targets stand in `RESPONSE_HOURS`.
    reasons
        Why it is that urgent, in words an operator reads.
    demands
        What is asked for: refund, compensation, replacement, repair, contact, cancel, feature, change.
    """

    topics: list[str]
    kind: str
    demand: bool
    urgency: str
    reasons: list[str]
    demands: list[str]


class Analyser:
    """Phrase-based analysis; one instance a thread.

    Parameters
    ----------
    taxonomy, cues
        None takes the shipped ones.
    tags
        Accepted emerging tags (`TagBook.phrases()`): topic id → phrases.

    Examples
    --------
    >>> found = Analyser().analyse("App又闪退了，请尽快修复，否则投诉12315", "zh", -0.8, 1.0)
    >>> found.topics, found.kind, found.demand, found.urgency
    (['safety.legal', 'quality.performance'], 'complaint', True, 'urgent')
    >>> Analyser().analyse("Please add dark mode!", "en", 0.1, None).kind
    'suggestion'
    """

    def __init__(
        self,
        taxonomy: Taxonomy | None = None,
        cues: Cues | None = None,
        tags: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        self.taxonomy = taxonomy or Taxonomy.shipped()
        self._cues = cues or Cues.shipped()
        self.tags: Mapping[str, tuple[str, ...]] = {}
        self.apply_tags(tags or {})

    def apply_tags(self, tags: Mapping[str, tuple[str, ...]]) -> None:
        """Take these accepted tags from now on, in place of those before; costs about 0.1 s."""
        self._scanner = SignalScanner(self.taxonomy, self._cues, tags)
        self.tags = dict(tags)

    def signals(self, text: str) -> list[str]:
        """Return names of all that phrases found in a text: what `TopicClassifier` reads beside words."""
        found = self._scanner.scan(text)
        named = {f"topic:{name}" for name in found.topics} | {f"kind:{name}" for name in found.kinds}
        named.update(f"demand:{name}" for name in found.demands)
        named.update(f"urgency:{name}" for name in found.urgencies)
        return sorted(named)

    def analyse(self, text: str, lang: str, polarity: float, rating: float | None) -> Analysis:
        """Analyse one text.

        Parameters
        ----------
        text
            Masked or not; nothing of it is kept.
        lang
            BCP 47 tag. Phrases of all languages are looked for, since customers mix them; the tag is
            part of the interface for classifiers that need it.
        polarity
            Sentiment in [-1, 1].
        rating
            Stars 1 to 5 or None.
        """
        return self._judge(self._scanner.scan(text), polarity, rating)

    def analyse_texts(
        self, units: Units, polarities: Iterable[float], ratings: Iterable[float | None]
    ) -> list[Analysis]:
        """Do as `analyse` with each text of a slice."""
        found = self._scanner.scan_texts(units)
        return [self._judge(*each) for each in zip(found, polarities, ratings, strict=True)]

    def _judge(self, signals: Signals, polarity: float, rating: float | None) -> Analysis:
        found = signals.topics
        if len(found) > 1:
            counts: dict[str, int] = {}
            for topic in found:
                counts[topic] = counts.get(topic, 0) + 1
            found = list(counts)
            if len(counts) < len(signals.topics):
                found.sort(key=counts.__getitem__, reverse=True)
            del found[_MOST_TOPICS:]
        kind = judge_kind(signals, polarity, rating)
        urgency, reasons = judge_urgency(signals, kind, polarity, rating, self._cues.urgency)
        demands = signals.demands
        if len(demands) > 1:
            demands = list(dict.fromkeys(demands))
        return Analysis(found, kind, states_demand(signals), urgency, reasons, demands)
