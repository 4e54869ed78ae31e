"""Whether a changed contract still keeps its word to those who wrote against the old one.

Producers must find that everything they send is still taken (inbound); consumers must find that
everything they read is still there and still of its type (outbound). The rules are those of
Confluent's schema registry for JSON Schema, backward for inbound and forward for outbound, reduced
to the parts of JSON Schema that pydantic writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ops.docgen.contracts import Direction

Json = Mapping[str, Any]

_FLOORS = ("minLength", "minimum", "exclusiveMinimum", "minItems")
_CEILINGS = ("maxLength", "maximum", "exclusiveMaximum", "maxItems")


def breakages(name: str, old: Json, new: Json, direction: Direction) -> list[str]:
    """Return what a change breaks, one sentence each; empty when it breaks nothing.

    Examples
    --------
    >>> old = {"properties": {"a": {"type": "string"}}}
    >>> new = {"properties": {"a": {"type": "string"}}, "required": ["a"]}
    >>> breakages("Feedback", old, new, "inbound")
    ['Feedback.a became required, so events without it would be refused.']
    >>> breakages("Action", old, new, "outbound")
    []
    """
    return list(_compare(name, old, new, _Schemas(old, new), direction))


class _Schemas:
    """Both documents, to look references up in, and the pairs of them already compared."""

    def __init__(self, old: Json, new: Json) -> None:
        self.old: Json = old.get("$defs", {})
        self.new: Json = new.get("$defs", {})
        self.seen: set[tuple[str, str]] = set()


def _compare(path: str, old: Json, new: Json, schemas: _Schemas, direction: Direction) -> Iterator[str]:
    pair = (str(old.get("$ref", "")), str(new.get("$ref", "")))
    if all(pair):
        if pair in schemas.seen:
            return
        schemas.seen.add(pair)
    before, after = _branches(old, schemas.old), _branches(new, schemas.new)
    lost, gained = _missing(before, after), _missing(after, before)
    if direction == "inbound" and lost:
        yield f"{path} no longer takes {_words(lost)}, which producers may send."
    if direction == "outbound" and (lost or gained):
        was, now = _words(set(before)), _words(set(after))
        yield f"{path} changed from {was} to {now}, which consumers do not expect."
    for kind, schema in before.items():
        if kind in after:
            yield from _same_type(path, schema, after[kind], schemas, direction)


def _same_type(path: str, old: Json, new: Json, schemas: _Schemas, direction: Direction) -> Iterator[str]:
    if direction == "inbound":
        yield from _narrowed(path, old, new)
    for name, schema in old.get("properties", {}).items():
        place = f"{path}.{name}"
        if name not in new.get("properties", {}):
            who = "producers send it" if direction == "inbound" else "consumers read it"
            yield f"{place} was removed, but {who}."
        else:
            yield from _compare(place, schema, new["properties"][name], schemas, direction)
    before, after = set(old.get("required", ())), set(new.get("required", ()))
    if direction == "inbound":
        for name in sorted(after - before):
            yield f"{path}.{name} became required, so events without it would be refused."
    else:
        for name in sorted((before - after) & set(new.get("properties", ()))):
            yield f"{path}.{name} became optional, but consumers count on it."
    for part in ("items", "additionalProperties"):
        if isinstance(old.get(part), Mapping) and isinstance(new.get(part), Mapping):
            yield from _compare(f"{path}[]", old[part], new[part], schemas, direction)
    for number, (a, b) in enumerate(
        zip(old.get("prefixItems", ()), new.get("prefixItems", ()), strict=False)
    ):
        yield from _compare(f"{path}[{number}]", a, b, schemas, direction)


def _narrowed(path: str, old: Json, new: Json) -> Iterator[str]:
    allowed, still = _values(old), _values(new)
    if still is not None and (allowed is None or allowed - still):
        gone = "other values" if allowed is None else ", ".join(sorted(map(str, allowed - still)))
        yield f"{path} no longer takes {gone}, which producers may send."
    for bound in _FLOORS:
        if bound in new and (bound not in old or new[bound] > old[bound]):
            yield f"{path} has a {bound} of {new[bound]} now, so events below it would be refused."
    for bound in _CEILINGS:
        if bound in new and (bound not in old or new[bound] < old[bound]):
            yield f"{path} has a {bound} of {new[bound]} now, so events above it would be refused."
    for rule in ("pattern", "format"):
        if rule in new and new[rule] != old.get(rule):
            yield f"{path} has another {rule} now, so events that were taken would be refused."
    if new.get("additionalProperties") is False and old.get("additionalProperties") is not False:
        yield f"{path} is closed now, so events with further fields would be refused."


def _values(schema: Json) -> set[Any] | None:
    """Return the values a schema is limited to, None for any."""
    if "const" in schema:
        return {schema["const"]}
    return set(schema["enum"]) if "enum" in schema else None


def _branches(schema: Json, parts: Json) -> dict[str, Json]:
    """Return the alternatives of a schema by JSON type, with references followed."""
    if reference := schema.get("$ref"):
        return _branches(parts[str(reference).rpartition("/")[2]], parts)
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        found: dict[str, Json] = {}
        for choice in choices:
            found.update(_branches(choice, parts))
        return found
    kinds = schema.get("type") or ("object" if "properties" in schema else "anything")
    return {kind: schema for kind in ([kinds] if isinstance(kinds, str) else kinds)}


def _missing(wanted: Mapping[str, Json], offered: Mapping[str, Json]) -> set[str]:
    """Return the types of `wanted` that `offered` does not take; a number takes integers."""
    if "anything" in offered:
        return set()
    return {
        kind for kind in wanted if kind not in offered and not (kind == "integer" and "number" in offered)
    }


def _words(kinds: set[str]) -> str:
    return " or ".join(sorted(kinds))
