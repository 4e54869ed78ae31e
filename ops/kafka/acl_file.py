"""The access control file: users, what each may read and write, and under which groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from ops.kafka.acls import Grant, Operation, Resource

SHIPPED = Path(__file__).with_name("acls.yaml")


class AclFileError(ValueError):
    """The file cannot be used; the message says where it is wrong."""


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
    """

    model_config = ConfigDict(extra="forbid")

    read: list[str] = []
    write: list[str] = []
    groups: list[str] = []
    fences: list[str] = []

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


def _flatten(values: list[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list):
            yield from _flatten(value)
        else:
            yield value
