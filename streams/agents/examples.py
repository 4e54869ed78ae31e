"""Examples as the learners' thread takes them: records of `models.examples`, up to an order."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any

from models.outcome import DeadReason
from models.training import Finding, Observer, Trainer
from streams import metrics
from streams.codec import loads
from streams.topics import EXAMPLES, ORDER

log = logging.getLogger(__name__)


def learned(trainer: Trainer | Observer, records: Sequence[Any], at: int) -> tuple[list[Finding], int]:
    """Take examples from `at` up to an order or the end; return what people should know, and where.

    What cannot be learned is passed over, the same in every replay: counted, and told once a slice.
    """
    found, spoiled = list[Finding](), list[Any]()
    began = time.thread_time()
    for number in range(at, len(records)):
        record = records[number]
        try:
            example = loads(record.value)
            if isinstance(example.get(ORDER), dict):
                at = number
                break
            if not all(type(number) is int for number in example["from"]):
                raise TypeError("an origin is offsets and partitions")
            found += trainer.step(example, record.offset, record.timestamp / 1000.0)
        except Exception as problem:
            trainer.offset = max(trainer.offset, record.offset)
            spoiled.append(record)
            why = type(problem).__name__
            log.error("%s cannot learn %s offset %d: %s", trainer.name, EXAMPLES, record.offset, why)
    else:
        at = len(records)
    metrics.CPU_SECONDS.labels("learn").inc(time.thread_time() - began)
    if spoiled:
        metrics.DEAD.labels("learn", DeadReason.POISON).inc(len(spoiled))
        found.append(_told(trainer.name, spoiled))
    return found, at


def _told(name: str, spoiled: Sequence[Any]) -> Finding:
    places = f"{len(spoiled)} of {EXAMPLES}, the first at offset {spoiled[0].offset}"
    since = spoiled[0].timestamp / 1000.0
    message = f"{name}: records that are no examples: {places}"
    return Finding("model", f"{name}/unreadable", message, "warning", since, len(spoiled), "passed over")
