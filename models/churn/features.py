"""What is known of one customer in event time, in a state small enough for a million of them.

Counts fade exponentially with event time, so an update is O(1), needs no timers, and a late event
adds what it would have added in time: the order of arrival does not matter (up to rounding). Only
what an operator must be able to count exactly, the negative feedbacks of the last days, is kept as
times, eight at most. The state is a dict of plain numbers; entries that are zero are absent.

Source of the fading counter: Cormode et al., "Forward Decay", ICDE 2009.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

DAY = 86_400.0
SHORT_DAYS = 7.0
LONG_DAYS = 30.0
MAX_TOPICS = 6
MAX_NEGATIVES = 8
NEGATIVE_BELOW = -0.2
_MINUTE = 60.0
_SHORT_NAMES = ("f7", "g7", "u7")
_SHORT = frozenset(_SHORT_NAMES)
_LONG_NAMES = ("f30", "g30", "u30", "p30", "m30", "r30", "x30", "a30")
_LN2 = math.log(2.0)


class Activity(StrEnum):
    """Kinds of customer events the features know; others only count as activity."""

    FEEDBACK = "feedback"
    PURCHASE = "purchase"
    REFUND = "refund"
    VISIT = "visit"
    LOGIN = "login"
    USAGE = "usage"
    RENEWAL = "renewal"
    CANCELLATION = "cancellation"
    PROFILE = "profile"
    TICKET_OPENED = "ticket_opened"
    TICKET_RESOLVED = "ticket_resolved"
    DEMAND = "demand"
    ANSWER = "answer"
    ACTION = "action"


_USAGE: frozenset[str] = frozenset({Activity.VISIT, Activity.LOGIN, Activity.USAGE})
_BUYING: frozenset[str] = frozenset({Activity.PURCHASE, Activity.RENEWAL})
_UNSEEN: frozenset[str] = frozenset({Activity.ACTION, Activity.ANSWER, Activity.PROFILE})
"""Kinds of which the customer may know nothing."""
_FEEDBACK, _ACTION = Activity.FEEDBACK.value, Activity.ACTION.value
_OPENED, _RESOLVED = Activity.TICKET_OPENED.value, Activity.TICKET_RESOLVED.value
_DEMAND = Activity.DEMAND.value
_ANSWERS: frozenset[str] = frozenset({Activity.REFUND, Activity.TICKET_RESOLVED, Activity.ANSWER})
"""Kinds that answer what was demanded before them."""
# Named once: looking a member of an enum up takes .1 µs, and an update would look up eight.
_FADING_OF: dict[str, tuple[str, ...]] = {
    Activity.FEEDBACK: ("f7", "f30"),
    Activity.PURCHASE: ("p30",),
    Activity.RENEWAL: ("p30",),
    Activity.REFUND: ("r30",),
    Activity.CANCELLATION: ("x30",),
    Activity.VISIT: ("u7", "u30"),
    Activity.LOGIN: ("u7", "u30"),
    Activity.USAGE: ("u7", "u30"),
    Activity.ACTION: ("a30",),
}


class CustomerFeatures:
    """Features of one customer over a JSON-able state.

    Parameters
    ----------
    state
        As given by an earlier instance's `state`; it is changed in place. None starts afresh.

    Examples
    --------
    >>> customer = CustomerFeatures()
    >>> customer.update("purchase", 0.0, money=80.0)
    >>> customer.update("feedback", 2 * DAY, polarity=-0.9, topics=["refund"])
    >>> seen = customer.vector(3 * DAY)
    >>> seen["negatives_7d"], round(seen["recency_days"], 2), round(seen["spend"], 1)
    (1.0, 1.0, 74.6)
    """

    __slots__ = ("state",)

    def __init__(self, state: dict[str, Any] | None = None) -> None:
        self.state: dict[str, Any] = {} if state is None else state

    def update(
        self,
        kind: str,
        at: float,
        *,
        amount: float = 1.0,
        money: float = 0.0,
        polarity: float | None = None,
        topics: Iterable[str] = (),
        tier: str | None = None,
        since: float | None = None,
    ) -> None:
        """Take one event.

        Parameters
        ----------
        kind
            An `Activity`; an unknown kind only moves recency and tenure.
        at
            Event time, seconds since the epoch; may be earlier than events already taken.
        amount
            How much usage, for usage events (sessions, minutes; any unit, non-negative).
        money
            Value of a purchase or renewal in the company's unit.
        polarity
            Of a feedback, in [-1, 1]; None when unknown.
        topics
            Of a feedback.
        tier, since
            From a profile: the customer's tier, and when the relation began.
        """
        if not math.isfinite(at):
            return
        state, second = self.state, round(at)
        weight = self._move_to(at)
        first = min(state.get("first", at), at, since if since is not None and math.isfinite(since) else at)
        state["first"] = round(first)
        if tier is not None:
            state["tier"] = tier[:24]
        for name in _FADING_OF.get(kind, ()):
            step = _clean(amount) if kind in _USAGE else 1.0
            self._add(name, step, weight)
        if kind in _BUYING:
            self._add("m30", _clean(money), weight)
            state["n"] = state.get("n", 0) + 1
        elif kind == _OPENED:
            state["open"] = state.get("open", 0) + 1
        elif kind == _RESOLVED:
            state["open"] = state.get("open", 0) - 1
        elif kind == _FEEDBACK:
            self._feedback(at, weight, polarity, topics)
        elif kind == _DEMAND:
            state["ask"] = max(state.get("ask", 0), second)
        elif kind == _ACTION:
            state["acted"] = max(state.get("acted", 0), second)
        if kind in _ANSWERS:
            state["ans"] = max(state.get("ans", 0), second)
        if kind not in _UNSEEN:
            state["last"] = max(state.get("last", second), second)

    def vector(self, at: float) -> dict[str, float | str | None]:
        """Return the features as of `at`; a time before the newest event counts as that event's."""
        state = self.state
        now = max(at, state.get("t", at))
        fade = (now - state.get("t", now)) / DAY
        short, long = 0.5 ** (fade / SHORT_DAYS), 0.5 ** (fade / LONG_DAYS)
        get = state.get
        feedbacks_7d, feedbacks = get("f7", 0.0) * short, get("f30", 0.0) * long
        negatives_7d, negatives = get("g7", 0.0) * short, get("g30", 0.0) * long
        usage_7d, usage = get("u7", 0.0) * short, get("u30", 0.0) * long
        share = negatives / feedbacks if feedbacks > 0.01 else None
        since = (now - 7 * DAY) / _MINUTE
        demanded = get("ask", 0) > get("ans", 0)
        out: dict[str, float | str | None] = {
            "recency_days": _days(now, get("last")),
            "tenure_days": _days(now, get("first")),
            "tier": get("tier"),
            "purchases": get("p30", 0.0) * long,
            "purchases_total": float(get("n", 0)),
            "spend": get("m30", 0.0) * long,
            "refunds": get("r30", 0.0) * long,
            "cancellations": get("x30", 0.0) * long,
            "usage": usage,
            "usage_trend": _trend(usage_7d, usage),
            "feedbacks": feedbacks,
            "feedback_trend": _trend(feedbacks_7d, feedbacks),
            "negative_share": share,
            "negative_trend": (
                negatives_7d / feedbacks_7d - negatives / feedbacks if feedbacks_7d > 0.01 else None
            ),
            "negatives_7d": float(len([minute for minute in get("neg", ()) if minute > since])),
            "open_tickets": float(max(demanded, get("open", 0))),
            "actions": get("a30", 0.0) * long,
            "action_days": _days(now, get("acted")),
        }
        for topic, count in get("topics", {}).items():
            out[f"topic:{topic}"] = count * long
        return out

    def _feedback(
        self, at: float, weight: tuple[float, float], polarity: float | None, topics: Iterable[str]
    ) -> None:
        state = self.state
        if polarity is not None and polarity < NEGATIVE_BELOW:
            self._add("g7", 1.0, weight)
            self._add("g30", 1.0, weight)
            state["neg"] = sorted([*state.get("neg", ()), round(at / _MINUTE)])[-MAX_NEGATIVES:]
        for topic in topics:
            held: dict[str, float] = state.setdefault("topics", {})
            held[topic[:24]] = round(held.get(topic[:24], 0.0) + weight[1], 3)
            if len(held) > MAX_TOPICS:
                del held[min(held, key=lambda name: (held[name], name))]

    def _move_to(self, at: float) -> tuple[float, float]:
        """Fade the counters up to `at` if it is the newest; return its (short, long) weights."""
        state = self.state
        newest = state.get("t")
        if newest is None:
            state["t"] = round(at)
            return (1.0, 1.0)
        days = (round(at) - newest) / DAY
        if days <= 0:
            return (0.5 ** (-days / SHORT_DAYS), 0.5 ** (-days / LONG_DAYS))
        short, long = 0.5 ** (days / SHORT_DAYS), 0.5 ** (days / LONG_DAYS)
        for names, factor in ((_SHORT_NAMES, short), (_LONG_NAMES, long)):
            for name in names:
                if name in state:
                    # What `round` to four digits gives, at a third of its cost.
                    faded = math.floor(state[name] * factor * 1e4 + 0.5) / 1e4
                    if faded:
                        state[name] = faded
                    else:
                        del state[name]
        negatives = state.get("neg")
        if negatives and negatives[0] * _MINUTE <= at - 7 * DAY:
            state["neg"] = [minute for minute in negatives if minute * _MINUTE > at - 7 * DAY]
        if "topics" in state:
            faded_topics = {k: math.floor(v * long * 1e3 + 0.5) / 1e3 for k, v in state["topics"].items()}
            kept = {k: v for k, v in faded_topics.items() if v}
            if kept:
                state["topics"] = kept
            else:
                del state["topics"]
        state["t"] = round(at)
        return (1.0, 1.0)

    def _add(self, name: str, step: float, weight: tuple[float, float]) -> None:
        added = self.state.get(name, 0.0) + step * (weight[0] if name in _SHORT else weight[1])
        total = math.floor(added * 1e4 + 0.5) / 1e4
        if total:
            self.state[name] = total


def _clean(value: float) -> float:
    return min(max(value, 0.0), 1e9) if math.isfinite(value) else 0.0


def _days(now: float, then: float | None) -> float | None:
    return None if then is None else max(0.0, now - then) / DAY


def _trend(short: float, long: float) -> float:
    """Return log2 of the recent rate over the longer one: 0 steady, negative falling.

    A steady rate r gives counters r·half-life/ln 2, so their ratio is that of the half-lives.
    """
    rate_short = short * _LN2 / SHORT_DAYS
    rate_long = long * _LN2 / LONG_DAYS
    return math.log2((rate_short + 0.02) / (rate_long + 0.02))
