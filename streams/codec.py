"""Bytes in and out: key to partition, CloudEvents headers, record batches.

One record batch per output partition and slice costs 1–2 µs a record; `producer.send` costs
66 µs (design, "How Faust is used").
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import orjson

Header = tuple[str, bytes]
NO_HEADERS: Sequence[Header] = []  # aiokafka takes a list only
_SPEC: Header = ("ce_specversion", b"1.0")

dumps: Callable[[Any], bytes] = orjson.dumps
loads: Callable[[bytes], Any] = orjson.loads

_M = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """Return Kafka's 32-bit MurmurHash2 of `data`.

    The same function the Java client, librdkafka (`murmur2_random`) and aiokafka use, so that
    every producer puts a customer into the same partition
    (org.apache.kafka.common.utils.Utils.murmur2).

    Examples
    --------
    >>> murmur2(b"kafka") & 0x7FFFFFFF
    1348980580
    """
    length = len(data)
    h = 0x9747B28C ^ length
    whole = length & ~3
    for k in memoryview(data[:whole]).cast("I") if whole else ():
        k = (k * _M) & _MASK
        k ^= k >> 24
        h = ((h * _M) & _MASK) ^ ((k * _M) & _MASK)
    rest = data[whole:]
    if rest:
        h ^= int.from_bytes(rest, "little")
        h = (h * _M) & _MASK
    h ^= h >> 13
    h = (h * _M) & _MASK
    return h ^ (h >> 15)


@lru_cache(maxsize=16_384)
def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition of `key`; cached (210 bytes each), as customers come back: 0.1 µs against 1."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


@lru_cache(maxsize=4096)
def _day(days: int) -> bytes:
    return time.strftime("%Y-%m-%dT", time.gmtime(days * 86_400)).encode()


def _second(seconds: int) -> bytes:
    # Times of replayed history hardly repeat, days do: 0.4 µs against 3 with strftime for each.
    days, second = divmod(seconds, 86_400)
    minutes, second = divmod(second, 60)
    return b"%b%02d:%02d:%02d" % (_day(days), minutes // 60, minutes % 60, second)


@lru_cache(maxsize=4096)
def _named(name: str, value: str) -> Header:
    return name, value.encode()


def iso(millis: int) -> str:
    """Return RFC 3339 in UTC with milliseconds.

    Examples
    --------
    >>> iso(1_700_000_000_123)
    '2023-11-14T22:13:20.123Z'
    """
    return f"{_second(millis // 1000).decode()}.{millis % 1000:03d}Z"


def cloud_event(kind: str, source: str, ident: str, at_ms: int, passed: Sequence[Header]) -> list[Header]:
    """Return CloudEvents 1.0 Kafka headers in binary mode, with `traceparent` passed through.

    Parameters
    ----------
    kind
        `ce_type`, e.g. "hark.feedback.masked".
    passed
        Headers of the input record; of these only `traceparent` goes on.
    """
    second, rest = divmod(at_ms, 1000)
    headers = [
        _SPEC,
        ("ce_id", ident.encode()),
        _named("ce_type", kind),
        _named("ce_source", source),
        ("ce_time", b"%b.%03dZ" % (_second(second), rest)),
    ]
    for header in passed:
        if header[0] == "traceparent":
            headers.append(header)
    return headers
