"""The gateway's OpenAPI 3.1 document, generated from the contracts."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import models_json_schema

from models.events import CustomerEvent, Feedback
from models.outcome import DeadReason

_REFS = "#/components/schemas/{model}"
_REFUSED_LINE = {
    "type": "object",
    "required": ["line", "reason", "field"],
    "properties": {
        "line": {"type": "integer", "minimum": 1},
        "reason": {"type": "string", "enum": [str(reason) for reason in DeadReason]},
        "field": {"type": "string", "description": "path of the offending field, empty for the whole line"},
    },
}
_SCHEMAS: dict[str, Any] = {
    "Accepted": {
        "type": "object",
        "required": ["ids"],
        "properties": {
            "ids": {"type": "array", "items": {"type": "string"}, "description": "in the order of the lines"}
        },
    },
    "RefusedLine": _REFUSED_LINE,
    "Refused": {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {"type": "string"},
            "lines": {"type": "array", "items": {"$ref": _REFS.format(model="RefusedLine")}},
            "more": {"type": "integer", "description": "refused lines that are not listed"},
        },
    },
}
_ANSWERS = {
    "202": "Every event stands on the broker; `ids` names them.",
    "400": "Nothing was published: the body does not parse, or `lines` names what is wrong where.",
    "401": "The bearer token is missing or unknown.",
    "408": "The body did not arrive in time.",
    "413": "The body or its number of lines is over the limit.",
    "415": "The body is neither application/json nor application/x-ndjson.",
    "422": "The Idempotency-Key came before with another body.",
    "429": "Over the token's rate; try again after `Retry-After` seconds.",
    "503": "The broker does not confirm, or too many requests are at work; a repeat is harmless.",
}


def document(version: str, server: str, max_bytes: int, max_lines: int) -> dict[str, Any]:
    """Return the OpenAPI document.

    Parameters
    ----------
    server
        URL or path the routes stand under.
    """
    _, contracts = models_json_schema(
        [(Feedback, "validation"), (CustomerEvent, "validation")], ref_template=_REFS
    )
    limits = f"At most {max_bytes} bytes and {max_lines} lines a request."
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Hark gateway",
            "version": version,
            "summary": "The HTTP door for producers without Kafka.",
            "description": "One JSON object, or one a line. All of a request is published, or nothing. "
            "Events without `id` get one that a repeat of the request gets again. " + limits,
        },
        "servers": [{"url": server or "/"}],
        "security": [{"bearer": []}],
        "paths": {
            "/v1/feedback": {"post": _publish("Feedback", "publishFeedback", "Publish feedback")},
            "/v1/customers/events": {
                "post": _publish("CustomerEvent", "publishCustomerEvents", "Publish customer events")
            },
            "/healthz": {"get": _plain("health", "Whether the process runs", {"200": "It does."})},
            "/readyz": {
                "get": _plain(
                    "readiness",
                    "Whether events are accepted now",
                    {"200": "They are.", "503": "They are not; `error` says why."},
                )
            },
            "/v1/openapi.json": {"get": _plain("openapi", "This document", {"200": "This document."})},
        },
        "components": {
            "schemas": {**contracts.get("$defs", {}), **_SCHEMAS},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _publish(contract: str, name: str, summary: str) -> dict[str, Any]:
    schema = {"$ref": _REFS.format(model=contract)}
    return {
        "operationId": name,
        "summary": summary,
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
                "description": "The same key gives the same ids within 24 hours.",
            },
            {
                "name": "traceparent",
                "in": "header",
                "required": False,
                "schema": {"type": "string"},
                "description": "W3C trace context, passed through with the events.",
            },
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": schema},
                "application/x-ndjson": {"schema": schema},
            },
        },
        "responses": {status: _answer(status, text) for status, text in _ANSWERS.items()},
    }


def _answer(status: str, text: str) -> dict[str, Any]:
    model = "Accepted" if status == "202" else "Refused"
    answer: dict[str, Any] = {
        "description": text,
        "content": {"application/json": {"schema": {"$ref": _REFS.format(model=model)}}},
    }
    if status in ("429", "503"):
        answer["headers"] = {"Retry-After": {"schema": {"type": "integer", "minimum": 1}}}
    return answer


def _plain(name: str, summary: str, answers: dict[str, str]) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "security": [],
        "responses": {status: {"description": text} for status, text in answers.items()},
    }
