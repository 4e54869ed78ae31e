"""A worker process: any choice of agents in one event loop."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from typing import Any

import mode
import uvloop
from prometheus_client import start_http_server

from models.clock import SystemClock
from streams.app import Pulse, create_app
from streams.pipeline import AGENTS
from streams.runtime import Runtime
from streams.settings import Settings

log = logging.getLogger(__name__)

EXIT_SECONDS = 10


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


class WorkerService(mode.Service):
    """Starts what the agents share before them and stops it after them."""

    def __init__(
        self, run: Runtime, handlers: Sequence[Any], apps: Sequence[Any], pulse: Pulse, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._run = run
        self._handlers = handlers
        self._apps = apps
        self._pulse = pulse

    async def on_start(self) -> None:
        """Read the broadcasts, then prepare the agents."""
        await self._run.start_broadcast()
        for handler in self._handlers:
            await handler.start()
        self.add_future(self._pulse.beat())
        # Side by side, because each app's start waits until its consumer group has settled.
        await asyncio.gather(*(self.add_runtime_dependency(app) for app in self._apps))

    async def on_stop(self) -> None:
        """Stop the agents side by side, finish what they took, then flush the producer."""
        await asyncio.gather(*(app.stop() for app in self._apps))
        for handler in self._handlers:
            await handler.stop()
        await self._run.close()


async def prepare(settings: Settings, agents: Sequence[str]) -> WorkerService:
    """Connect, build the chosen agents and return the service that runs them."""
    run = Runtime(settings, SystemClock())
    await run.connect()
    pulse = Pulse(settings.session_timeout_s * 0.9)
    handlers, apps, assigned = [], [], Assigned(agents)
    for agent in agents:
        topics, handler = AGENTS[agent](run)
        handlers.append(handler)
        apps.append(create_app(settings, agent, topics, handler, pulse))
        assigned.watch(agent, apps[-1])
    return WorkerService(run, handlers, apps, pulse)


def run_worker(settings: Settings, agents: Sequence[str]) -> None:
    """Run the agents until SIGTERM or SIGINT; exits 1 when one crashes, so that a supervisor restarts it."""
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr
    )
    for name in ("aiokafka", "faust", "mode", "streams.slices"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(settings.log_level)))
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    service = loop.run_until_complete(prepare(settings, agents))
    if settings.metrics_port:
        start_http_server(settings.metrics_port, addr=settings.metrics_host)
    log.info("worker %d runs %s", os.getpid(), ", ".join(agents))
    worker = mode.Worker(service, loop=loop, redirect_stdouts=False, quiet=True, override_logging=False)
    worker.execute_from_commandline()
