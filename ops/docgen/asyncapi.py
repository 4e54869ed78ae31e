"""The AsyncAPI 3 document: channels are topics, messages are contracts, operations are agents'."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from ops.docgen.contracts import CE_TYPES, components, contracts, contracts_of, direction_of
from ops.docgen.examples import Example, contract_of
from streams.topics import BY_NAME, CATALOG, Topic, configs_of, partitions_of

Json = dict[str, Any]

OUTSIDE = ("producers", "gateway", "services", "people")
"""Who writes and reads topics without being an agent."""
BINDING = "0.5.0"
"""Version of the Kafka bindings, see github.com/asyncapi/bindings/tree/master/kafka."""

TRACEPARENT: Json = {
    "type": "string",
    "pattern": "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
    "description": "W3C trace context, passed through from the first record of a chain",
}


def document(version: str, partitions: int, examples: dict[str, list[Example]]) -> Json:
    """Return the document.

    Parameters
    ----------
    version
        Version of Hark.
    partitions
        Partitions of topics keyed by customer.
    examples
        Example records by topic.
    """
    models = contracts()
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Hark",
            "version": version,
            "description": "Feedback in, scored feedback, decisions and actions out. Values are JSON.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "local": {
                "host": "127.0.0.1:9092",
                "protocol": "kafka",
                "description": "what `hark up` starts; HARK_BROKER names another",
            }
        },
        "channels": {topic.name: _channel(topic, partitions) for topic in CATALOG},
        "operations": _operations(),
        "components": {
            "messages": {name: _message(model, examples) for name, model in models.items()},
            "schemas": components(models.values(), "#/components/schemas/{model}"),
        },
    }


def agents() -> list[str]:
    """Return every agent the catalogue names, sorted.

    Examples
    --------
    >>> "intake" in agents(), "people" in agents()
    (True, False)
    """
    named = {name for topic in CATALOG for name in (*topic.producers, *topic.consumers)}
    return sorted(named - set(OUTSIDE))


def _channel(topic: Topic, partitions: int) -> Json:
    configs = configs_of(topic)
    binding: Json = {"cleanup.policy": configs["cleanup.policy"].split(",")}
    if "retention.ms" in configs:
        binding["retention.ms"] = int(configs["retention.ms"])
    if "max.message.bytes" in configs:
        binding["max.message.bytes"] = int(configs["max.message.bytes"])
    return {
        "address": topic.name,
        "description": f"{topic.about}; keyed by {topic.key}",
        "messages": {
            model.__name__: {"$ref": f"#/components/messages/{model.__name__}"}
            for model in contracts_of(topic)
        },
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": partitions_of(topic, partitions),
                "topicConfiguration": binding,
                "bindingVersion": BINDING,
            }
        },
    }


def _operations() -> Json:
    found: Json = {}
    for agent in agents():
        for action, verb, side in (("receive", "reads", "consumers"), ("send", "writes", "producers")):
            for topic in CATALOG:
                if agent not in getattr(topic, side):
                    continue
                found[f"{agent}_{verb}_{topic.name}"] = {
                    "action": action,
                    "channel": {"$ref": f"#/channels/{topic.name}"},
                    "summary": f"{agent} {verb} {topic.name}",
                    "messages": [
                        {"$ref": f"#/channels/{topic.name}/messages/{model.__name__}"}
                        for model in contracts_of(topic)
                    ],
                    "bindings": {"kafka": {"groupId": _group(agent), "bindingVersion": BINDING}}
                    if action == "receive"
                    else {},
                }
    return found


def _group(agent: str) -> Json:
    return {"type": "string", "default": f"hark-{agent}", "description": "begins with HARK_CLIENT_ID"}


def _message(model: type[BaseModel], examples: dict[str, list[Example]]) -> Json:
    name = model.__name__
    own = [
        {"name": f"{example.topic}/{example.case}", "summary": example.note, "payload": example.value}
        for cases in examples.values()
        for example in cases
        if example.value is not None and contract_of(BY_NAME[example.topic], example.value) is model
    ]
    message: Json = {
        "name": name,
        "title": name,
        "summary": (model.__doc__ or "").strip().splitlines()[0],
        "description": "written by producers; further fields are kept"
        if direction_of(model) == "inbound"
        else "written by Hark; closed",
        "headers": headers_of(name),
        "payload": {"$ref": f"#/components/schemas/{name}"},
        "bindings": {"kafka": {"key": {"type": "string"}, "bindingVersion": BINDING}},
    }
    if own:
        message["examples"] = own[:3]
    return message


def headers_of(name: str) -> Json:
    """Return the schema of the record headers of a contract."""
    if name not in CE_TYPES:
        return {"type": "object", "properties": {"traceparent": TRACEPARENT}}
    kind = CE_TYPES[name]
    typed: Json = (
        {"const": kind} if "<" not in kind else {"pattern": "^" + kind.partition("<")[0].replace(".", r"\.")}
    )
    return {
        "type": "object",
        "required": ["ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time"],
        "properties": {
            "ce_specversion": {"type": "string", "const": "1.0"},
            "ce_id": {"type": "string", "description": "the record's own id"},
            "ce_type": {"type": "string", **typed},
            "ce_source": {"type": "string", "description": "input topic, rule or agent"},
            "ce_time": {"type": "string", "format": "date-time"},
            "traceparent": TRACEPARENT,
        },
    }
