"""Creates and checks the topics of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka.admin import NewTopic
from aiokafka.errors import ClusterAuthorizationFailedError, SecurityDisabled, TopicAlreadyExistsError

from ops.kafka.acl_file import SHIPPED, grants, load, quotas
from ops.kafka.acls import allow
from ops.kafka.quotas import limit
from streams import kafka
from streams.settings import Settings
from streams.topics import CATALOG, configs_of, partitions_of

HOUR_MS = 3_600_000


class TopicProblem(RuntimeError):
    """A topic is missing or differs from the catalogue; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What `apply` did: topics made now and topics that were there."""

    created: list[str]
    present: list[str]


def durability(copies: int) -> dict[str, str]:
    """Return the configs with which a confirmed record outlives any one broker.

    Kafka's own default lets one copy alone confirm; marks, fences and the store count offsets, so a log
    that loses its end and gives the offsets out again would lose events without a trace.

    >>> durability(1), durability(3)["min.insync.replicas"]
    ({}, '2')
    """
    if copies < 3:
        return {}
    return {"min.insync.replicas": str(copies // 2 + 1), "unclean.leader.election.enable": "false"}


async def apply(settings: Settings) -> Applied:
    """Create the topics that are missing.

    Raises
    ------
    TopicProblem
        When a topic has another number of partitions than the settings say: keys would move to
        other partitions than their state.
    """
    client = kafka.admin(settings)
    await client.start()
    try:
        present = await _partition_counts(client)
        missing = [topic for topic in CATALOG if topic.name not in present]
        wanted = [
            NewTopic(
                topic.name,
                partitions_of(topic, settings.partitions),
                settings.replication,
                topic_configs=configs_of(topic, int(settings.raw_retention_hours * HOUR_MS))
                | durability(settings.replication),
            )
            for topic in missing
        ]
        if wanted:
            try:
                response = await client.create_topics(wanted)
            except TopicAlreadyExistsError:
                response = None
            for name, code, message in _errors(response):
                raise TopicProblem(f"topic {name} could not be created: {message or f'error {code}'}")
        for topic in CATALOG:
            have, want = present.get(topic.name), partitions_of(topic, settings.partitions)
            if have is not None and have != want:
                raise TopicProblem(
                    f"topic {topic.name} has {have} partitions and the settings say {want}: set "
                    "HARK_PARTITIONS to what the cluster has; keys must not move away from their state"
                )
        return Applied([topic.name for topic in missing], sorted(set(present)))
    finally:
        await client.close()


async def apply_acls(settings: Settings, path: Path = SHIPPED) -> tuple[int, int]:
    """Create the ACLs and set the quotas of an access control file; returns how many of each.

    ACLs that exist are left, and the quotas of users the file gives none.

    Raises
    ------
    TopicProblem
        When the cluster has no authorizer, or the user may not alter it.
    AclFileError
        When the file cannot be used.
    """
    file, connection = load(path), kafka.connection(settings, "admin")
    try:
        created = await allow(connection, grants(file, settings.client_id))
        return created, await limit(connection, quotas(file))
    except (SecurityDisabled, ClusterAuthorizationFailedError) as error:
        raise TopicProblem(
            f"the cluster takes no ACLs from this user ({type(error).__name__}): it needs an authorizer, and "
            "the user ALTER and ALTER_CONFIGS on the cluster"
        ) from error


async def missing_topics(settings: Settings) -> list[str]:
    """Return the names of catalogue topics the cluster does not have."""
    client = kafka.admin(settings)
    await client.start()
    try:
        present = await _partition_counts(client)
        return [topic.name for topic in CATALOG if topic.name not in present]
    finally:
        await client.close()


async def _partition_counts(client: Any) -> dict[str, int]:
    described = await client.describe_topics()
    return {topic["topic"]: len(topic["partitions"]) for topic in described if not topic["error_code"]}


def _errors(response: object) -> list[tuple[str, int, str]]:
    found = []
    for entry in getattr(response, "topic_errors", ()):
        name, code, *rest = entry
        if code not in (0, 36):  # 36: TOPIC_ALREADY_EXISTS, another process was faster
            found.append((name, code, str(rest[0]) if rest else ""))
    return found
