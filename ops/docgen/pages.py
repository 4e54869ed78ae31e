"""The reference pages: topics, settings, metrics."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

from prometheus_client.metrics import MetricWrapperBase
from pydantic import SecretStr

from ops.docgen.contracts import CE_TYPES, contracts, contracts_of, direction_of, schema_of
from ops.docgen.examples import Example
from ops.docgen.markdown import code, fields_of, page, table, type_of
from ops.gateway import metrics as gateway_metrics
from ops.media import worker as media_worker
from streams import metrics
from streams.settings import Settings
from streams.topics import CATALOG, Topic, partitions_of

HOUR_MS = 3_600_000


def topics_page(examples: dict[str, list[Example]], partitions: int) -> str:
    """Return `topics.md`: the catalogue, headers, contracts field by field, an example of each."""
    rows = [
        (
            f"[`{topic.name}`](#{_anchor(topic.name)})" if topic.name in examples else code(topic.name),
            topic.about,
            topic.key,
            str(partitions_of(topic, partitions)),
            _kept(topic),
            ", ".join(_link(model.__name__) for model in contracts_of(topic)) or "Hark's own",
            ", ".join(topic.producers),
            ", ".join(topic.consumers),
        )
        for topic in CATALOG
    ]
    head = ("topic", "carries", "key", "partitions", "kept", "contract", "written by", "read by")
    return page(
        "Topics",
        "Values are JSON in UTF-8. Times that Hark writes are milliseconds since the Unix epoch, UTC. Keys "
        "go to partitions by murmur2, as in every Kafka client. JSON Schemas are in [contracts](contracts), "
        "the AsyncAPI 3 document is [asyncapi.json](contracts/asyncapi.json). "
        f"Topics keyed by customer have `HARK_PARTITIONS` partitions, {partitions} by default.",
        table(head, rows),
        _headers(),
        "## Contracts",
        *(_contract(name) for name in contracts()),
        "## Examples",
        *(_examples(topic, examples[topic.name]) for topic in CATALOG if topic.name in examples),
    )


def _kept(topic: Topic) -> str:
    if topic.retention_ms is None:
        return "newest of each key"
    hours = topic.retention_ms // HOUR_MS
    return f"{hours // 24} days" if hours % 24 == 0 else f"{hours} hours"


def _anchor(name: str) -> str:
    return name.replace(".", "")


def _link(name: str) -> str:
    return f"[{name}](#{name.lower()})"


def _headers() -> str:
    rows = [
        ("`ce_specversion`", "`1.0`"),
        ("`ce_id`", "the record's own id, the same on a replay"),
        ("`ce_type`", ", ".join(f"{code(kind)} ({name})" for name, kind in CE_TYPES.items())),
        ("`ce_source`", "topic of the input, `rules/<rule>`, or the agent"),
        ("`ce_time`", "when it happened, RFC 3339"),
        ("`traceparent`", "W3C trace context, passed through when the input has one"),
    ]
    return "## Headers\n\n" + table(("header", "value"), rows)


def _contract(name: str) -> str:
    model = contracts()[name]
    schema = schema_of(model)
    lead = (model.__doc__ or "").strip().splitlines()[0]
    kind = "Producers write it; further fields are kept." if direction_of(model) == "inbound" else "Closed."
    tables = [f"### {name}", f"{lead} {kind} [Schema](contracts/{name}.json).", fields_of(schema)]
    for part, inner in schema.get("$defs", {}).items():
        if "properties" in inner:
            tables += [f"`{part}`:", fields_of({**inner, "$defs": schema["$defs"]})]
    return "\n\n".join(tables)


def _examples(topic: Topic, examples: list[Example]) -> str:
    blocks = [f"### {topic.name}"]
    for example in examples:
        value = json.dumps(example.value, ensure_ascii=False, indent=2)
        key = code(example.key) if example.key is not None else "none"
        blocks.append(f"{example.note} Key: {key}.\n\n```json\n{value}\n```")
    return "\n\n".join(blocks)


def settings_page() -> str:
    """Return `settings.md`: every environment variable."""
    schema = Settings.model_json_schema()["properties"]
    rows = []
    for name, field in Settings.model_fields.items():
        rows.append(
            (
                code(f"HARK_{name.upper()}"),
                _kind(schema[name]),
                _default(field.default),
                field.description or "",
            )
        )
    return page(
        "Settings",
        "Environment variables, read when a process starts. An empty default means there is none.",
        table(("variable", "takes", "default", "what it does"), rows),
    )


def _kind(schema: dict[str, Any]) -> str:
    choices = [choice for choice in schema.get("anyOf", [schema]) if choice.get("type") != "null"]
    if any(choice.get("format") == "password" for choice in choices):
        return "secret"
    if any(choice.get("format") == "path" for choice in choices):
        return "path"
    return " or ".join(type_of(choice, {}) for choice in choices)


def _default(value: object) -> str:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return code(str(value).lower())
    return code(value.as_posix() if isinstance(value, Path) else str(value))


def metrics_page() -> str:
    """Return `metrics.md`: every Prometheus metric of workers, the gateway and the media process."""
    return page(
        "Metrics",
        "In Prometheus' text format. Histograms have `_bucket`, `_sum` and `_count`.",
        "## Workers\n\nAt `/metrics` on `HARK_METRICS_PORT`.",
        _metrics(metrics),
        "## Gateway",
        _metrics(gateway_metrics),
        "## Media",
        _metrics(media_worker),
    )


def _metrics(module: ModuleType) -> str:
    rows = []
    for metric in vars(module).values():
        if isinstance(metric, MetricWrapperBase):
            described = next(iter(metric.describe()))
            name = described.name + ("_total" if described.type == "counter" else "")
            labels = ", ".join(code(label) for label in metric._labelnames)
            rows.append((code(name), described.type, labels, described.documentation))
    return table(("metric", "type", "labels", "meaning"), rows)
