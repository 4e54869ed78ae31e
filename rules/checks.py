"""Static checks: what is wrong with a rule before any event has been seen, with file and line.

| code | says |
|---|---|
| syntax | an expression cannot be parsed or compiled |
| unknown-field | a name that no contract has, or no window of the rule |
| type | operands that CEL cannot compare, or a condition that is not true or false |
| unreachable | a condition that can never hold |
| same-write | two rules that do the same thing to the same customers |
| unused-window | a window the condition never reads |
| whole-issue | a rule about an issue that counts what one customer or one partition said of it |
| budget | a budget on an action without a cost |
| cases | no firing, quiet or boundary case |
| template | a placeholder without a parameter |
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path

import cel

from rules.cases import SHOWS, load_cases
from rules.environment import FieldType, types_for
from rules.expression import SyntaxProblem, parse
from rules.loader import Catalog, load_catalog
from rules.nodes import Literal, Node
from rules.reach import unreachable
from rules.rule import Absence, Aggregate, Occurrence, Rule, Sequence
from rules.source import Key, Problem, RuleError, Source
from rules.tree import paths, unparse
from rules.typecheck import check_types

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_IN_PARTITION = {"cluster_size": "voices", "cluster_channels": "channels"}
"""Fields of feedback that count an issue in one partition, with the fact of a burst that counts it whole."""


def check_folder(folder: Path) -> list[Problem]:
    """Check every rule of a folder and its cases.

    Parameters
    ----------
    folder
        Where rules and case files stand.

    Returns
    -------
    list of Problem
        Sorted by file and line; empty if all is well.
    """
    try:
        catalog = load_catalog(folder)
    except RuleError as error:
        return error.problems
    problems = check(catalog)
    for rule in catalog.rules.values():
        problems += _check_cases(folder, rule, catalog.sources[rule.id])
    return sorted(problems)


def check(catalog: Catalog) -> list[Problem]:
    """Check the rules of a catalogue, one by one and against each other."""
    problems: list[Problem] = []
    for rule in catalog.rules.values():
        source = catalog.sources.get(rule.id, Source(rule.id, {}))
        problems += _check_rule(rule, source)
    problems += _same_writes(catalog)
    return sorted(problems)


def _check_rule(rule: Rule, source: Source) -> Iterator[Problem]:
    known = types_for(rule)
    for key, text, kind, trigger in _expressions(rule):
        fields = known if trigger == rule.trigger else _elsewhere(rule, trigger)
        if key[0] == "windows":
            fields = {name: types for name, types in fields.items() if name not in ("windows", "actions")}
        yield from _check_expression(source, key, text, kind, fields)
    yield from _windows(rule, source)
    yield from _whole_issue(rule, source)
    if rule.budget_per_day is not None and not rule.cost:
        yield source.problem(("budget_per_day",), "budget", "a budget needs a cost above 0 to be spent")
    if rule.budget_per_day is not None and rule.cost and rule.budget_per_day < rule.cost:
        yield source.problem(("budget_per_day",), "budget", "the budget does not pay for one action a day")
    yield from _placeholders(rule, source)


def _elsewhere(rule: Rule, trigger: str) -> Mapping[str, Mapping[str, FieldType]]:
    return types_for(rule.model_copy(update={"trigger": trigger}))


def _expressions(rule: Rule) -> Iterator[tuple[Key, str, str, str]]:
    """Yield where each expression stands, its text, the kind it must have, and the record it reads."""
    yield ("condition",), rule.condition, "bool", rule.trigger
    if isinstance(rule.expected_value, str):
        yield ("expected_value",), rule.expected_value, "double", rule.trigger
    for position, spec in enumerate((rule.action, *rule.also)):
        where: Key = ("action",) if position == 0 else ("also", position - 1)
        for name, value in spec.parameters.items():
            if isinstance(value, str) and value.startswith("="):
                yield (*where, "parameters", name), value[1:], "any", rule.trigger
    for name, window in rule.windows.items():
        for part, occurrence in _occurrences(window):
            yield ("windows", name, *part, "where"), occurrence.where, "bool", occurrence.event
        if isinstance(window, Aggregate):
            if window.of is not None:
                kind = "any" if window.kind == "distinct" else "double"
                yield ("windows", name, "of"), window.of, kind, window.event
            if window.same is not None:
                yield ("windows", name, "same"), window.same, "any", window.event


def _occurrences(window: Aggregate | Sequence | Absence) -> list[tuple[tuple[str, ...], Occurrence]]:
    if isinstance(window, Sequence):
        return [(("first",), window.first), (("then",), window.then)]
    if isinstance(window, Absence):
        return [(("after",), window.after), (("without",), window.without)]
    return [((), window)]


def _check_expression(
    source: Source, key: Key, text: str, kind: str, fields: Mapping[str, Mapping[str, FieldType]]
) -> Iterator[Problem]:
    try:
        tree = parse(text)
        cel.compile(text)
    except (SyntaxProblem, ValueError) as error:
        reason = str(error).splitlines()[0]
        yield source.problem(key, "syntax", f"{text!r} is not an expression: {reason}")
        return
    unknown = list(_unknown(tree, fields))
    for message in unknown:
        yield source.problem(key, "unknown-field", message)
    if unknown:
        return
    mistakes = check_types(tree, fields, kind)
    for message in mistakes:
        yield source.problem(key, "type", message)
    if not mistakes and kind == "bool" and not (isinstance(tree, Literal) and tree.value is True):
        never = unreachable(tree, fields)
        if never:
            yield source.problem(key, "unreachable", never)


def _unknown(tree: Node, fields: Mapping[str, Mapping[str, FieldType]]) -> Iterator[str]:
    for path, node in paths(tree):
        known = fields.get(path[0])
        if known is None:
            yield f"{unparse(node)}: {path[0]} is not one of {', '.join(sorted(fields))}"
        elif len(path) == 1:
            yield f"{path[0]} is a map; name one of its fields"
        elif path[1] not in known:
            yield f"{path[0]}.{path[1]} is not a field{_nearest(path[1], known)}"
        elif len(path) > 2 and known[path[1]].kind not in ("map", "any"):
            yield f"{path[0]}.{path[1]} has no fields of its own"


def _nearest(name: str, known: Mapping[str, FieldType]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _windows(rule: Rule, source: Source) -> Iterator[Problem]:
    read: set[str] = set()
    for _, text, _, trigger in _expressions(rule):
        if trigger == rule.trigger:
            try:
                read |= {path[1] for path, _ in paths(parse(text)) if path[0] == "windows" and len(path) > 1}
            except SyntaxProblem:
                continue
    for name in rule.windows:
        if name not in read:
            yield source.problem(("windows", name), "unused-window", f"nothing reads the window {name}")


def _whole_issue(rule: Rule, source: Source) -> Iterator[Problem]:
    """Voices of one issue are spread over all partitions: only the records of `burst` count them together."""
    if rule.subject == "cluster":
        for name in rule.windows:
            yield source.problem(
                ("windows", name), "whole-issue",
                f"the window {name} counts what one customer said, not the issue; use trigger: burst, whose "
                "records and windows are the issue's",
            )  # fmt: skip
    for key, text, _, trigger in _expressions(rule):
        if trigger != "feedback":
            continue
        try:
            read = {path[1] for path, _ in paths(parse(text)) if path[0] == "feedback" and len(path) > 1}
        except SyntaxProblem:
            continue
        for name in sorted(read & _IN_PARTITION.keys()):
            whole = f"fact.{_IN_PARTITION[name]}"
            yield source.problem(
                key, "whole-issue",
                f"feedback.{name} counts in one partition; use trigger: burst, whose {whole} counts all",
            )  # fmt: skip


def _placeholders(rule: Rule, source: Source) -> Iterator[Problem]:
    for lang, text in (("zh", rule.template.zh), ("en", rule.template.en)):
        for name in _PLACEHOLDER.findall(text):
            if name not in rule.action.parameters:
                yield source.problem(
                    ("template", lang), "template", f"{{{name}}} is not a parameter of the action"
                )


def _same_writes(catalog: Catalog) -> Iterator[Problem]:
    """Two rules that do the same, with the same parameters, and do not exclude each other."""
    first: dict[str, Rule] = {}
    for rule in catalog.rules.values():
        if rule.status in ("draft", "paused"):
            continue
        written = repr((rule.action.kind, sorted(rule.action.parameters.items(), key=repr), rule.trigger))
        other = first.setdefault(written, rule)
        together = other.exclusive_group is not None and other.exclusive_group == rule.exclusive_group
        if other is not rule and not together:
            source = catalog.sources.get(rule.id, Source(rule.id, {}))
            yield source.problem(
                ("action",), "same-write", f"{other.id} writes the same {rule.action.kind} too; "
                "give both one exclusive_group or different parameters",
            )  # fmt: skip


def _check_cases(folder: Path, rule: Rule, source: Source) -> list[Problem]:
    try:
        loaded = load_cases(folder, rule.id)
    except RuleError as error:
        return error.problems
    shown = {case.shows for case in loaded[0].cases} if loaded else set()
    missing = [kind for kind in SHOWS if kind not in shown]
    if not missing:
        return []
    return [source.problem(("id",), "cases", f"no {' and no '.join(missing)} case in {rule.id}_test.yaml")]
