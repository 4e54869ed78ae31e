"""Allow users what they need where the authorizer denies the rest (``CreateAcls``, KIP-140, KIP-290)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import NoError, for_code
from aiokafka.protocol.admin import CreateAclsRequest


class Resource(IntEnum):
    """What an ACL is about, with Kafka's codes."""

    TOPIC = 2
    GROUP = 3
    CLUSTER = 4
    TRANSACTIONAL_ID = 5


class Operation(IntEnum):
    """What an ACL allows, with Kafka's codes."""

    ALL = 2
    READ = 3
    WRITE = 4
    CREATE = 5
    DELETE = 6
    ALTER = 7
    DESCRIBE = 8
    DESCRIBE_CONFIGS = 10
    ALTER_CONFIGS = 11
    IDEMPOTENT_WRITE = 12


_LITERAL, _PREFIXED, _ALLOW = 3, 4, 3


@dataclass(frozen=True)
class Grant:
    """Allow one user some operations on one resource, from any host.

    Attributes
    ----------
    user : str
        SCRAM user; the principal is ``User:<user>``.
    resource : Resource
        Kind of resource.
    name : str
        Its name, or the beginning of its name when `prefixed`.
    operations : tuple of Operation
        READ and WRITE imply DESCRIBE.
    prefixed : bool
        Match every name that begins with `name`.
    """

    user: str
    resource: Resource
    name: str
    operations: tuple[Operation, ...]
    prefixed: bool = False


async def allow(client_settings: Mapping[str, Any], grants: Iterable[Grant]) -> int:
    """Create the ACLs of the grants and return how many; an ACL that exists already is left as it is.

    Parameters
    ----------
    client_settings : mapping
        Keyword arguments of an aiokafka client whose user may alter the cluster.
    grants : iterable of Grant
        What to allow.

    Raises
    ------
    aiokafka.errors.KafkaError
        When the cluster refuses one of them (`ClusterAuthorizationFailedError`, `SecurityDisabledError`).
    """
    client, created = AIOKafkaClient(**client_settings), 0
    await client.bootstrap()
    try:
        for grant in grants:
            pattern = _PREFIXED if grant.prefixed else _LITERAL
            for operation in grant.operations:
                request = CreateAclsRequest(
                    grant.resource, grant.name, pattern, f"User:{grant.user}", "*", operation, _ALLOW
                )
                answer = await client.send(client.get_random_node(), request)
                for code, message in (result[:2] for result in answer.creation_responses):
                    error = for_code(code)
                    if error is not NoError:
                        raise error(message)
                    created += 1
    finally:
        await client.close()
    return created
