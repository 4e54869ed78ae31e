"""Markdown out of values: tables, cells, JSON Schema types in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

NOTICE = "<!-- Made from the code by `make docs`; edits here are lost. -->"


def page(title: str, lead: str, *blocks: str) -> str:
    """Return a page with the notice that it is generated.

    Examples
    --------
    >>> page("Title", "Lead.", "Block.").splitlines()[0]
    '# Title'
    """
    return "\n\n".join((f"# {title}", NOTICE, lead, *blocks)) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    r"""Return a table.

    Examples
    --------
    >>> print(table(("a", "b"), [("1", "x|y")]))
    | a | b |
    |---|---|
    | 1 | x\|y |
    """
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines)


def cell(text: str) -> str:
    """Return text that fits into one table cell."""
    return text.replace("|", "\\|").replace("\n", " ").strip()


def code(text: str) -> str:
    """Return text as code, nothing for nothing."""
    return f"`{text}`" if text else ""


def fields_of(schema: Mapping[str, Any]) -> str:
    """Return a table of an object schema's fields."""
    parts, required = schema.get("$defs", {}), set(schema.get("required", ()))
    rows = [
        (code(name), type_of(field, parts), "yes" if name in required else "", field.get("description", ""))
        for name, field in schema["properties"].items()
    ]
    return table(("field", "type", "required", "meaning"), rows)


def type_of(schema: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    """Return a JSON Schema type in words.

    Examples
    --------
    >>> type_of({"anyOf": [{"type": "string", "maxLength": 64}, {"type": "null"}]}, {})
    'string ≤ 64 or null'
    """
    if reference := schema.get("$ref"):
        name = str(reference).rpartition("/")[2]
        part = parts.get(name, {})
        return type_of(part, parts) if "enum" in part else name
    if choices := schema.get("anyOf"):
        return " or ".join(type_of(choice, parts) for choice in choices)
    if "const" in schema:
        return code(str(schema["const"]))
    if "enum" in schema:
        return ", ".join(code(str(value)) if value else "empty" for value in schema["enum"])
    kind = str(schema.get("type", "any"))
    if kind == "array":
        if "prefixItems" in schema:
            return "[" + ", ".join(type_of(item, parts) for item in schema["prefixItems"]) + "]"
        return f"list of {type_of(schema.get('items', {}), parts)}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        return f"map of {type_of(schema['additionalProperties'], parts)}"
    if schema.get("format") == "date-time":
        return "time"
    return kind + _bounds(schema)


def _bounds(schema: Mapping[str, Any]) -> str:
    words = {
        "minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<", "maxLength": "≤",
    }  # fmt: skip
    return "".join(f" {sign} {schema[name]}" for name, sign in words.items() if name in schema)
