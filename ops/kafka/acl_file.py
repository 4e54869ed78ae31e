"""The access control file: users, what each may read and write, and under which groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, PositiveFloat, ValidationError, field_validator

from ops.kafka.acls import Grant, Operation, Resource
from ops.kafka.quotas import KEYS

SHIPPED = Path(__file__).with_name("acls.yaml")


class AclFileError(ValueError):
    """The file cannot be used; the message says where it is wrong."""


class Quota(BaseModel):
    """What one Kafka user may take of each broker; what is left out is without limit.

    Parameters
    ----------
    produce_bytes, fetch_bytes
        A second.
    request_percent
        Of one network or request thread's time; 200 is two threads.
    """

    model_config = ConfigDict(extra="forbid")

    produce_bytes: PositiveFloat | None = None
    fetch_bytes: PositiveFloat | None = None
    request_percent: PositiveFloat | None = None


class User(BaseModel):
    """What one Kafka user may do.

    Parameters
    ----------
    read, write
        Topics. Lists may be nested, which is what YAML aliases of lists give.
    groups
        Beginnings of consumer group names.
    fences
        Beginnings of transactional ids, with which partition state is fenced.
    quota
        None leaves the cluster's as it is.
    """

    model_config = ConfigDict(extra="forbid")

    read: list[str] = []
    write: list[str] = []
    groups: list[str] = []
    fences: list[str] = []
    quota: Quota | None = None

    @field_validator("read", "write", mode="before")
    @classmethod
    def _flat(cls, value: Any) -> Any:
        return list(_flatten(value)) if isinstance(value, list) else value


class AclFile(BaseModel):
    """The whole file; `kinds` is only there to be referred to."""

    model_config = ConfigDict(extra="forbid")

    kinds: list[str] = []
    users: dict[str, User]


def load(path: Path = SHIPPED) -> AclFile:
    """Read an access control file.

    Raises
    ------
    AclFileError
        When it is not YAML, or a field is unknown or of a wrong type.
    """
    try:
        return AclFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, ValidationError, OSError) as error:
        raise AclFileError(f"{path.name}: {str(error).splitlines()[0]}") from error


def grants(file: AclFile, client_id: str = "hark") -> Sequence[Grant]:
    """Return the grants of a file.

    Parameters
    ----------
    client_id
        Prefix of consumer groups, `HARK_CLIENT_ID`.

    Examples
    --------
    >>> [grant.name for grant in grants(load()) if grant.user == "hark-gateway"]
    ['feedback.raw']
    """
    found: list[Grant] = []
    for name, user in file.users.items():
        found += [Grant(name, Resource.TOPIC, topic, (Operation.READ,)) for topic in user.read]
        found += [Grant(name, Resource.TOPIC, topic, (Operation.WRITE,)) for topic in user.write]
        for group in user.groups:
            begin = group.replace("{client_id}", client_id)
            found.append(Grant(name, Resource.GROUP, begin, (Operation.READ,), prefixed=True))
        for fence in user.fences:
            begin, both = fence.replace("{client_id}", client_id), (Operation.WRITE, Operation.DESCRIBE)
            found.append(Grant(name, Resource.TRANSACTIONAL_ID, begin, both, prefixed=True))
    return found


def quotas(file: AclFile) -> dict[str, dict[str, float]]:
    """Return Kafka's quota keys and values of the users that have a quota.

    Examples
    --------
    >>> quotas(AclFile.model_validate({"users": {"a": {"quota": {"produce_bytes": 5e6}}, "b": {}}}))
    {'a': {'producer_byte_rate': 5000000.0}}
    """
    found: dict[str, dict[str, float]] = {}
    for name, user in file.users.items():
        if (quota := user.quota) is not None:
            given = zip(KEYS, (quota.produce_bytes, quota.fetch_bytes, quota.request_percent), strict=True)
            found[name] = {key: value for key, value in given if value is not None}
    return found


def _flatten(values: list[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list):
            yield from _flatten(value)
        else:
            yield value
