"""Why a value is no valid event: a stable reason and a field path, never the content."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

from models.events import ActionStatus, Attachment, CustomerEvent, Feedback, Label, Link, Outcome
from models.outcome import DeadLetter, DeadReason

_MAX_PATH = 64


def unreadable(value: bytes | None, limit: int) -> DeadLetter | None:
    """Return why `value` is refused before parsing, or None.

    Parameters
    ----------
    limit
        Largest accepted value in bytes.
    """
    if not value:
        return DeadLetter(DeadReason.EMPTY)
    if len(value) > limit:
        return DeadLetter(DeadReason.TOO_LARGE)
    return None


def diagnose(value: bytes, error: ValidationError) -> DeadLetter:
    """Turn a validation error into one reason: the first thing wrong, from outside in."""
    first: Any = error.errors(include_url=False, include_context=False, include_input=False)[0]
    kind = str(first["type"])
    if kind == "json_invalid":
        return DeadLetter(_not_json(value))
    if kind == "model_type" and not first["loc"]:
        return DeadLetter(DeadReason.NOT_OBJECT)
    path = ".".join(_step(part) for part in first["loc"])[:_MAX_PATH]
    if path == "text" and kind == "string_too_long":
        return DeadLetter(DeadReason.TEXT_TOO_LONG, path)
    return DeadLetter(DeadReason.INVALID, path)


def _step(part: object) -> str:
    """Name a path step; keys a producer chose inside `attributes` could be personal data."""
    return str(part) if isinstance(part, int) or part in _KNOWN else "*"


_KNOWN = frozenset(
    name
    for model in (Feedback, Attachment, CustomerEvent, Outcome, Label, Link, ActionStatus)
    for name in model.model_fields
)


def _not_json(value: bytes) -> DeadReason:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return DeadReason.NOT_UTF8
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return DeadReason.NOT_JSON
    try:
        json.dumps(parsed, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return DeadReason.SURROGATE
    return DeadReason.NOT_JSON
