"""Phrases that say how a text is meant: its kind, what it demands, how urgent it is, what it denies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from models.topics.taxonomy import read_phrases

KINDS = ("complaint", "suggestion", "praise", "question", "request")
LEVELS = ("urgent", "pressing", "normal")


@dataclass(frozen=True, slots=True)
class UrgencyCue:
    """Why an event cannot wait: how much it weighs (`LEVELS`), words for people, phrases."""

    level: str
    reason: str
    phrases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cues:
    """All cue phrases by what they mean.

    Examples
    --------
    >>> cues = Cues.shipped()
    >>> sorted(cues.kind) == sorted(KINDS), cues.urgency["safety"].level
    (True, 'urgent')
    """

    kind: Mapping[str, tuple[str, ...]]
    demand: Mapping[str, tuple[str, ...]]
    urgency: Mapping[str, UrgencyCue]
    negators: tuple[str, ...]
    breaks: tuple[str, ...]

    @staticmethod
    @cache
    def shipped() -> Cues:
        """Return the cues that come with Hark."""
        return parse_cues(files(__package__).joinpath("cues.yaml").read_text("utf-8"))


def parse_cues(text: str) -> Cues:
    """Read cues from YAML; raises ValueError with one sentence saying what is wrong where."""
    root: dict[str, Any] = yaml.safe_load(text)
    if set(root["kind"]) != set(KINDS):
        raise ValueError(f"kind: must hold exactly {', '.join(KINDS)}.")
    urgency = {}
    for name, body in root["urgency"].items():
        if body["level"] not in LEVELS:
            raise ValueError(f"urgency.{name}.level: must be one of {', '.join(LEVELS)}.")
        phrases = read_phrases({k: body[k] for k in ("zh", "en") if k in body}, f"urgency.{name}")
        urgency[name] = UrgencyCue(body["level"], body["reason"], phrases)
    return Cues(
        {name: read_phrases(body, f"kind.{name}") for name, body in root["kind"].items()},
        {name: read_phrases(body, f"demand.{name}") for name, body in root["demand"].items()},
        urgency,
        read_phrases(root["negators"], "negators"),
        tuple(root["breaks"]),
    )


def spellings(phrase: str) -> tuple[str, ...]:
    """Return the ways one phrase is typed: with its apostrophe and without.

    Examples
    --------
    >>> spellings("doesn't work")
    ("doesn't work", 'doesnt work')
    """
    return (phrase, phrase.replace("'", "")) if "'" in phrase else (phrase,)
