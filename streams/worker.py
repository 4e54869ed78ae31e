"""A worker process: any choice of agents in one event loop."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import mode
import uvloop
from prometheus_client import start_http_server

from models.clock import SystemClock
from sinks.base import SinkError
from streams import metrics
from streams.app import Pulse, create_app
from streams.lag import LOOK_SECONDS, Lag
from streams.memory import (
    give_back_compiler,
    give_back_large_blocks,
    give_back_unused,
    spare_the_collector,
)
from streams.pipeline import AGENTS
from streams.readiness import patiently
from streams.runtime import Runtime
from streams.settings import Settings
from streams.vital import Vital, heed_closed_transports, of_consumer, waits, watch

log = logging.getLogger(__name__)

LAG_SAMPLE_SECONDS, TRIM_SECONDS = 0.1, 30.0
HANDOVER_SECONDS = 0.001
STOP_SECONDS = 10.0
"""Longest an orderly stop may take; a supervisor kills after that anyway."""


class Assigned:
    """Says when every agent has got its partitions for the first time; a supervisor may wait for it."""

    def __init__(self, agents: Sequence[str]) -> None:
        self._waiting = set(agents)

    def watch(self, agent: str, app: Any) -> None:
        """Note the agent's first assignment."""

        async def note(sender: Any, assigned: Any, **kwargs: Any) -> None:
            if agent in self._waiting:
                self._waiting.discard(agent)
                if not self._waiting:
                    log.info("all agents are assigned")

        app.on_partitions_assigned.connect(note, weak=False)


class Watchdog:
    """Ends the process when a stop hangs: on a store that is away, on a broker that never answers.

    Parameters
    ----------
    seconds
        From `start` to the end.
    end
        Ends the process without running anything more.
    """

    def __init__(self, seconds: float, end: Callable[[int], object] = os._exit) -> None:
        self._seconds = seconds
        self._end = end
        self._timer: threading.Timer | None = None

    def start(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Begin to count; a second call changes nothing.

        Parameters
        ----------
        loop
            Whose tasks are asked at the end what they wait for.
        """
        if self._timer is None:
            self._timer = threading.Timer(self._seconds, self._bite, (loop,))
            self._timer.daemon = True
            self._timer.start()

    def cancel(self) -> None:
        """Stop counting."""
        if self._timer is not None:
            self._timer.cancel()

    def _bite(self, loop: asyncio.AbstractEventLoop | None) -> None:
        try:
            log.error("the stop hangs after %.0f s; ending: what was not acked comes again", self._seconds)
            if loop is not None:
                log.error("it waits for %s", "; ".join(waits(loop)))
        finally:
            self._end(1)


class WorkerService(mode.Service):
    """Starts what the agents share before them and stops it after them."""

    def __init__(
        self,
        run: Runtime,
        handlers: Sequence[Any],
        apps: Sequence[Any],
        pulse: Pulse,
        lags: Sequence[Lag] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._run = run
        self._lags = lags
        self._handlers = handlers
        self._apps = apps
        self._pulse = pulse
        self.watchdog = Watchdog(STOP_SECONDS)

    async def stop(self) -> None:
        """Stop within `STOP_SECONDS`, or end the process: nothing unacked is lost by that."""
        self.watchdog.start(asyncio.get_running_loop())
        await super().stop()

    async def on_start(self) -> None:
        """Read the broadcasts, then prepare the agents."""
        try:
            await self._run.start_broadcast()
            for handler in self._handlers:
                await patiently("the store", handler.start, (SinkError,))
        except Exception:
            if not self.should_stop:
                raise
            log.info("told to stop before the agents had begun")  # what it waited for is closed by then
            return
        self.add_future(self._pulse.beat())
        self.add_future(measure_loop_lag())
        self.add_future(trim_heap())
        self.add_future(watch(self._vital))
        self.add_future(self._measure_lag())
        # Side by side, because each app's start waits until its consumer group has settled.
        await asyncio.gather(*(self.add_runtime_dependency(app) for app in self._apps))

    def _vital(self) -> Sequence[Vital]:
        """Return what the agents live by; nothing while it is being stopped."""
        if self.should_stop:
            return ()
        found = [*self._run.vital()]
        for app, handler in zip(self._apps, self._handlers, strict=True):
            found.append((f"regular work of {app.conf.id}", handler.regular))
            if (consumer := _consumer(app)) is not None:
                found += of_consumer(app.conf.id, consumer)
        return found

    async def _measure_lag(self) -> None:
        while not self.should_stop:
            await self.sleep(LOOK_SECONDS)
            for lag, app in zip(self._lags, self._apps, strict=True):
                if (consumer := _consumer(app)) is not None:
                    lag.look(consumer)

    async def on_stop(self) -> None:
        """Stop the agents side by side, finish what they took, then flush the producer."""
        await asyncio.gather(*(app.stop() for app in self._apps))
        for handler in self._handlers:
            await handler.stop()
        await self._run.close()


def _consumer(app: Any) -> Any:
    """Return an app's aiokafka consumer, None where it has none or none that works."""
    consumer = app._consumer._thread._consumer if app._consumer is not None else None
    return None if app.should_stop or consumer is None or consumer._closed else consumer


async def prepare(settings: Settings, agents: Sequence[str]) -> WorkerService:
    """Connect, build the chosen agents and return the service that runs them."""
    run = Runtime(settings, SystemClock())
    await run.connect(agents)
    pulse = Pulse(settings.session_timeout_s * 0.9)
    handlers, apps, lags, assigned = [], [], [], Assigned(agents)
    for agent in agents:
        topics, handler = AGENTS[agent](run)
        handlers.append(handler)
        apps.append(create_app(settings, agent, topics, handler, pulse))
        lags.append(Lag(agent, getattr(handler, "progress", None)))
        assigned.watch(agent, apps[-1])
    return WorkerService(run, handlers, apps, pulse, lags)


async def trim_heap() -> None:
    """Give free memory back, forever, beside the loop."""
    while await asyncio.to_thread(give_back_unused):
        await asyncio.sleep(TRIM_SECONDS)


async def measure_loop_lag() -> None:
    """Observe, forever, how late this loop comes to a timer."""
    while True:
        wanted = time.monotonic() + LAG_SAMPLE_SECONDS
        await asyncio.sleep(LAG_SAMPLE_SECONDS)
        metrics.LOOP_LAG_SECONDS.observe(max(0.0, time.monotonic() - wanted))
        metrics.TASKS.set(len(asyncio.all_tasks()))


def run_worker(settings: Settings, agents: Sequence[str]) -> None:
    """Run the agents until SIGTERM or SIGINT; exits 1 when one crashes, so that a supervisor restarts it."""
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr
    )
    for name in ("aiokafka", "faust", "mode", "streams.slices"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(settings.log_level)))
    give_back_large_blocks()
    heed_closed_transports()
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    service = loop.run_until_complete(prepare(settings, agents))
    spare_the_collector()
    give_back_compiler()
    # The learner's thread must hand the interpreter over sooner than after Python's 5 ms.
    sys.setswitchinterval(HANDOVER_SECONDS)
    if settings.metrics_port:
        start_http_server(settings.metrics_port, addr=settings.metrics_host)
    log.info("worker %d runs %s", os.getpid(), ", ".join(agents))
    worker = mode.Worker(service, loop=loop, redirect_stdouts=False, quiet=True, override_logging=False)
    worker.execute_from_commandline()
