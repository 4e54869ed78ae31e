"""Tasks that a worker lives by and nobody waits for, and what ended one of them.

An aiokafka client asks for new leaders in one task, a producer sends in one, a member joins in one; rules
and models are followed in one of ours, learners publish in another. When such a task dies nobody is told:
futures stay open, partitions stay muted, slices are never acked, and the worker stands still for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError, KafkaError

LOOK_SECONDS = 1.0

Vital = tuple[str, "asyncio.Future[Any] | None"]


class VitalTaskEnded(RuntimeError):
    """A task has ended by itself; only a restart brings it back."""


def heed_closed_transports(connection: Any = AIOKafkaConnection) -> None:
    """Make writing to a connection that has just broken a Kafka error, which aiokafka then repeats.

    asyncio passes such a write over, uvloop raises RuntimeError, and aiokafka 0.14 expects OSError: between
    a broker's death and the notice of it the metadata task died of one, and a chaos round never ended.
    """
    send = connection.send
    if send.__name__ == "strictly":
        return

    def strictly(self: Any, request: Any, expect_response: bool = True) -> Any:
        try:
            return send(self, request, expect_response)
        except KafkaError:
            raise
        except RuntimeError as error:
            self.close(reason=CloseReason.CONNECTION_BROKEN)
            raise KafkaConnectionError(f"Connection at {self.host}:{self.port} broken: {error}") from error

    connection.send = strictly


def close_at_once(connection: Any = AIOKafkaConnection) -> None:
    """Make closing an encrypted connection not wait for the broker to say goodbye.

    With a fetch under way Kafka has none to give, and uvloop waits 30 s for it, where asyncio has half a
    second: each takeover of a partition did, because the reader of its state is closed at the end.
    Nothing is lost: whoever closes has had the answers it waits for.
    """
    close = connection.close
    if close.__name__ == "aborting":
        return

    def aborting(self: Any, reason: Any = None, exc: BaseException | None = None) -> Any:
        writer = self._writer
        closed = close(self, reason, exc)
        if writer is not None and writer.get_extra_info("ssl_object") is not None:
            writer.transport.abort()
        return closed

    connection.close = aborting


def of_producer(producer: Any) -> Iterator[Vital]:
    """Yield the tasks an aiokafka producer lives by."""
    yield "the producer's metadata", producer.client._sync_task
    yield "the producer's sender", producer._sender.sender_task


def of_consumer(name: str, consumer: Any) -> Iterator[Vital]:
    """Yield the tasks a started aiokafka consumer lives by."""
    yield f"{name}'s metadata", consumer._client._sync_task
    yield f"{name}'s fetcher", getattr(consumer._fetcher, "_fetch_task", None)
    yield f"{name}'s coordinator", getattr(consumer._coordinator, "_coordination_task", None)
    # It waits with an error until somebody polls, which nobody does in a rebalance or while a store is away.
    if (problem := getattr(consumer._coordinator, "_pending_exception", None)) is not None:
        yield f"{name}'s membership", failed(problem)


def failed(problem: BaseException) -> asyncio.Future[Any]:
    """Return a problem in the place of a task that it ended."""
    found: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    found.set_exception(problem)
    return found


def ended(tasks: Iterable[Vital]) -> VitalTaskEnded | None:
    """Return what has ended, caused by what ended it; None when everything lives."""
    for name, task in tasks:
        if task is not None and task.done():
            problem = None if task.cancelled() else task.exception()
            found = VitalTaskEnded(f"{name} ended: {type(problem).__name__ if problem else 'without a word'}")
            found.__cause__ = problem
            return found
    return None


def waits(loop: asyncio.AbstractEventLoop) -> list[str]:
    """Return where each task of a loop waits: its coroutines, from the outermost to line of the innermost."""
    found = []
    for task in asyncio.all_tasks(loop):
        inner: Any = task.get_coro()
        names, line = list[str](), 0
        while (frame := getattr(inner, "cr_frame", None)) is not None:
            names.append(inner.__qualname__)
            line, inner = frame.f_lineno, inner.cr_await
        if names:
            found.append(f"{' > '.join(names)}:{line}")
    return sorted(found)


async def watch(tasks: Callable[[], Iterable[Vital]], seconds: float = LOOK_SECONDS) -> None:
    """Look now and then.

    Raises
    ------
    VitalTaskEnded
        When a task has ended; the worker must be restarted.
    """
    while True:
        await asyncio.sleep(seconds)
        if (found := ended(tasks())) is not None:
            raise found
