"""Turns what can go wrong into one sentence and an exit status, never a traceback."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import typer
from aiokafka.errors import KafkaConnectionError, KafkaError
from clickhouse_connect.driver.exceptions import ClickHouseError
from pydantic import ValidationError

from models.pii.keyring import KeyringError
from models.pii.operator_choice import OperatorError
from models.pii.thorough import MissingTagger
from models.snapshot import SnapshotError
from ops.embedded.process import EmbeddedError
from ops.kafka.acl_file import AclFileError
from ops.topic_admin import TopicProblem
from rules.source import RuleError
from sinks.base import SinkError
from streams.masking import ChannelError
from streams.readiness import NotReady
from streams.settings import Settings

P = ParamSpec("P")
T = TypeVar("T")

SAYABLE = (
    AclFileError,
    ChannelError,
    EmbeddedError,
    KeyringError,
    MissingTagger,
    NotReady,
    OperatorError,
    RuleError,
    SinkError,
    SnapshotError,
    TopicProblem,
)
"""Errors whose text is already a sentence for people."""


class UserError(Exception):
    """Something the caller can mend; the text is one sentence that says what to do."""


def sentence(error: BaseException) -> str | None:
    """Return what to tell the user about `error`, None when it is a fault of ours."""
    if isinstance(error, (UserError, *SAYABLE)):
        return str(error)
    if isinstance(error, KafkaConnectionError):
        return "no Kafka broker answers: check HARK_BROKER, or start one with `hark up`"
    if isinstance(error, KafkaError):
        return f"Kafka: {type(error).__name__}: {error}"
    if isinstance(error, ClickHouseError):
        return f"ClickHouse: {str(error).splitlines()[0][:300]}"
    if isinstance(error, ValidationError) and error.title == "Settings":
        first = error.errors(include_url=False, include_input=False)[0]
        name = "HARK_" + "_".join(str(part) for part in first["loc"]).upper()
        return f"{name}: {first['msg']}"
    if isinstance(error, OSError):
        return f"{error.strerror or error}: {error.filename}" if error.filename else str(error)
    return None


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
