"""From a request's body to the events to publish, or what is wrong with which line."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from models.intake import Limits, content_id, judge_fact, judge_feedback
from models.outcome import DeadLetter

Target = Literal["feedback", "customer"]

ID_ROOM = 64
"""Bytes an id that is added may take; lines are refused that much earlier than intake would."""


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that was refused: number from 1, reason code, field path; never content."""

    line: int
    reason: str
    field: str


@dataclass(frozen=True, slots=True)
class Entry:
    """An event to publish."""

    ident: str
    key: str
    value: bytes


@dataclass(slots=True)
class Batch:
    """What a body held; with `bad` lines nothing of it may be published."""

    entries: list[Entry] = field(default_factory=list)
    bad: list[BadLine] = field(default_factory=list)


class TooLarge(Exception):
    """The body is over the limit once decompressed."""


def decompressed(body: bytes, encoding: str, most: int) -> bytes:
    """Return a body without its Content-Encoding; a bomb is never unpacked further than `most` bytes.

    Raises
    ------
    TooLarge
        When more than `most` bytes come out.
    ValueError
        When the encoding is unknown, or the body is not of it.

    Examples
    --------
    >>> decompressed(zlib.compress(b"{}"), "deflate", 10)
    b'{}'
    """
    named = encoding.strip().lower()
    if named in ("", "identity"):
        return body
    if named not in ("gzip", "deflate"):
        raise ValueError("unknown Content-Encoding")
    opened = zlib.decompressobj(wbits=31 if named == "gzip" else 15)
    try:
        plain = opened.decompress(body, most + 1)
    except zlib.error:
        raise ValueError("not of its Content-Encoding") from None
    if len(plain) > most:
        raise TooLarge
    if not opened.eof or opened.unused_data:
        raise ValueError("cut short, or with something behind it")
    return plain


def lines_of(body: bytes, single: bool) -> list[tuple[int, bytes]]:
    r"""Return the numbered events of a body: all of it, or its lines that are not blank.

    Examples
    --------
    >>> lines_of(b'{}\r\n\n{}', single=False)
    [(1, b'{}'), (3, b'{}')]
    """
    body = body.removeprefix(b"\xef\xbb\xbf")
    if single:
        return [(1, body.strip())] if body.strip() else []
    return [(number, line) for number, line in _stripped(body) if line]


def _stripped(body: bytes) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(body.split(b"\n"), 1):
        yield number, line.strip()


class Reader:
    """Judges events exactly as intake will, and gives each its id.

    Parameters
    ----------
    limits
        Intake's limits.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = replace(limits, max_bytes=limits.max_bytes - ID_ROOM)

    def read(self, lines: list[tuple[int, bytes]], target: Target, now_ms: int, scope: str | None) -> Batch:
        """Return the events with their ids, or the bad lines.

        Parameters
        ----------
        scope
            What ids of events without one are made of (sender and Idempotency-Key), so that a repeat
            through any process gives the same; None: of the event itself, as intake does.
        """
        batch = Batch()
        judge = self._feedback if target == "feedback" else self._fact
        for index, (number, line) in enumerate(lines):
            made = None if scope is None else _made_id(scope, target, index)
            found = judge(line, now_ms, made)
            if isinstance(found, DeadLetter):
                batch.bad.append(BadLine(number, str(found.reason), found.field))
            else:
                batch.entries.append(found)
        return batch

    def _feedback(self, line: bytes, now_ms: int, made: str | None) -> Entry | DeadLetter:
        judged = judge_feedback(line, now_ms, self._limits)
        if isinstance(judged, DeadLetter):
            return judged
        event = judged.event
        key = str(event.customer_id or event.author)
        if event.id is not None:
            return Entry(event.id, key, line)
        ident = made or content_id(event)
        return Entry(ident, key, with_id(line, ident))

    def _fact(self, line: bytes, now_ms: int, made: str | None) -> Entry | DeadLetter:
        fact = judge_fact("customer", line, now_ms, self._limits)
        if isinstance(fact, DeadLetter):
            return fact
        if fact.id is not None:
            return Entry(fact.id, fact.customer_id, line)
        ident = made or "h" + hashlib.blake2b(line, digest_size=12).hexdigest()
        return Entry(ident, fact.customer_id, with_id(line, ident))


def with_id(line: bytes, ident: str) -> bytes:
    """Return a JSON object with an id at its end, where it wins over an earlier `"id": null`.

    Examples
    --------
    >>> with_id(b'{"a": 1}', "g1")
    b'{"a": 1,"id":"g1"}'
    """
    return line.rstrip()[:-1] + b',"id":"%b"}' % ident.encode()


def _made_id(scope: str, target: str, index: int) -> str:
    said = "\x1f".join((scope, target, str(index)))
    return "g" + hashlib.blake2b(said.encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()
