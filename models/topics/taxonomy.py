"""The topics feedback is filed under: two levels, read from one YAML file and checked.

A topic is named "group.topic" everywhere (events, rules, dashboards), so that renaming what people see
never breaks a rule.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

LANGUAGES = ("zh", "en")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")
_TOPIC = re.compile(r"[a-z][a-z0-9_]{0,39}(\.[a-z][a-z0-9_]{0,39})?\Z")


def is_topic(text: str) -> bool:
    """Tell whether a text has the form of a group or of a topic, `group.topic`, whether known or new.

    >>> is_topic("price.high"), is_topic("price"), is_topic("Price!")
    (True, True, False)
    """
    return _TOPIC.match(text) is not None


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic.

    Parameters
    ----------
    id
        "group.topic".
    name
        What people read, by language ("zh", "en").
    phrases
        Problem words of all languages; a negation takes them back.
    aspects
        Names of the thing itself; negation does not matter.
    """

    id: str
    name: Mapping[str, str]
    phrases: tuple[str, ...]
    aspects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """All topics, their groups, and phrases that only hide shorter ones.

    Examples
    --------
    >>> taxonomy = Taxonomy.shipped()
    >>> taxonomy.topics["quality.defect"].name["en"]
    'Defect'
    >>> taxonomy.groups["quality"]["zh"]
    '产品质量'
    """

    topics: Mapping[str, Topic]
    groups: Mapping[str, Mapping[str, str]]
    ignore: tuple[str, ...]

    @staticmethod
    @cache
    def shipped() -> Taxonomy:
        """Return the taxonomy that comes with Hark."""
        return parse_taxonomy(files(__package__).joinpath("taxonomy.yaml").read_text("utf-8"))

    @staticmethod
    def load(path: Path) -> Taxonomy:
        """Read another taxonomy; raises ValueError with one sentence saying what is wrong where."""
        return parse_taxonomy(path.read_text("utf-8"))


def parse_taxonomy(text: str) -> Taxonomy:
    r"""Read a taxonomy from YAML.

    Raises
    ------
    ValueError
        One sentence with the path of the first mistake.

    Examples
    --------
    >>> parse_taxonomy("version: 1\ngroups: {}")
    Traceback (most recent call last):
    ...
    ValueError: groups: there must be at least one group.
    """
    try:
        root = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError("the taxonomy is not YAML: " + " ".join(str(error).split()) + ".") from None
    _keys(root, "the taxonomy", required={"version", "groups"}, optional=frozenset({"ignore"}))
    if root["version"] != 1:
        raise ValueError("version: must be 1.")
    if not isinstance(root["groups"], dict) or not root["groups"]:
        raise ValueError("groups: there must be at least one group.")
    topics: dict[str, Topic] = {}
    groups: dict[str, Mapping[str, str]] = {}
    owner: dict[str, str] = {}
    for group, body in root["groups"].items():
        where = f"groups.{group}"
        _check_name(group, where)
        _keys(body, where, required={"name", "topics"})
        groups[group] = _names(body["name"], f"{where}.name")
        if not isinstance(body["topics"], dict) or not body["topics"]:
            raise ValueError(f"{where}.topics: there must be at least one topic.")
        for name, entry in body["topics"].items():
            at = f"{where}.topics.{name}"
            _check_name(name, at)
            _keys(entry, at, required={"name"}, optional=frozenset({"phrases", "aspects"}))
            topic = Topic(
                f"{group}.{name}",
                _names(entry["name"], f"{at}.name"),
                read_phrases(entry.get("phrases", {}), f"{at}.phrases"),
                read_phrases(entry.get("aspects", {}), f"{at}.aspects"),
            )
            for phrase in topic.phrases + topic.aspects:
                if owner.setdefault(phrase, topic.id) == topic.id:
                    continue
                raise ValueError(f"{at}: the phrase {phrase!r} already belongs to {owner[phrase]}.")
            topics[topic.id] = topic
    return Taxonomy(topics, groups, read_phrases(root.get("ignore", {}), "ignore"))


def read_phrases(value: Any, where: str) -> tuple[str, ...]:
    """Check `{zh: [...], en: [...]}` and return its phrases, lower-case, each once."""
    if not isinstance(value, dict) or not set(value) <= set(LANGUAGES):
        raise ValueError(f"{where}: must map zh and en to lists of phrases.")
    found: dict[str, None] = {}
    for language, phrases in value.items():
        if not isinstance(phrases, list):
            raise ValueError(f"{where}.{language}: must be a list of phrases.")
        for phrase in phrases:
            if not isinstance(phrase, str) or not phrase.removesuffix("*").strip("* \n"):
                raise ValueError(f"{where}.{language}: {phrase!r} is not a phrase (quote it).")
            found[phrase.lower()] = None
    return tuple(found)


def _keys(value: Any, where: str, required: set[str], optional: frozenset[str] = frozenset()) -> None:
    if not isinstance(value, dict):
        raise ValueError(f"{where}: must be a mapping.")
    for key in sorted(required - set(value)):
        raise ValueError(f"{where}: {key} is missing.")
    for key in sorted(map(str, set(value) - required - optional)):
        raise ValueError(f"{where}: {key} is not known here.")


def _names(value: Any, where: str) -> Mapping[str, str]:
    if not isinstance(value, dict) or set(value) != set(LANGUAGES):
        raise ValueError(f"{where}: needs zh and en.")
    return {language: str(name) for language, name in value.items()}


def _check_name(value: Any, where: str) -> None:
    if not isinstance(value, str) or not _NAME.match(value):
        raise ValueError(f"{where}: a name is lower-case letters, digits and _, starting with a letter.")
