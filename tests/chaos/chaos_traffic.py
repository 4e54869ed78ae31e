"""Known events: the same seed and round give the same customers, texts, copies, faults and order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import orjson

from models.events import Channel
from ops.simulator import personal
from ops.simulator.words import Words
from streams.codec import partition_of

CUSTOMERS = 300
STEP_MS = 180_000
DAYS_BACK = 400
DAY_MS = 86_400_000
TIERS = (("bronze", 300.0), ("silver", 1200.0), ("gold", 5000.0), ("platinum", 20000.0))
CHANNELS = tuple(Channel)


@dataclass(frozen=True, slots=True)
class Event:
    """One record to publish: partition, append time (ms) and bytes, all known beforehand."""

    partition: int
    key: bytes | None
    value: bytes
    timestamp: int


class Traffic:
    """Makes the input of each round.

    Parameters
    ----------
    now_ms
        Append times lie shortly before it, so that no retention interferes.
    """

    def __init__(self, seed: int, partitions: int, now_ms: int) -> None:
        self.seed = seed
        self._partitions = partitions
        self._appended_ms = now_ms - 6 * 3_600_000
        self._happened_ms = now_ms - DAYS_BACK * DAY_MS
        self._serial = 0
        self._names = [f"cust-{seed % 1000:03d}{n:04d}" for n in range(CUSTOMERS)]

    def profiles(self) -> list[Event]:
        """Return a profile of every customer, for `customers.events`."""
        rng, events = Random(self.seed), []
        for number, name in enumerate(self._names):
            tier, worth = rng.choice(TIERS)
            body = {"id": f"ev-{self.seed % 1000:03d}{number:05d}", "customer_id": name, "kind": "profile",
                    "tier": tier, "lifetime_value": worth, "occurred_at": self._happened_ms}  # fmt: skip
            events.append(self._event(name, orjson.dumps(body)))
        return events

    def round(self, number: int, count: int, bad: int = 0) -> list[Event]:
        """Return the events of a round in the order they are published.

        Parameters
        ----------
        count
            Feedback events; one in twenty is sent twice.
        bad
            Bad events in one heap, on top of the one in fifty that comes anyway.
        """
        rng = Random(self.seed * 10_007 + number)
        words, events, copies = Words(rng), list[Event](), list[Event]()
        crowd = self._names
        unevenness = rng.random()
        if unevenness > 0.85:  # one customer is as loud as all others together
            crowd = crowd + [rng.choice(crowd)] * len(crowd)
        elif unevenness < 0.3:  # one partition gets nearly everything
            hot = rng.randrange(self._partitions)
            crowd = [
                n for n in crowd if partition_of(n.encode(), self._partitions) == hot or rng.random() < 0.05
            ]
        heap_at = rng.randrange(count)
        for place in range(count):
            event = self._feedback(rng, words, rng.choice(crowd), number)
            events.append(event)
            if rng.random() < 0.05:
                copies.append(event)
            if copies and rng.random() < 0.05:
                events.append(copies.pop())
            if rng.random() < 0.02:
                events.append(self._bad(rng))
            if place == heap_at:
                events += [self._bad(rng) for _ in range(bad)]
        return events + copies

    def _feedback(self, rng: Random, words: Words, customer: str, number: int) -> Event:
        lang = rng.choice(("zh", "en"))
        mood = rng.choice(("negative", "negative", "positive"))
        text = words.opinion(lang, mood, rng.choice(words.topics(lang, mood)), words.product(lang))
        if rng.random() < 0.1:
            text += personal.sentence(rng, lang)
        self._serial += 1
        self._happened_ms += STEP_MS
        late = rng.randint(2, 5) * DAY_MS if rng.random() < 0.02 else 0
        body: dict[str, Any] = {
            "id": f"fb-{number:04d}{self._serial % 100_000:05d}", "customer_id": customer, "text": text,
            "lang": lang, "channel": rng.choice(CHANNELS), "product": words.product(lang),
            "occurred_at": self._happened_ms - late,
        }  # fmt: skip
        if rng.random() < 0.3:
            body["rating"] = rng.choice((4, 5) if mood == "positive" else (1, 2))
        return self._event(customer, orjson.dumps(body))

    def _bad(self, rng: Random) -> Event:
        value = rng.choice((
            b"", b"not json at all", b"\xff\xfe\x00broken", b"[1, 2, 3]", b'{"channel":"app"}',
            b'{"channel":"app","customer_id":"C1","text":"\\ud800"}',
            b'{"channel":"app","customer_id":"C1","text":"x","rating":11}', b"x" * 5000,
        ))  # fmt: skip
        self._appended_ms += 1
        return Event(rng.randrange(self._partitions), None, value, self._appended_ms)

    def _event(self, customer: str, value: bytes) -> Event:
        self._appended_ms += 1
        return Event(self._place(customer), customer.encode(), value, self._appended_ms)

    def _place(self, customer: str) -> int:
        return partition_of(customer.encode(), self._partitions)


def by_partition(events: Sequence[Event]) -> dict[int, list[Event]]:
    """Return events by partition, their order kept."""
    found: dict[int, list[Event]] = {}
    for event in events:
        found.setdefault(event.partition, []).append(event)
    return found
