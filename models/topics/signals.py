"""One pass over a text finds everything phrases can tell: topics, kind, demands, urgency."""

from __future__ import annotations

from collections.abc import Mapping

from models.topics.automaton import BREAK, NEGATOR, Phrase, PhraseAutomaton
from models.topics.cues import Cues, spellings
from models.topics.taxonomy import Taxonomy
from models.units import Units

_TOPIC, _KIND, _DEMAND, _URGENCY, _TAG = range(5)
_PRAISE = "praise."
# A negated praise complains ("not good", "不满意"), a suggestion denied warns off ("不建议购买").
_WHEN_NEGATED = {"praise": "complaint", "suggestion": "complaint", "question": "question"}


class Signals:
    """What phrases say of one text; each list in order of appearance, repeats kept; `problems` counts."""

    __slots__ = ("demands", "kinds", "problems", "topics", "urgencies")

    def __init__(
        self, topics: list[str], kinds: list[str], demands: list[str], urgencies: list[str], problems: int = 0
    ) -> None:
        self.topics = topics
        self.kinds = kinds
        self.demands = demands
        self.urgencies = urgencies
        self.problems = problems


class SignalScanner:
    """Compile taxonomy, cues and accepted tags into one automaton.

    Parameters
    ----------
    taxonomy
        Topics with their phrases.
    cues
        Kind, demand, urgency, negation.
    tags
        Accepted emerging tags: topic id → phrases; they apply beside the taxonomy.

    Examples
    --------
    >>> scanner = SignalScanner(Taxonomy.shipped(), Cues.shipped())
    >>> found = scanner.scan("App老是闪退，请尽快修复")
    >>> found.topics, found.demands, found.urgencies
    (['quality.performance'], ['repair'], ['outage'])
    >>> scanner.scan("It never crashes").topics
    []
    """

    def __init__(
        self, taxonomy: Taxonomy, cues: Cues, tags: Mapping[str, tuple[str, ...]] | None = None
    ) -> None:
        self._phrases: list[Phrase] = []
        self._effects: list[tuple[int, str, bool] | None] = []
        for topic in taxonomy.topics.values():
            problem = not topic.id.startswith(_PRAISE)
            self._add(topic.phrases, _TOPIC, topic.id, None, problem=problem)
            self._add(topic.aspects, _TOPIC, topic.id, topic.id)
        self._add(taxonomy.ignore, _TOPIC, None, None)
        for tag, phrases in (tags or {}).items():
            # Their own layer: a tag never hides a topic, nor a topic a tag.
            self._add(phrases, _TOPIC, tag, tag, layer=_TAG)
        for kind, phrases in cues.kind.items():
            self._add(phrases, _KIND, kind, _WHEN_NEGATED.get(kind))
        for demand, phrases in cues.demand.items():
            self._add(phrases, _DEMAND, demand, None)
        for name, cue in cues.urgency.items():
            self._add(cue.phrases, _URGENCY, name, None)
        for phrase in cues.negators:
            self._add((phrase,), _TOPIC, None, None, layer=NEGATOR)
        for mark in cues.breaks:
            self._add((mark,), _TOPIC, None, None, layer=BREAK)
        self._automaton = PhraseAutomaton(self._phrases)

    def _add(
        self,
        phrases: tuple[str, ...],
        slot: int,
        value: str | None,
        negated: str | None,
        layer: int | None = None,
        problem: bool = False,
    ) -> None:
        for phrase in phrases:
            for form in spellings(phrase):
                self._phrases.append(Phrase(form, slot if layer is None else layer))
                self._effects.append((slot, value, problem) if value else None)
                self._effects.append((slot, negated, False) if negated else None)

    def scan(self, text: str) -> Signals:
        """Return what is found in `text` (masked or not; nothing of it is kept)."""
        return self._signals(self._automaton.scan(text))

    def scan_texts(self, units: Units) -> list[Signals]:
        """Return what is found in each text of a slice."""
        return [self._signals(found) for found in self._automaton.scan_texts(units)]

    def _signals(self, found: list[int]) -> Signals:
        topics: list[str] = []
        kinds: list[str] = []
        demands: list[str] = []
        urgencies: list[str] = []
        problems = 0
        slots = (topics, kinds, demands, urgencies)
        effects = self._effects
        for code in found:
            effect = effects[code]
            if effect is not None:
                slots[effect[0]].append(effect[1])
                problems += effect[2]
        return Signals(topics, kinds, demands, urgencies, problems)
