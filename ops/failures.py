"""Turns what can go wrong into one sentence and an exit status, never a traceback."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import typer
from aiokafka.errors import KafkaConnectionError, KafkaError
from pydantic import ValidationError

from streams.settings import Settings

P = ParamSpec("P")
T = TypeVar("T")

SAYABLE = frozenset(
    {
        "models.pii.keyring:KeyringError",
        "models.pii.operator_choice:OperatorError",
        "models.pii.thorough:MissingTagger",
        "models.snapshot:SnapshotError",
        "ops.embedded.process:EmbeddedError",
        "ops.kafka.acl_file:AclFileError",
        "ops.topic_admin:TopicProblem",
        "rules.source:RuleError",
        "sinks.base:SinkError",
        "streams.masking:ChannelError",
        "streams.readiness:NotReady",
    }
)
"""Errors whose text is already a sentence for people.

Names, not classes: importing them all costs every command .7 s of processor time, and what was raised was
imported by whoever raised it.
"""

CLICKHOUSE = frozenset({"clickhouse_connect.driver.exceptions:ClickHouseError"})


class UserError(Exception):
    """Something the caller can mend; the text is one sentence that says what to do."""


def sentence(error: BaseException) -> str | None:
    """Return what to tell the user about `error`, None when it is a fault of ours."""
    if isinstance(error, UserError) or _is_one_of(error, SAYABLE):
        return str(error)
    if isinstance(error, KafkaConnectionError):
        return "no Kafka broker answers: check HARK_BROKER, or start one with `hark up`"
    if isinstance(error, KafkaError):
        return f"Kafka: {type(error).__name__}: {error}"
    if _is_one_of(error, CLICKHOUSE):
        return f"ClickHouse: {str(error).splitlines()[0][:300]}"
    if isinstance(error, ValidationError) and error.title == "Settings":
        first = error.errors(include_url=False, include_input=False)[0]
        name = "HARK_" + "_".join(str(part) for part in first["loc"]).upper()
        return f"{name}: {first['msg']}"
    if isinstance(error, OSError):
        return f"{error.strerror or error}: {error.filename}" if error.filename else str(error)
    return None


def _is_one_of(error: BaseException, names: frozenset[str]) -> bool:
    return any(f"{kind.__module__}:{kind.__qualname__}" in names for kind in type(error).__mro__)


def sayable(command: Callable[P, T]) -> Callable[P, T]:
    """Decorate a command so that expected failures end in one sentence and exit status 1."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return command(*args, **kwargs)
        except (typer.Exit, typer.Abort):
            raise
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
        except Exception as error:
            if (text := sentence(error)) is None:
                raise
            typer.echo(f"hark: {text}", err=True)
            raise typer.Exit(1) from None

    return run


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine."""
    return asyncio.run(main)


def settings(**changes: Any) -> Settings:
    """Return the settings with what the command line said instead of the environment."""
    return Settings(**{name: value for name, value in changes.items() if value is not None})
