"""What a learner has to tell people, and what it did about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from models.champion import Change, Step
from models.drift.watch import Drift
from models.topics.emerging import Burst
from models.topics.spread import Surge


@dataclass(frozen=True, slots=True)
class Finding:
    """One alert in the making.

    Parameters
    ----------
    kind
        As in `models.events.Alert`.
    subject
        Model and series, model and step, or the phrases of a burst.
    since
        Event time it began, seconds since the epoch; with kind and subject it makes the alert's id, so
        a learner that is killed and repeats its input tells the same alert again, not another one.
    done
        What was done about it, in words.
    burst
        The burst itself, for those who keep suggestions.
    fact
        For rules instead of people: a `CustomerFact`, but for its origin, of the log of what it is about.
    offset
        Of the record the fact comes from.
    """

    kind: Literal["drift", "model", "burst", "spread"]
    subject: str
    message: str
    severity: Literal["info", "warning", "critical"]
    since: float
    magnitude: float
    done: str
    burst: Burst | None = None
    fact: dict[str, Any] | None = None
    offset: int = -1


def of_drift(drift: Drift, done: str) -> Finding:
    """Say what drifted."""
    message = (
        f"{drift.series} of {drift.model} went from {drift.before:.3f} to {drift.after:.3f} "
        f"({drift.events} values ago)"
    )
    subject = f"{drift.model}/{drift.series}"
    return Finding("drift", subject, message, "warning", drift.since, drift.magnitude, done)


_DONE = {
    Step.STARTED: "challenger started",
    Step.AWAITS_APPROVAL: "waits for `hark models promote`",
    Step.PROMOTED: "challenger promoted; it serves from the next snapshot on",
    Step.RETIRED: "challenger retired, the champion goes on",
    Step.ROLLED_BACK: "an earlier version serves from the next snapshot on",
}


def of_change(change: Change, at: float, by: str = "") -> Finding:
    """Say what became of a challenger or a champion."""
    compared = f" ({change.events} events compared, {change.gain:+.4f} Brier, p {change.p:.2g})"
    words = change.step.value.replace("_", " ")
    message = f"{change.model}: {words}: {change.why}{compared if change.events else ''}"
    return Finding(
        "model",
        f"{change.model}/{change.step}",
        message + (f", by {by}" if by else ""),
        "warning" if change.step is Step.AWAITS_APPROVAL else "info",
        at,
        change.gain,
        _DONE[change.step],
    )


def of_burst(burst: Burst) -> Finding:
    """Say what people suddenly talk about; whether it became a suggestion is known to the caller."""
    message = (
        f"{', '.join(burst.phrases)}: {burst.count} feedbacks of {burst.customers} customers in an hour, "
        f"{burst.expected:.1f} expected"
    )
    subject, size = "/".join(burst.phrases), burst.count / max(burst.expected, 0.1)
    return Finding("burst", subject, message, "warning", burst.since, size, "", burst)


def of_surge(surge: Surge, occurred_ms: int, at: float, offset: int) -> Finding:
    """Put an issue's growth into the issue's own log, for rules to judge.

    Parameters
    ----------
    occurred_ms
        When the newest voice spoke.
    at, offset
        Of the observation's record, so that a replay writes the same.
    """
    subject = f"issue:{surge.cluster_id}"
    fact = {
        "event": "burst",
        "id": surge.ident,
        "customer_id": subject,
        "kind": surge.topic or "unknown",
        "voices": surge.voices,
        "channels": surge.channels,
        "polarity": surge.polarity,
        "occurred_at": occurred_ms,
        "received_at": int(at * 1000),
    }
    message = f"{surge.voices} voices on {surge.channels} channels"
    return Finding(
        "spread", subject, message, "info", occurred_ms / 1000.0, surge.voices, "", None, fact, offset
    )
