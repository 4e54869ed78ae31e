"""The gateway's routes: authenticate, limit, judge, publish, answer."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Protocol

import orjson
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from models.clock import Clock
from ops.gateway import metrics
from ops.gateway.body import Batch, Entry, Reader, Target, TooLarge, decompressed, lines_of
from ops.gateway.idempotency import Answers, KeyReused
from ops.gateway.openapi import document
from ops.gateway.proxies import Proxies
from ops.gateway.publisher import Unavailable
from ops.gateway.tokens import Sender, Tokens, retry_after
from streams.codec import Header
from streams.topics import CUSTOMER_EVENTS, FEEDBACK_RAW

log = logging.getLogger(__name__)

SHOWN = 100
SINGLE, LINES = "application/json", "application/x-ndjson"
TOPIC_OF: dict[Target, tuple[str, str]] = {
    "feedback": (FEEDBACK_RAW, "hark.feedback.raw"),
    "customer": (CUSTOMER_EVENTS, "hark.customer.event"),
}
_KEY = re.compile(r"[!-~]{1,255}")
_TRACE = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Publishing(Protocol):
    """The part of `ops.gateway.publisher.Publisher` the routes need."""

    problem: str

    @property
    def ready(self) -> bool:
        """Whether the brokers answered last."""
        ...

    async def publish(
        self, topic: str, kind: str, source: str, entries: Sequence[Entry], passed: Sequence[Header]
    ) -> None:
        """Append the events and wait for the confirmations."""
        ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of a request."""

    max_bytes: int
    max_lines: int
    in_flight: int
    body_seconds: float


class Refusal(Exception):
    """The request is answered with an error; nothing of it was published."""

    def __init__(self, status: int, error: str, headers: dict[str, str] | None = None, **more: object):
        super().__init__(error)
        self.status = status
        self.headers = headers
        self.body = {"error": error, **more}


class Gateway:
    """The routes over their parts.

    Parameters
    ----------
    clock
        Wall-clock time, for the limits of event times.
    """

    def __init__(
        self,
        tokens: Tokens,
        reader: Reader,
        publisher: Publishing,
        answers: Answers,
        proxies: Proxies,
        bounds: Bounds,
        clock: Clock,
    ) -> None:
        self._tokens = tokens
        self._reader = reader
        self._publisher = publisher
        self._answers = answers
        self._proxies = proxies
        self._bounds = bounds
        self._clock = clock
        self._at_work = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self.draining = False

    def application(self) -> web.Application:
        """Return the aiohttp application."""
        app = web.Application(client_max_size=self._bounds.max_bytes, middlewares=[_answering])
        prefix = self._proxies.prefix
        app.router.add_post(f"{prefix}/v1/feedback", self._publishing("feedback"), name="feedback")
        app.router.add_post(f"{prefix}/v1/customers/events", self._publishing("customer"), name="customer")
        app.router.add_get(f"{prefix}/v1/openapi.json", self._openapi, name="openapi")
        app.router.add_get(f"{prefix}/healthz", self._healthz, name="healthz")
        app.router.add_get(f"{prefix}/readyz", self._readyz, name="readyz")
        return app

    async def _healthz(self, request: web.Request) -> web.Response:
        return _json(200, {"status": "ok"})

    async def _readyz(self, request: web.Request) -> web.Response:
        if self.draining:
            raise Refusal(503, "the gateway is stopping")
        if not self._publisher.ready:
            raise Refusal(503, self._publisher.problem)
        return _json(200, {"status": "ready"})

    async def _openapi(self, request: web.Request) -> web.Response:
        server = self._proxies.public_url(request.remote, request.headers)
        bounds = self._bounds
        return _json(200, document(version("hark"), server, bounds.max_bytes, bounds.max_lines))

    def _publishing(self, target: Target) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            sender = self._tokens.sender_of(request.headers.get("Authorization"))
            if sender is None:
                raise Refusal(401, "no valid bearer token", {"WWW-Authenticate": 'Bearer realm="hark"'})
            if self.draining:
                raise Refusal(503, "the gateway is stopping", {"Retry-After": "1", "Connection": "close"})
            if self._at_work >= self._bounds.in_flight:
                raise Refusal(503, "too many requests are at work", {"Retry-After": "1"})
            self._count(1)
            try:
                return await self._accept(request, sender, target)
            finally:
                self._count(-1)

        return handle

    def _count(self, change: int) -> None:
        self._at_work += change
        metrics.IN_FLIGHT.set(self._at_work)
        self._idle.clear() if self._at_work else self._idle.set()

    async def idle(self, seconds: float) -> None:
        """Wait until no request is at work, at most `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            log.warning("%d requests at work are broken off", self._at_work)

    async def _accept(self, request: web.Request, sender: Sender, target: Target) -> web.Response:
        key = request.headers.get("Idempotency-Key")
        if key is not None and not _KEY.fullmatch(key):
            raise Refusal(400, "Idempotency-Key must be 1 to 255 visible ASCII characters")
        single = _is_single(request.headers.get("Content-Type", ""))
        body = await self._body(request)
        lines = lines_of(body, single)
        if not lines:
            raise Refusal(400, "the body is empty")
        if len(lines) > self._bounds.max_lines:
            raise Refusal(413, f"more than {self._bounds.max_lines} lines")
        if wait := sender.bucket.take(len(lines)):
            metrics.LIMITED.labels(sender.name).inc()
            raise Refusal(429, "over the token's rate", {"Retry-After": retry_after(wait)})
        trace = _trace(request.headers.get("traceparent", ""))
        if key is None:
            return _accepted(await self._publish(lines, target, sender, None, trace), repeated=False)
        scope = f"{sender.name}\x1f{key}"
        digest = hashlib.sha256(body).digest()
        try:
            ids, repeated = await self._answers.once(
                f"{target}\x1f{scope}", digest, lambda: self._publish(lines, target, sender, scope, trace)
            )
        except KeyReused:
            raise Refusal(422, "this Idempotency-Key came before with another body") from None
        if repeated:
            metrics.REPEATED.inc()
        return _accepted(ids, repeated)

    async def _publish(
        self,
        lines: list[tuple[int, bytes]],
        target: Target,
        sender: Sender,
        scope: str | None,
        trace: list[Header],
    ) -> list[str]:
        batch = self._reader.read(lines, target, int(self._clock.now() * 1000), scope)
        if batch.bad:
            raise _bad_lines(batch)
        topic, kind = TOPIC_OF[target]
        try:
            await self._publisher.publish(topic, kind, f"gateway/{sender.name}", batch.entries, trace)
        except Unavailable as error:
            raise Refusal(503, f"{error}; try again, a repeat is harmless", {"Retry-After": "2"}) from None
        metrics.ACCEPTED.labels(sender.name).inc(len(batch.entries))
        return [entry.ident for entry in batch.entries]

    async def _body(self, request: web.Request) -> bytes:
        try:
            async with asyncio.timeout(self._bounds.body_seconds):
                body = await request.read()
            return decompressed(body, request.headers.get("Content-Encoding", ""), self._bounds.max_bytes)
        except TimeoutError:
            raise Refusal(408, "the body did not arrive in time", {"Connection": "close"}) from None
        except (web.HTTPRequestEntityTooLarge, TooLarge):
            raise Refusal(413, f"more than {self._bounds.max_bytes} bytes") from None
        except (web.RequestPayloadError, HttpProcessingError, ValueError):
            raise Refusal(400, "the body's encoding is broken") from None


@web.middleware
async def _answering(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever happens into an answer, count it, and never say or log content."""
    began = time.monotonic()
    route = request.match_info.route.name or "none"
    try:
        response: web.StreamResponse = await handler(request)
    except Refusal as refusal:
        response = _json(refusal.status, refusal.body, refusal.headers)
    except web.HTTPException as error:
        allowed = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
        response = _json(error.status, {"error": error.reason.lower()}, allowed)
    except Exception as error:
        log.error("%s failed: %s", route, type(error).__name__)
        response = _json(500, {"error": "a fault of the gateway"})
    metrics.REQUESTS.labels(route, response.status).inc()
    metrics.SECONDS.labels(route).observe(time.monotonic() - began)
    return response


def _is_single(content_type: str) -> bool:
    named = content_type.partition(";")[0].strip().lower()
    if named not in (SINGLE, LINES, "application/jsonl", "application/ndjson"):
        raise Refusal(415, f"send {SINGLE} or {LINES}")
    return named == SINGLE


def _bad_lines(batch: Batch) -> Refusal:
    for bad in batch.bad:
        metrics.REFUSED.labels(bad.reason).inc()
    shown = [{"line": bad.line, "reason": bad.reason, "field": bad.field} for bad in batch.bad[:SHOWN]]
    what = "1 line is" if len(batch.bad) == 1 else f"{len(batch.bad)} lines are"
    return Refusal(
        400, f"{what} not valid; nothing was published", lines=shown, more=len(batch.bad) - len(shown)
    )


def _accepted(ids: list[str], repeated: bool) -> web.Response:
    return _json(202, {"ids": ids}, {"Idempotency-Replayed": "true"} if repeated else None)


def _trace(value: str) -> list[Header]:
    return [("traceparent", value.encode())] if _TRACE.fullmatch(value) else []


def _json(status: int, body: object, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        status=status, body=orjson.dumps(body), content_type="application/json", headers=headers
    )
