"""The catalogue and the fields of a condition as tables for the documentation."""

from __future__ import annotations

from rules.environment import FIELDS, FieldType
from rules.loader import Catalog
from rules.rule import Rule


def rule_table(catalog: Catalog) -> str:
    """Return one line of Markdown a rule."""
    head = "| rule | when | action | held out | cooldown | owner |\n|---|---|---|---|---|---|"
    return "\n".join([head, *(_rule_line(rule) for rule in catalog.rules.values())])


def _rule_line(rule: Rule) -> str:
    kinds = " + ".join(spec.kind.value for spec in (rule.action, *rule.also))
    days = rule.cooldown / 86_400_000
    cooldown = f"{days:g} d" if days >= 1 else f"{days * 24:g} h"
    return f"| `{rule.id}` | {rule.summary} | {kinds} | {rule.holdout:.0%} | {cooldown} | {rule.owner} |"


def field_table() -> str:
    """Return one line of Markdown a map, with the types of its fields."""
    lines = ["| map | fields |", "|---|---|"]
    for name, fields in FIELDS.items():
        listed = ", ".join(f"`{field}` {_type(kind)}" for field, kind in fields.items())
        lines.append(f"| `{name}` | {listed} |")
    return "\n".join(lines)


def _type(field: FieldType) -> str:
    return field.kind + (" or null" if field.nullable else "")


def fill(text: str, catalog: Catalog) -> str:
    """Return a Markdown document with the tables between its markers brought up to date.

    Examples
    --------
    >>> page = "<!-- rules -->old<!-- end rules -->"
    >>> fill(page, Catalog.of([])).splitlines()[1]
    '| rule | when | action | held out | cooldown | owner |'
    """
    for name, table in (("rules", rule_table(catalog)), ("fields", field_table())):
        start, end = f"<!-- {name} -->", f"<!-- end {name} -->"
        before, found, rest = text.partition(start)
        _, closed, after = rest.partition(end)
        if found and closed:
            text = f"{before}{start}\n{table}\n{end}{after}"
    return text
