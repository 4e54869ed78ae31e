"""A rule made ready to run: what it reads, what it is worth, what it says."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from rules.conditions import Expression, Failure, typed_getter
from rules.environment import FIELDS, Environment, Getter
from rules.expression import parse
from rules.rule import Rule
from rules.source import Problem, RuleError
from rules.tree import paths
from rules.windows import keys_of

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_UNSHOWN = frozenset({("feedback", "text"), ("feedback", "attributes")})
"""Fields whose values never leave with a decision."""

Json = dict[str, Any]


class Plan:
    """One rule with everything compiled.

    Parameters
    ----------
    rule
        The rule.
    failed
        Told of every expression that has no value for a record.

    Raises
    ------
    RuleError
        If an expression of it does not compile.
    """

    def __init__(self, rule: Rule, failed: Failure) -> None:
        self.rule = rule
        self._failed = failed
        keys = keys_of(rule)
        self.absence = keys[rule.absence] if rule.absence else None
        self.condition = self._compile(rule.condition, keys)
        self._shown = self._fields(keys)
        value = rule.expected_value
        self._value = self._compile(value, keys) if isinstance(value, str) else None
        specs = (rule.action, *rule.also)
        self._computed = [
            {
                name: self._compile(text[1:], keys)
                for name, text in spec.parameters.items()
                if isinstance(text, str) and text.startswith("=")
            }
            for spec in specs
        ]

    def _compile(self, source: str, keys: Mapping[str, str]) -> Expression:
        try:
            return Expression(source, keys)
        except (ValueError, KeyError, TypeError) as error:
            problem = Problem(self.rule.id, 1, "expression", f"{source!r}: {error}")
            raise RuleError([problem]) from error

    def _fields(self, keys: Mapping[str, str]) -> list[tuple[str, Getter]]:
        shown: dict[str, Getter] = {}
        for path, _ in paths(parse(self.rule.condition)):
            pair = path[:2]
            if len(pair) < 2 or pair in _UNSHOWN or (pair[0] not in FIELDS and pair[0] != "windows"):
                continue
            fetched = ("windows", keys.get(pair[1], pair[1])) if pair[0] == "windows" else pair
            shown[".".join(pair)] = typed_getter(fetched)
        return list(shown.items())

    def values(self, env: Environment) -> Json:
        """Return the fields the condition reads, with their values for this record."""
        found: Json = {}
        for label, fetch in self._shown:
            try:
                value = fetch(env)
            except (KeyError, TypeError) as error:
                self._failed(self.rule.id, error)
                continue
            found[label] = round(value, 4) if isinstance(value, float) else value
        return found

    def expected_value(self, env: Environment) -> float:
        """Return what acting is expected to bring; 0, and a counted failure, if it has no value."""
        if self._value is None:
            return float(self.rule.expected_value)
        try:
            value = float(self._value.value(env))
            if not math.isfinite(value):
                raise ArithmeticError("the expected value is not finite")
        except Exception as error:
            self._failed(self.rule.id, error)
            return 0.0
        return value

    def parameters(self, env: Environment) -> list[Json]:
        """Return the parameters of each action; those written "=…" are evaluated for this record."""
        filled = []
        for spec, computed in zip((self.rule.action, *self.rule.also), self._computed, strict=True):
            parameters: Json = dict(spec.parameters)
            for name, expression in computed.items():
                try:
                    parameters[name] = expression.value(env)
                except Exception as error:
                    self._failed(self.rule.id, error)
                    parameters[name] = None
            filled.append(parameters)
        return filled

    def text(self, lang: str, parameters: Mapping[str, Any]) -> str:
        """Return the template in the customer's language with its parameters filled in."""
        template = self.rule.template.zh if lang.startswith("zh") else self.rule.template.en

        def fill(found: re.Match[str]) -> str:
            value = parameters.get(found[1])
            return "" if value is None else str(value)

        return _PLACEHOLDER.sub(fill, template)

    def explanation(self, values: Mapping[str, Any]) -> str:
        """Return one sentence that says why, with the values."""
        parts = ", ".join(f"{label} {_plain(value)}" for label, value in values.items())
        return f"{self.rule.summary} ({parts})" if parts else self.rule.summary


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return "+".join(str(item) for item in value) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
