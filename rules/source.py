"""YAML with its line numbers, so that every problem names a file and a line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

Key = tuple[str | int, ...]
"""Where a value stands in a document: ("windows", "negatives", "within")."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong with a rule, in one sentence, with its place.

    Examples
    --------
    >>> print(Problem("late.yaml", 4, "unknown-field", "scores.polarty is not a field"))
    late.yaml:4: unknown-field: scores.polarty is not a field
    """

    file: str
    line: int
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.code}: {self.message}"


class RuleError(ValueError):
    """One or more problems that keep a rule from being loaded."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(frozen=True, slots=True)
class Source:
    """A parsed document and the line of each of its values.

    Parameters
    ----------
    file
        Name shown in problems.
    data
        The document as plain dicts and lists.
    lines
        First line (from 1) of each value by its key.
    """

    file: str
    data: Any
    lines: Mapping[Key, int] = field(default_factory=dict)

    def line(self, key: Key) -> int:
        """Return the line of `key`, or of the nearest value that encloses it."""
        while key and key not in self.lines:
            key = key[:-1]
        return self.lines.get(key, 1)

    def problem(self, key: Key, code: str, message: str) -> Problem:
        """Return a problem placed at `key`."""
        return Problem(self.file, self.line(key), code, message)

    def _known(self, location: Key) -> Key:
        """Return the part of pydantic's location that stands in the document (it adds union tags)."""
        key: Key = ()
        for part in location:
            if (*key, part) in self.lines:
                key = (*key, part)
        return key

    def invalid(self, error: ValidationError) -> list[Problem]:
        """Return one problem for each failure pydantic found, at its line."""
        problems = []
        for item in error.errors(include_url=False, include_context=False, include_input=False):
            key = self._known(item["loc"])
            named = (*key, item["loc"][-1]) if item["type"] == "missing" else key
            where = ".".join(str(part) for part in named) or "rule"
            if item["type"] == "extra_forbidden":
                problems.append(self.problem(key, "unknown-key", f"{where} is not a key of a rule"))
            else:
                text = item["msg"].removeprefix("Value error, ")
                problems.append(self.problem(key, "invalid", f"{where}: {text[0].lower()}{text[1:]}"))
        return problems


def read(text: str, file: str) -> Source:
    r"""Parse YAML and remember every line.

    Parameters
    ----------
    text
        The document.
    file
        Name shown in problems.

    Raises
    ------
    RuleError
        If it is not YAML, or a key stands twice in one map.

    Examples
    --------
    >>> read("a: 1\nb:\n  c: [x]", "demo.yaml").line(("b", "c", 0))
    3
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or "not YAML"
        raise RuleError([Problem(file, mark.line + 1 if mark else 1, "yaml", str(reason))]) from error
    lines: dict[Key, int] = {}
    problems: list[Problem] = []
    if node is not None:
        _walk(node, (), lines, file, problems)
    if problems:
        raise RuleError(problems)
    return Source(file, data, lines)


def read_file(path: Path) -> Source:
    """Parse a YAML file; problems carry its name without the folder."""
    return read(path.read_text(encoding="utf-8"), path.name)


def _walk(node: yaml.Node, key: Key, lines: dict[Key, int], file: str, problems: list[Problem]) -> None:
    lines.setdefault(key, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            inner = (*key, str(name.value))
            if inner in lines:
                problems.append(
                    Problem(file, name.start_mark.line + 1, "duplicate-key", f"{name.value} stands twice")
                )
            lines[inner] = name.start_mark.line + 1
            _walk(value, inner, lines, file, problems)
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            _walk(value, (*key, position), lines, file, problems)
