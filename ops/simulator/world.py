"""A world whose truth is known: customers who buy, complain, are made up to, stay or leave.

Time goes by days of event time. Each customer lives through episodes: something goes wrong, they say
so one to four times, and ten days after the episode began it shows whether they stayed. What Hark does
in between moves that chance by effects set here, so the uplift Hark measures can be held against the
truth. Same seed and same actions, same world.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

import orjson

from models.events.base import Channel
from ops.simulator import personal
from ops.simulator.shift import Shift
from ops.simulator.words import Words
from streams.topics import CUSTOMER_EVENTS, CUSTOMER_LINKS, FEEDBACK_RAW, OUTCOMES

DAY_MS = 86_400_000
OUTCOME_DAYS = 10
EFFECTS = {
    "compensation": 0.15,
    "coupon": 0.10,
    "call": 0.12,
    "ticket": 0.06,
    "invitation": 0.05,
    "reply": 0.02,
    "interview": 0.0,
    "escalation": 0.04,
    "notify": 0.0,
    "offer": -0.06,
}
"""What an action of each kind adds to the chance to stay; an offer at the wrong moment harms."""

TIERS = (("bronze", 0.5, 300.0), ("silver", 0.3, 1200.0), ("gold", 0.15, 5000.0), ("platinum", 0.05, 20000.0))
CHANNELS = tuple(channel.value for channel in Channel)
REGIONS = {"Asia/Shanghai": "CN", "Europe/London": "GB", "America/New_York": "US"}
"""Country of each zone, so that the map of regions has something to show."""
ZONES = ("Asia/Shanghai", "Asia/Shanghai", "Asia/Shanghai", "Europe/London", "America/New_York")


@dataclass(frozen=True, slots=True)
class Produced:
    """One record for the broker; `ident` is the feedback id where it is a valid feedback."""

    topic: str
    key: bytes | None
    value: bytes
    ident: str | None = None


@dataclass(slots=True)
class Customer:
    """One simulated customer; `base` is the chance to stay after an episode nobody acts on."""

    ident: str
    handle: str | None
    lang: str
    tier: str
    value: float
    since_ms: int
    zone: str
    base: float
    gone: bool = False
    episode_ms: int | None = None
    topic: str = ""
    due: int = 0
    left: int = 0
    received: list[tuple[str, str, float]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Drawn:
    """One outcome and what led to it: (rule, kind, effect) of the actions received."""

    customer_id: str
    base: float
    received: tuple[tuple[str, str, float], ...]
    stayed: bool


class World:
    """Plays days of customers' lives.

    Parameters
    ----------
    feedback
        How many valid feedback events to say in all, copies not counted.
    start_ms, days
        Event time of the first day (ms since the epoch), and how many there are.
    first
        Number behind which events are counted, so that a later world of the same customers repeats no id.
    shift
        What turns in this world and when; up to then it is the world without.
    """

    def __init__(
        self,
        seed: int,
        feedback: int,
        start_ms: int,
        days: int = 60,
        first: int = 0,
        shift: Shift | None = None,
    ) -> None:
        self.rng = Random(seed)
        self.shift = shift
        self.days = days
        self.feedback = feedback
        self.start_ms = start_ms
        self._words = Words(self.rng)
        self._said = 0
        self._serial = first
        self._later: dict[int, list[Produced]] = defaultdict(list)
        self.drawn: list[Drawn] = []
        self.malformed = 0
        self.copies = 0
        self.customers = {c.ident: c for c in (self._born(i) for i in range(max(20, feedback // 6)))}

    def _born(self, number: int) -> Customer:
        rng = self.rng
        tier, _, value = rng.choices(TIERS, [share for _, share, _ in TIERS])[0]
        lang = "zh" if rng.random() < 0.7 else "en"
        handle = f"user{number:06d}" if rng.random() < 0.15 else None
        base = min(0.95, max(0.3, rng.gauss(0.72, 0.12)))
        since = self.start_ms - rng.randint(30, 1500) * DAY_MS
        worth = round(value * rng.uniform(0.5, 1.8), 2)
        return Customer(f"cust-{number:06d}", handle, lang, tier, worth, since, rng.choice(ZONES), base)

    def beginning(self) -> Iterator[Produced]:
        """Yield profiles and identity links, which stand before the first day."""
        for customer in self.customers.values():
            yield self._event(
                customer, "profile", self.start_ms, tier=customer.tier, lifetime_value=customer.value,
                since=customer.since_ms, time_zone=customer.zone, region=REGIONS[customer.zone],
            )  # fmt: skip
            if customer.handle is not None and self.rng.random() < 0.8:
                link = {
                    "channel": "social", "author": customer.handle, "customer_id": customer.ident,
                    "consent": "granted", "basis": "account", "occurred_at": self.start_ms,
                }  # fmt: skip
                yield Produced(CUSTOMER_LINKS, f"social:{customer.handle}".encode(), orjson.dumps(link))

    def day(self, number: int) -> list[Produced]:
        """Return what happens on a day, in the order it is published.

        What an action changed shows in the outcomes of the days after it was received.
        """
        rng, begin = self.rng, self.start_ms + number * DAY_MS
        happened: list[tuple[int, Produced]] = []
        for customer in self.customers.values():
            if customer.episode_ms is not None and customer.due <= number:
                happened += self._outcome(customer, begin + rng.randrange(DAY_MS))
            if customer.gone:
                continue
            happened += self._habits(customer, begin)
            if self._said < self.feedback:
                happened += self._speech(customer, number, begin)
        if self.shift is not None and self.shift.breaks_out(number):
            happened += self._outbreak(self.shift, number, begin)
        happened += [(begin + rng.randrange(DAY_MS), produced) for produced in self._later.pop(number, [])]
        happened.sort(key=lambda pair: pair[0])
        return [produced for _, produced in happened]

    def hear(self, action: dict[str, Any]) -> None:
        """Let an action reach its customer."""
        customer = self.customers.get(action["customer_id"])
        if customer is not None and customer.episode_ms is not None:
            kind = action["kind"]
            customer.received.append((action["rule_id"], kind, EFFECTS.get(kind, 0.0)))

    def _habits(self, customer: Customer, begin: int) -> Iterator[tuple[int, Produced]]:
        rng = self.rng
        if rng.random() < 0.02 + 0.02 * customer.base:
            at = begin + rng.randrange(DAY_MS)
            product = self._words.product(customer.lang)
            amount = round(rng.lognormvariate(3.5, 0.8), 2)
            express = rng.random() < 0.3
            yield at, self._event(customer, "purchase", at, amount=amount, product=product, express=express)
            if rng.random() < 0.3:
                late = float(rng.random() < 0.2)
                yield at + 3600_000, self._event(customer, "delivery", at + 3600_000, quantity=late)
        if rng.random() < 0.02 * customer.base:
            at = begin + rng.randrange(DAY_MS)
            yield at, self._event(customer, "login", at)

    def _speech(self, customer: Customer, number: int, begin: int) -> Iterator[tuple[int, Produced]]:
        rng = self.rng
        rate = 1.6 * self.feedback / (len(self.customers) * self.days)
        if customer.left > 0 and rng.random() < 0.5:
            customer.left -= 1
            yield from self._say(customer, begin, number, "negative")
        elif customer.episode_ms is None and rng.random() < 0.22 * rate:
            customer.episode_ms, customer.due = begin, number + OUTCOME_DAYS
            customer.topic = rng.choice(self._words.topics(customer.lang, "negative"))
            customer.left = rng.choice((0, 1, 2, 3))
            customer.received = []
            yield from self._say(customer, begin, number, "negative")
        elif rng.random() < 0.30 * rate:
            yield from self._say(customer, begin, number, "positive")
        elif rng.random() < 0.12 * rate:
            yield from self._say(customer, begin, number, rng.choice(("suggestion", "question")))

    def _outbreak(self, shift: Shift, number: int, begin: int) -> Iterator[tuple[int, Produced]]:
        """Let many customers say the same new thing within the outbreak's hours."""
        for customer in self.rng.sample([c for c in self.customers.values() if not c.gone], shift.voices):
            text = self._words.outbreak(customer.lang)
            yield from self._say(customer, begin + shift.onset_ms, number, "negative", text, shift.span_ms)

    def _words_of(self, customer: Customer, number: int, mood: str, product: str) -> str:
        rng, words = self.rng, self._words
        if mood in ("suggestion", "question"):
            return words.remark(customer.lang, mood, product)
        topic, spoken = customer.topic, mood
        if self.shift is not None and mood == "negative" and self.shift.ironic(number, rng):
            spoken = "positive"
        if spoken == "positive":
            topic = rng.choice(words.topics(customer.lang, spoken))
        return words.opinion(customer.lang, spoken, topic, product)

    def _say(
        self, customer: Customer, begin: int, number: int, mood: str, text: str = "", span: int = DAY_MS
    ) -> Iterator[tuple[int, Produced]]:
        rng = self.rng
        product = self._words.product(customer.lang)
        text = text or self._words_of(customer, number, mood, product)
        if rng.random() < 0.10:
            text += personal.sentence(rng, customer.lang)
        at = begin + rng.randrange(span)
        if rng.random() < 0.02 and number > 6:
            at -= rng.randint(2, 5) * DAY_MS
        self._serial += 1
        self._said += 1
        event: dict[str, Any] = {
            "id": f"fb-{self._serial:08d}",
            "text": text,
            "occurred_at": at,
            "product": product,
            "channel": rng.choice(CHANNELS),
        }
        if customer.handle is not None and rng.random() < 0.5:
            event |= {"channel": "social", "author": customer.handle}
        else:
            event["customer_id"] = customer.ident
        if rng.random() < 0.8:
            event["lang"] = customer.lang
        if rng.random() < 0.30 and mood in ("negative", "positive"):
            honest = rng.random() > 0.03
            happy = (mood == "positive") == honest
            event |= {"rating": rng.choice((4, 5) if happy else (1, 2))}
        produced = Produced(FEEDBACK_RAW, customer.ident.encode(), orjson.dumps(event), event["id"])
        yield at, produced
        if rng.random() < 0.02:
            self.copies += 1
            self._later[min(number + rng.choice((0, 1, 3)) + 1, self.days - 1)].append(produced)
        if rng.random() < 0.01:
            self.malformed += 1
            yield at, Produced(FEEDBACK_RAW, None, self._broken(event))

    def _broken(self, event: dict[str, Any]) -> bytes:
        rng, whole = self.rng, dict(event)
        faults: tuple[bytes, ...] = (
            b"", b"not json at all", b"\xff\xfe\x00broken", b"[1, 2, 3]",
            b'{"channel":"app","customer_id":"C1","text":"\\ud800"}',
            orjson.dumps({**whole, "text": ""}), orjson.dumps({**whole, "rating": 11}),
            orjson.dumps({**whole, "channel": "pigeon"}), orjson.dumps({**whole, "text": "x" * 20_001}),
            orjson.dumps({**whole, "occurred_at": "2199-01-01T00:00:00Z"}),
            orjson.dumps({k: v for k, v in whole.items() if k not in ("customer_id", "author")}),
        )  # fmt: skip
        return rng.choice(faults)

    def _outcome(self, customer: Customer, at: int) -> Iterator[tuple[int, Produced]]:
        effect = sum(effect for _, _, effect in customer.received)
        chance = min(0.98, max(0.02, customer.base + effect))
        stayed = self.rng.random() < chance
        self.drawn.append(Drawn(customer.ident, customer.base, tuple(customer.received), stayed))
        customer.episode_ms, customer.left, customer.received = None, 0, []
        customer.gone = not stayed
        kinds = [("retained", float(stayed))] + ([] if stayed else [("churned", 1.0)])
        for kind, value in kinds:
            self._serial += 1
            outcome = {
                "id": f"out-{self._serial:08d}", "customer_id": customer.ident, "kind": kind, "value": value,
                "occurred_at": at,
            }  # fmt: skip
            yield at, Produced(OUTCOMES, customer.ident.encode(), orjson.dumps(outcome))

    def _event(self, customer: Customer, kind: str, at: int, **fields: Any) -> Produced:
        self._serial += 1
        event = {
            "id": f"ev-{self._serial:08d}", "customer_id": customer.ident, "kind": kind, "occurred_at": at,
            **fields,
        }  # fmt: skip
        return Produced(CUSTOMER_EVENTS, customer.ident.encode(), orjson.dumps(event))
