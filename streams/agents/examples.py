"""Examples as the learners' thread takes them: records of `models.examples`, up to an order."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from models.training import Finding, Observer, Trainer
from streams import metrics
from streams.codec import loads
from streams.topics import ORDER


def learned(trainer: Trainer | Observer, records: Sequence[Any], at: int) -> tuple[list[Finding], int]:
    """Take examples from `at` up to an order or the end; return what people should know, and where."""
    found: list[Finding] = []
    began = time.thread_time()
    for number in range(at, len(records)):
        record = records[number]
        example = loads(record.value)
        if ORDER in example:
            at = number
            break
        found += trainer.step(example, record.offset, record.timestamp / 1000.0)
    else:
        at = len(records)
    metrics.CPU_SECONDS.labels("learn").inc(time.thread_time() - began)
    return found, at
