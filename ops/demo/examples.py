"""The documented examples as records to send: what the docs show is what the demo feeds in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from ops.docgen.examples import read_examples
from ops.simulator.world import Produced
from streams.topics import CUSTOMER_EVENTS, CUSTOMER_LINKS, FEEDBACK_RAW, LABELS, OUTCOMES

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "examples"
TOPICS = (CUSTOMER_EVENTS, FEEDBACK_RAW, CUSTOMER_LINKS, LABELS, OUTCOMES)
"""Those that producers write, in an order in which a label follows its feedback."""


def example_records(before_ms: int, folder: Path = FOLDER) -> Iterator[Produced]:
    """Yield every example of a topic that producers write, moved in time so that the newest is `before_ms`.

    Moved, because the examples are of one week of the past, and events that are too old are refused. Those
    without a time get that one too: they would be of today, and end every window of the world that follows.
    """
    examples = read_examples(folder)
    found = [example for topic in TOPICS for example in examples.get(topic, [])]
    times = [_time_ms(example.value) for example in found]
    shift = before_ms - max((at for at in times if at is not None), default=before_ms)
    for example, at in zip(found, times, strict=True):
        value = {**example.value, "occurred_at": before_ms if at is None else at + shift}
        key = None if example.key is None else example.key.encode()
        ident = value.get("id") if example.topic == FEEDBACK_RAW else None
        yield Produced(example.topic, key, orjson.dumps(value), ident)


def _time_ms(value: dict[str, Any]) -> int | None:
    """Return when an example happened, ms since the epoch, None where it does not say."""
    at = value.get("occurred_at")
    if isinstance(at, str):
        moment = datetime.fromisoformat(at)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    return at
