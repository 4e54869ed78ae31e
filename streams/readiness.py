"""Waiting for what a worker needs, in whatever order things are started; says for what."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
log = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 10.0


class NotReady(RuntimeError):
    """Something a worker needs is not there yet; the message says what to do."""


async def patiently(
    what: str,
    attempt: Callable[[], Awaitable[T]],
    expected: tuple[type[Exception], ...] = (NotReady,),
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> T:
    """Try until it works, with growing pauses, and return what it gave.

    Containers start in any order and topics may be made by hand, so a missing part is a reason to wait
    and to say so, not to end: a supervisor's restarts would only hide what is missing.

    Parameters
    ----------
    what
        What is waited for, for the log.
    expected
        Errors that time or a person's hand may cure; others pass through.
    """
    pause = FIRST_PAUSE_S
    while True:
        try:
            return await attempt()
        except expected as problem:
            reason = str(problem) or type(problem).__name__
            log.warning("waiting for %s: %s; next try in %.2g s", what, reason, pause)
        await sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_S)
