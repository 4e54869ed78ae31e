"""New tags from bursts: suggested by the machine, accepted or dismissed by people.

An accepted tag is a topic with phrases: it applies to every event from then on (`Analyser.apply_tags`)
and, with `matches`, to the past. A dismissed suggestion stays away for a while.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from models.learner import State
from models.topics.automaton import Phrase, PhraseAutomaton
from models.topics.emerging import Burst

Status = Literal["suggested", "accepted", "dismissed"]

MOST_SUGGESTIONS = 500
_QUIET_SECONDS = 30 * 86_400.0
_TAG = re.compile(r"[a-z][a-z0-9_]{0,39}\.[a-z][a-z0-9_]{0,39}\Z")


class TagError(ValueError):
    """A tag cannot change as asked; one sentence for whoever asked."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A suggestion and what became of it.

    Parameters
    ----------
    id
        12 hex digits, the same for the same phrases.
    status
        suggested, accepted or dismissed.
    phrases
        What it looks for.
    topic
        "group.topic" once accepted, else "".
    since, decided_at
        When the burst began and when people decided, seconds since the epoch; 0 before.
    count, expected, customers
        Of the burst.
    examples
        Masked texts.
    """

    id: str
    status: Status
    phrases: tuple[str, ...]
    topic: str
    since: float
    decided_at: float
    count: int
    expected: float
    customers: int
    examples: tuple[str, ...] = field(default=())


class TagBook:
    """All suggestions with their decisions: suggested → accepted or dismissed, either way back never.

    Examples
    --------
    >>> book = TagBook()
    >>> burst = Burst(("杯盖", "裂开"), 0.0, 3600.0, 9, 0.1, 1e-9, 8, ("杯盖裂开了",))
    >>> tag = book.suggest(burst)
    >>> book.accept(tag.id, "quality.cup_lid", 4000.0).status
    'accepted'
    >>> book.phrases()
    {'quality.cup_lid': ('杯盖', '裂开')}
    """

    name = "tags"

    def __init__(self) -> None:
        self._tags: dict[str, Tag] = {}

    def suggest(self, burst: Burst) -> Tag | None:
        """Add a burst as a suggestion; None if its phrases are known, or were dismissed lately."""
        phrases = tuple(dict.fromkeys(phrase.lower() for phrase in burst.phrases))
        for tag in self._tags.values():
            quiet = tag.status != "dismissed" or burst.at - tag.decided_at < _QUIET_SECONDS
            if quiet and set(tag.phrases) & set(phrases):
                return None
        ident = hashlib.blake2b("\n".join(sorted(phrases)).encode(), digest_size=6).hexdigest()
        tag = Tag(
            ident,
            "suggested",
            phrases,
            "",
            burst.since,
            0.0,
            burst.count,
            burst.expected,
            burst.customers,
            burst.examples,
        )
        self._tags[ident] = tag
        self._shrink()
        return tag

    def _shrink(self) -> None:
        """Drop the oldest undecided or dismissed; what was accepted stays."""
        while len(self._tags) > MOST_SUGGESTIONS:
            open_ = [tag for tag in self._tags.values() if tag.status != "accepted"]
            if not open_:
                return
            del self._tags[min(open_, key=lambda tag: (tag.since, tag.id)).id]

    def accept(self, ident: str, topic: str, at: float, phrases: Iterable[str] = ()) -> Tag:
        """Make a suggestion a tag.

        Parameters
        ----------
        ident
            Of the suggestion.
        topic
            Id of the topic it becomes, "group.topic".
        at
            Now, seconds since the epoch.
        phrases
            Phrases to use instead of the suggested ones.

        Raises
        ------
        TagError
            If there is no such suggestion, it was decided before, or topic or phrases are not valid.
        """
        tag = self._undecided(ident)
        if not _TAG.match(topic):
            raise TagError(f"{topic!r} is not a topic id: group.topic in lower-case letters, digits and _")
        chosen = tuple(dict.fromkeys(phrase.strip().lower() for phrase in phrases)) or tag.phrases
        try:
            PhraseAutomaton([Phrase(phrase, 0) for phrase in chosen])
        except ValueError as error:
            raise TagError(f"the phrases of {ident} cannot be used: {error}") from None
        return self._put(replace(tag, status="accepted", topic=topic, phrases=chosen, decided_at=at))

    def dismiss(self, ident: str, at: float) -> Tag:
        """Turn a suggestion down for 30 days; raises TagError as `accept` does."""
        return self._put(replace(self._undecided(ident), status="dismissed", decided_at=at))

    def _undecided(self, ident: str) -> Tag:
        tag = self._tags.get(ident)
        if tag is None:
            raise TagError(f"there is no suggestion {ident}")
        if tag.status != "suggested":
            raise TagError(f"suggestion {ident} was {tag.status} already")
        return tag

    def _put(self, tag: Tag) -> Tag:
        self._tags[tag.id] = tag
        return tag

    def tags(self, status: Status | None = None) -> tuple[Tag, ...]:
        """Return the tags of a status, or all, latest burst first."""
        found = (tag for tag in self._tags.values() if status in (None, tag.status))
        return tuple(sorted(found, key=lambda tag: (-tag.since, tag.id)))

    def phrases(self) -> dict[str, tuple[str, ...]]:
        """Return what accepted tags look for: topic id → phrases, for `Analyser.apply_tags`."""
        found: dict[str, tuple[str, ...]] = {}
        for tag in sorted(self._tags.values(), key=lambda tag: (tag.decided_at, tag.id)):
            if tag.status == "accepted":
                found[tag.topic] = tuple(dict.fromkeys(found.get(tag.topic, ()) + tag.phrases))
        return found

    def state(self) -> State:
        """Return all tags as JSON values."""
        listed = [asdict(tag) for tag in self._tags.values()]
        return {"tags": [tag | {name: list(tag[name]) for name in ("phrases", "examples")} for tag in listed]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Replace everything; raises ValueError when an entry does not fit."""
        try:
            tags = [
                Tag(**{**entry, "phrases": tuple(entry["phrases"]), "examples": tuple(entry["examples"])})
                for entry in state["tags"]
            ]
        except (KeyError, TypeError) as error:
            raise ValueError(f"tag state does not fit: {error}") from None
        self._tags = {tag.id: tag for tag in tags}


def matches(tag: Tag, texts: Iterable[str]) -> list[bool]:
    """Tell for each text whether a tag's phrases are in it: how a tag is applied to the past.

    Examples
    --------
    >>> tag = Tag("0" * 12, "accepted", ("cup lid",), "quality.cup_lid", 0.0, 0.0, 9, 0.1, 8)
    >>> matches(tag, ["The CUP LID broke", "cup lids", "fine"])
    [True, False, False]
    """
    automaton = PhraseAutomaton([Phrase(phrase, 0) for phrase in tag.phrases])
    return [bool(automaton.scan(text)) for text in texts]
