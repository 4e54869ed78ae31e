"""The gateway process: build the parts from the settings, serve, stop gently."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from functools import partial

from aiohttp import web
from prometheus_client import start_http_server

from models.clock import SystemClock
from models.intake import Limits
from ops.failures import UserError
from ops.gateway.app import TOPIC_OF, Bounds, Gateway
from ops.gateway.body import Reader
from ops.gateway.idempotency import Answers
from ops.gateway.proxies import Proxies
from ops.gateway.publisher import Publisher
from ops.gateway.tokens import Bucket, Tokens
from streams import kafka
from streams.settings import Settings

log = logging.getLogger(__name__)

DAY_MS = 86_400_000


class Discreet(logging.Filter):
    """Keeps request bytes out of the log: aiohttp's errors quote what it could not parse."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep the kind of the error and drop its text."""
        kind = record.exc_info[0] if record.exc_info else None
        record.msg = f"a request failed below the routes: {kind.__name__ if kind else 'no exception'}"
        record.args, record.exc_info, record.exc_text = (), None, None
        return True


class Server:
    """A gateway on a port.

    Raises
    ------
    UserError
        When tokens, proxies or prefix do not parse.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        clock = SystemClock()
        new_bucket = partial(Bucket, settings.gateway_rate, settings.gateway_burst, time.monotonic)
        limits = Limits(
            settings.max_event_bytes,
            int(settings.future_tolerance_s * 1000),
            int(settings.max_age_days * DAY_MS),
        )
        self.publisher = Publisher(
            partial(kafka.producer, settings, "gateway"),
            partial(kafka.BatchWriter, settings=settings),
            [topic for topic, _ in TOPIC_OF.values()],
            settings.gateway_confirm_s,
            clock.now,
        )
        bounds = Bounds(
            settings.gateway_max_bytes,
            settings.gateway_max_lines,
            settings.gateway_in_flight,
            settings.gateway_body_s,
        )
        self.gateway = Gateway(
            Tokens.parse(settings.gateway_tokens.get_secret_value(), new_bucket),
            Reader(limits),
            self.publisher,
            Answers(settings.gateway_kept_ids, time.monotonic),
            Proxies(settings.gateway_trusted_proxies, settings.gateway_prefix),
            bounds,
            clock,
        )
        quiet = logging.getLogger("ops.gateway.http")
        quiet.filters[:] = [Discreet()]
        self._runner = web.AppRunner(
            self.gateway.application(),
            access_log=None,
            auto_decompress=False,  # aiohttp would answer broken encodings below the routes
            logger=quiet,
            shutdown_timeout=1.0,
        )
        self._site: web.TCPSite | None = None
        self.port = 0

    async def start(self) -> None:
        """Bind and begin to connect.

        Raises
        ------
        UserError
            When the port is taken.
        """
        await self._runner.setup()
        host, port = self._settings.gateway_host, self._settings.gateway_port
        self._site = web.TCPSite(self._runner, host, port)
        try:
            await self._site.start()
        except OSError as error:
            await self._runner.cleanup()
            raise UserError(f"{host}:{port}: {error.strerror}; set HARK_GATEWAY_PORT") from error
        self.port = int(self._runner.addresses[0][1])
        await self.publisher.start()

    async def stop(self) -> None:
        """Take no more, let requests at work finish, then close the producer."""
        self.gateway.draining = True
        if self._site is not None:
            await self._site.stop()
        # aiohttp's own shutdown reads no further bytes, so a body half received would be lost.
        await self.gateway.idle(self._settings.gateway_drain_s)
        await self._runner.cleanup()
        await self.publisher.stop()


async def serve(settings: Settings) -> None:
    """Run a gateway until SIGTERM or SIGINT."""
    server, stopped = Server(settings), asyncio.Event()
    await server.start()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    if settings.metrics_port:
        start_http_server(settings.metrics_port, addr=settings.metrics_host)
    log.info("listening on http://%s:%d", settings.gateway_host, server.port)
    await stopped.wait()
    log.info("stopping")
    await server.stop()
