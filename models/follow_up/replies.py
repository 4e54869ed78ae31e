"""Reply suggestions from templates: the closest to the topic first, one or two words from a person away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml

ANY = "any"
MOST = 3


@dataclass(frozen=True, slots=True)
class Reply:
    """A template in both languages.

    Parameters
    ----------
    topics
        "group.topic", "group" or "any".
    stage
        "open" for a first answer, "resolved" for the outcome.
    """

    id: str
    topics: tuple[str, ...]
    stage: str
    zh: str
    en: str

    def text(self, lang: str) -> str:
        """Return the text in a language, English for any that is not Chinese."""
        return self.zh if lang.startswith("zh") else self.en


@cache
def shipped() -> tuple[Reply, ...]:
    """Return the templates of `replies.yaml`."""
    rows = yaml.safe_load(files(__package__).joinpath("replies.yaml").read_text(encoding="utf-8"))
    return tuple(Reply(row["id"], tuple(row["topics"]), row["stage"], row["zh"], row["en"]) for row in rows)


def suggest(topic: str, state: str, replies: Sequence[Reply] | None = None) -> list[Reply]:
    """Return up to three templates for a work order, the most specific first.

    Examples
    --------
    >>> [reply.id for reply in suggest("logistics.damage", "assigned")]
    ['logistics_damage', 'logistics_tracing', 'any_received']
    """
    stage = "resolved" if state in ("resolved", "closed") else "open"
    wanted = (topic, topic.partition(".")[0], ANY)
    found: list[Reply] = []
    for name in wanted:
        found += [
            reply
            for reply in (shipped() if replies is None else replies)
            if reply.stage == stage and name in reply.topics and reply not in found
        ]
    return found[:MOST]
