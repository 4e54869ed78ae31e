"""Catalogues: rules from a folder of YAML files, or from published records."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rules.rule import Rule
from rules.source import Problem, RuleError, Source, read_file

CASES = "_test.yaml"
"""How the file of a rule's cases ends."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """Rules that take effect together.

    Parameters
    ----------
    rules
        By id, sorted.
    sources
        The documents they were read from, for problems and for publishing.
    """

    rules: Mapping[str, Rule]
    sources: Mapping[str, Source] = field(default_factory=dict)

    @classmethod
    def of(cls, rules: Iterable[Rule], sources: Mapping[str, Source] | None = None) -> Catalog:
        """Make a catalogue of rules in any order."""
        return cls({rule.id: rule for rule in sorted(rules, key=lambda rule: rule.id)}, sources or {})

    @property
    def version(self) -> str:
        """Short digest of every rule: equal catalogues have equal versions on every worker."""
        text = json.dumps([rule.model_dump(mode="json") for rule in self.rules.values()], sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()

    def replaced(self, rule: Rule) -> Catalog:
        """Return a catalogue with one rule added or exchanged."""
        return Catalog.of([*(old for old in self.rules.values() if old.id != rule.id), rule], self.sources)


def load_rule(source: Source) -> Rule:
    """Make a rule of a document.

    Raises
    ------
    RuleError
        With the line of everything that is wrong with it.
    """
    if not isinstance(source.data, dict):
        raise RuleError([Problem(source.file, 1, "invalid", "a rule is a map of keys")])
    try:
        rule = Rule.model_validate(source.data)
    except ValidationError as error:
        raise RuleError(source.invalid(error)) from error
    if source.file.endswith(".yaml") and rule.id != source.file.removesuffix(".yaml"):
        raise RuleError([source.problem(("id",), "id", f"the id is not the file's name: {rule.id}")])
    return rule


def load_catalog(folder: Path) -> Catalog:
    """Read every rule of a folder.

    Raises
    ------
    RuleError
        With file and line of every problem in any of them.
    """
    rules: list[Rule] = []
    sources: dict[str, Source] = {}
    problems: list[Problem] = []
    for path in rule_files(folder):
        try:
            source = read_file(path)
            rule = load_rule(source)
        except RuleError as error:
            problems += error.problems
            continue
        rules.append(rule)
        sources[rule.id] = source
    if problems:
        raise RuleError(problems)
    return Catalog.of(rules, sources)


def rule_files(folder: Path) -> list[Path]:
    """Return the rule files of a folder, cases left out."""
    return sorted(path for path in folder.glob("*.yaml") if not path.name.endswith(CASES))


def rule_from_record(data: Mapping[str, Any]) -> Rule:
    """Make a rule of the `rule` field of a published record.

    Raises
    ------
    RuleError
        If it is not a rule; the worker then keeps the version it has.
    """
    return load_rule(Source(str(data.get("id", "record")), dict(data)))
