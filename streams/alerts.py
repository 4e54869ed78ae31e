"""Alerts: one record a finding, keyed by what it is about, with an id that a replay repeats."""

from __future__ import annotations

import hashlib

from streams import metrics
from streams.codec import cloud_event, dumps
from streams.outbox import Outbox
from streams.topics import ALERTS


def add_alert(
    out: Outbox,
    kind: str,
    subject: str,
    message: str,
    severity: str,
    now_ms: int,
    *,
    since_ms: int | None = None,
    magnitude: float = 0.0,
    done: str = "",
) -> None:
    """Add an alert (`models.events.Alert`).

    Parameters
    ----------
    subject
        What it is about: a model and series, a rule, a partition. With `kind` and `since_ms` it makes
        the id.
    message
        One sentence without content of any event.
    """
    metrics.ALERTS.labels(kind).inc()
    since = now_ms if since_ms is None else since_ms
    ident = hashlib.blake2b(f"{kind}\x1f{subject}\x1f{since}".encode(), digest_size=12).hexdigest()
    value = dumps(
        {
            "alert_id": ident,
            "kind": kind,
            "subject": subject,
            "message": message,
            "severity": severity,
            "since": since,
            "magnitude": magnitude,
            "done": done,
            "raised_at": now_ms,
        }
    )
    headers = cloud_event("hark.alert", "hark", ident, now_ms, ())
    out.placed(ALERTS, 0, subject.encode(), value, headers)
