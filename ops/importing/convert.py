"""Rows become events, as a mapping says."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping as Rows
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from ops.importing.mapping import FieldRule, Mapping


class Unfit(ValueError):
    """A row gives no event; `str()` names the field, never its content."""


def at_path(row: Rows[str, Any], path: str) -> Any:
    """Return the value at a path, None where there is none.

    Examples
    --------
    >>> at_path({"a.b": 1, "c": {"d": [5, 6]}}, "a.b"), at_path({"c": {"d": [5, 6]}}, "c.d.1")
    (1, 6)
    """
    if path in row:
        return _present(row[path])
    value: Any = row
    for part in path.split("."):
        if isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        elif isinstance(value, dict):
            value = value.get(part)
        else:
            return None
    return _present(value)


def _present(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, Decimal):
        return None if value.is_nan() else float(value)
    return None if isinstance(value, float) and math.isnan(value) else value


def to_event(row: Rows[str, Any], mapping: Mapping, zoneless: Counter[str] | None = None) -> dict[str, Any]:
    """Return the event of a row; what the row does not have is left out.

    Parameters
    ----------
    zoneless
        Counts the times, by zone, that name none and are taken to be of that zone.

    Raises
    ------
    Unfit
        When a value is none the mapping knows.
    """
    event = dict(mapping.constants)
    for name, rule in mapping.fields.items():
        value = _value(row, name, rule)
        if value is not None and name in _TIMES:
            value = _time(value, name, rule, mapping.zone, zoneless)
        if value is not None:
            event[name] = value
    if mapping.fields.get("rating", _NONE).span and "rating" in event:
        event["scale"] = "percent"
    kept = {path: _plain(value) for path in mapping.attributes if (value := at_path(row, path)) is not None}
    if kept:
        event["attributes"] = {**event.get("attributes", {}), **kept}
    return event


_NONE = FieldRule()
_TEXTS = frozenset({"id", "text", "author", "customer_id", "product", "region", "order_id", "lang", "tier",
                    "segment", "time_zone"})  # fmt: skip
_TIMES = frozenset({"occurred_at", "since"})
_NUMBERS = frozenset({"rating", "amount", "quantity", "lifetime_value"})


def _value(row: Rows[str, Any], name: str, rule: FieldRule) -> Any:
    if rule.join:
        parts = [str(part) for path in rule.join if (part := at_path(row, path)) is not None]
        value: Any = rule.separator.join(parts) or None
    else:
        value = next((found for path in rule.paths if (found := at_path(row, path)) is not None), None)
    if value is None:
        value = rule.default
    if value is None:
        return None
    if rule.map is not None:
        key = _text(value).lower()
        if key not in rule.map:
            raise Unfit(f"{name}: a value that the mapping does not list")
        value = rule.map[key]
        if value is None:
            return None
    if name in _TIMES:
        return value
    if name in _NUMBERS:
        return _number(value, name, rule)
    if name in _TEXTS:
        return rule.prefix + _text(value)
    return _plain(value)


def _text(value: Any) -> str:
    # Spreadsheets keep ids as floats: 1024.0 is order 1024.
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _number(value: Any, name: str, rule: FieldRule) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise Unfit(f"{name}: not a number") from None
    if name == "rating" and rule.span:
        low, high = rule.span
        if not low <= number <= high:
            raise Unfit(f"{name}: outside {low:g} to {high:g}")
        return round(100.0 * (number - low) / (high - low), 4)
    return number


def _time(value: Any, name: str, rule: FieldRule, zone: str, zoneless: Counter[str] | None) -> str:
    moment = _moment(value, rule)
    if moment is None:
        raise Unfit(f"{name}: not a time of the mapping's formats")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(rule.zone or zone))
        if zoneless is not None:
            zoneless[rule.zone or zone] += 1
    try:
        return moment.astimezone(UTC).isoformat()
    except OverflowError:
        raise Unfit(f"{name}: outside the calendar") from None


def _moment(value: Any, rule: FieldRule) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    for form in rule.formats or ["iso"]:
        try:
            if form in ("epoch", "epoch_ms"):
                return datetime.fromtimestamp(float(value) / (1000.0 if form == "epoch_ms" else 1.0), UTC)
            text = str(value)
            return datetime.fromisoformat(text) if form == "iso" else datetime.strptime(text, form)
        except (ValueError, TypeError, OverflowError, OSError):
            continue
    return None


def _plain(value: Any) -> Any:
    """Return a value JSON can hold; a whole number over 64 bits becomes a text."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**64 else str(value)
    return value if value is None or isinstance(value, str) else str(_present(value))
