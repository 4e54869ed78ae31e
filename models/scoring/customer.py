"""What the scorer remembers of one customer: a small JSON-able dict.

Typical size 500 bytes: profile 120, features 200, seen ids 15 each, two recent feedbacks. Bounded by
`MAX_RECENT`, `MAX_PRODUCTS`, `MAX_ACTIONS` and the bounds of the parts it is made of.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.churn.features import CustomerFeatures
from models.dedup import SameWords, SeenIds, digest

MOST_IDS = 128
MAX_WORDS = 8
MAX_RECENT = 3
MAX_RECENT_TEXT = 240
MAX_PRODUCTS = 8
MAX_ACTIONS = 8
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
EXPRESS_MS = 90 * DAY_MS
_NEVER = 9999.0

_RECEIVED = frozenset({"delivered", "resolved", "customer_told"})
_ANSWERED = frozenset({"resolved", "customer_told", "closed"})
_PROFILE = ("tier", "segment", "region", "time_zone", "lifetime_value")


class CustomerMemory:
    """One customer's profile, features, seen ids and latest feedbacks over a dict.

    Parameters
    ----------
    state
        As written earlier; changed in place. None for a customer never seen.
    """

    __slots__ = ("features", "seen", "state", "words")

    def __init__(self, state: dict[str, Any] | None, dedup_seconds: float) -> None:
        self.state: dict[str, Any] = {"p": {}, "f": {}, "s": {}, "r": [], "w": {}} if state is None else state
        self.features = CustomerFeatures(self.state["f"])
        self.words = SameWords(self.state["w"], most=MAX_WORDS)
        self.seen = SeenIds(self.state["s"], dedup_seconds, MOST_IDS)

    def flooding(self, received_ms: int, limit: int) -> bool:
        """Count an event of this minute of append time; tell whether it is one too many.

        One customer's partition is one process's work: a client that runs wild would make everybody
        who shares the partition wait. Counted by what the log says, so a replay finds the same.

        Parameters
        ----------
        limit
            Events a minute; 0 is no limit.
        """
        if not limit:
            return False
        minute = received_ms // 60_000
        held = self.state.get("q")
        count = held[1] + 1 if held is not None and held[0] == minute else 1
        self.state["q"] = [minute, count]
        return count > limit

    def fact(self, fact: Mapping[str, Any]) -> None:
        """Take a customer event into profile and features."""
        self.behind(fact)
        profile = self.state["p"]
        for name in _PROFILE:
            if (value := fact.get(name)) is not None:
                profile[name] = value
        kind, at = str(fact["kind"]), fact["occurred_at"] / 1000.0
        if since := fact.get("since"):
            profile["since"] = since
        if kind in ("purchase", "renewal"):
            profile["bought"] = max(profile.get("bought", 0), fact["occurred_at"])
            if fact.get("express"):
                profile["express"] = max(profile.get("express", 0), fact["occurred_at"])
            if product := fact.get("product"):
                products = [p for p in profile.get("products", ()) if p != product]
                profile["products"] = [product, *products][:MAX_PRODUCTS]
        elif kind == "unlinked":
            self.state.pop("l", None)
        elif kind == "delivery" and (fact.get("quantity") or 0) > 0:
            profile["lates"] = profile.get("lates", 0) + 1
        self.features.update(
            "ticket_resolved" if kind == "ticket_closed" else kind,
            at,
            amount=fact.get("quantity") or 1.0,
            money=fact.get("amount") or 0.0,
            tier=fact.get("tier"),
            since=since / 1000.0 if since else None,
        )

    def status(self, fact: Mapping[str, Any]) -> None:
        """Take a service's answer into the features: an action counts once, when it reached the customer."""
        # Where feedback of long ago is played, services answer today: as long after it as they took.
        status, at = str(fact["kind"]), (fact["occurred_at"] - self.state.get("b", 0)) / 1000.0
        if status in _ANSWERED:
            self.features.update("answer", at)
        if status in _RECEIVED:
            action, known = digest(fact["action_id"]), self.state.get("a", [])
            if action not in known:
                self.state["a"] = [*known[-(MAX_ACTIONS - 1) :], action]
                self.features.update("action", at)

    def behind(self, record: Mapping[str, Any]) -> None:
        """Note how far the customer's event time is behind the append, where that is more than an hour."""
        behind = record["received_at"] - record["occurred_at"]
        if behind > HOUR_MS:
            self.state["b"] = behind
        else:
            self.state.pop("b", None)

    def remember(self, feedback: Mapping[str, Any]) -> None:
        """Keep a feedback among the latest, for labels that come later."""
        entry = [feedback["feedback_id"], feedback["text"][:MAX_RECENT_TEXT], feedback["lang"]]
        self.state["r"] = [*self.state["r"][-(MAX_RECENT - 1) :], entry]

    def recall(self, feedback_id: str) -> tuple[str, str] | None:
        """Return (text, lang) of a recent feedback, None when it is forgotten."""
        for entry in self.state["r"]:
            if entry[0] == feedback_id:
                return entry[1], entry[2]
        return None

    def said_before(self, words: str, channel: str, feedback_id: str, at: float) -> str | None:
        """Return the feedback that said the same through another channel within a day, None if none did."""
        return self.words.step(words, channel, feedback_id, at)

    def view(self, at_ms: int, vector: Mapping[str, Any]) -> dict[str, Any]:
        """Return the rules' `customer` map (`models.events.CustomerView`)."""
        profile = self.state["p"]
        bought = profile.get("bought")
        since, express = profile.get("since"), profile.get("express")
        return {
            "tier": profile.get("tier", ""),
            "segment": profile.get("segment", ""),
            "region": profile.get("region", ""),
            "time_zone": profile.get("time_zone", ""),
            "lifetime_value": profile.get("lifetime_value", 0.0),
            "tenure_days": round(max(0, at_ms - since) / DAY_MS, 2)
            if since
            else vector["tenure_days"] or 0.0,
            "purchases": round(vector["purchases"], 3),
            "money": round(vector["spend"], 2),
            "days_since_purchase": round(max(0, at_ms - bought) / DAY_MS, 2) if bought else _NEVER,
            "products": profile.get("products", []),
            "feedbacks": round(vector["feedbacks"], 3),
            "negatives": vector["negatives_7d"],
            "open_tickets": int(vector["open_tickets"]),
            "late_deliveries": profile.get("lates", 0),
            "time_sensitive": express is not None and at_ms - express <= EXPRESS_MS,
        }
