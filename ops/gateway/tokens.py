"""Who may send, and how much: bearer tokens and a token bucket for each."""

from __future__ import annotations

import hashlib
import hmac
import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from ops.failures import UserError

LEAST_TOKEN = 16
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,32}")
_PAIR = re.compile(r"\s*([^=,\s]+)=([^,\s]+)\s*")


class Bucket:
    """A token bucket that lets one large request pass and makes the next ones wait for it.

    Parameters
    ----------
    rate
        Events a second.
    burst
        Events at once after a pause.
    clock
        Monotonic seconds.

    Examples
    --------
    >>> now = [0.0]
    >>> bucket = Bucket(10.0, 20, lambda: now[0])
    >>> bucket.take(20), bucket.take(5)
    (0.0, 0.5)
    >>> now[0] = 0.5
    >>> bucket.take(5)
    0.0
    """

    def __init__(self, rate: float, burst: int, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._clock = clock
        self._level = self._burst
        self._at = clock()

    def take(self, cost: int) -> float:
        """Take `cost` events and return 0, or take nothing and return the seconds to wait.

        A request larger than the burst passes when the bucket is full, and leaves a debt.
        """
        now = self._clock()
        self._level = min(self._burst, self._level + (now - self._at) * self._rate)
        self._at = now
        needed = min(float(cost), self._burst)
        # Half a millionth: the level is a sum of floats, and "wait 1e-16 s" helps nobody.
        if self._level + 5e-7 >= needed:
            self._level -= cost
            return 0.0
        return (needed - self._level) / self._rate


@dataclass(frozen=True, slots=True)
class Sender:
    """Whom a token belongs to: the name is for metrics and scopes, it is no secret."""

    name: str
    bucket: Bucket


class Tokens:
    """The accepted bearer tokens, kept as digests."""

    def __init__(self, digests: dict[str, bytes], new_bucket: Callable[[], Bucket]) -> None:
        self._entries = [(digest, Sender(name, new_bucket())) for name, digest in digests.items()]

    @classmethod
    def parse(cls, text: str, new_bucket: Callable[[], Bucket]) -> Tokens:
        """Read `name=token,name=token`.

        Raises
        ------
        UserError
            When there is none, a name repeats or is odd, or a token is short; tokens are never quoted.
        """
        digests: dict[str, bytes] = {}
        for part in filter(str.strip, text.split(",")):
            pair = _PAIR.fullmatch(part)
            if pair is None or not _NAME.fullmatch(pair[1]):
                raise UserError("HARK_GATEWAY_TOKENS: write name=token, separated by commas")
            name, token = pair[1], pair[2]
            if len(token) < LEAST_TOKEN:
                raise UserError(f"HARK_GATEWAY_TOKENS: the token of {name} is shorter than {LEAST_TOKEN}")
            if name in digests:
                raise UserError(f"HARK_GATEWAY_TOKENS: {name} is there twice")
            digests[name] = _digest(token)
        if not digests:
            raise UserError("no tokens: name who may send in HARK_GATEWAY_TOKENS, as name=token")
        return cls(digests, new_bucket)

    def sender_of(self, header: str | None) -> Sender | None:
        """Return whose token an `Authorization` header bears.

        Every token is compared, digest with digest, so that the time tells nothing of any.
        """
        scheme, _, token = (header or "").partition(" ")
        given = _digest(token.strip())
        found = None
        for digest, sender in self._entries:
            if hmac.compare_digest(digest, given):
                found = sender
        return found if scheme.lower() == "bearer" else None


def retry_after(seconds: float) -> str:
    """Return the value of a `Retry-After` header: whole seconds, at least one."""
    return str(max(1, math.ceil(seconds)))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
