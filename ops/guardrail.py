"""Guardrails of live rules, judged from the store: a rule that harms past its bound is paused.

Nothing here ever starts a rule again: a person does, with `hark rules resume`. From then on only customers
met since are judged, or the old harm would stop the rule at once. A ramp in time goes on by itself while
its rule is live, so a pause stops it; a ramp in steps is taken from here, while every guardrail holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

from models.clock import Clock
from models.uplift.guardrail import Schedule, Watch, watch
from models.uplift.moments import Moments
from rules.publish import CatalogRecord, Publishing
from rules.rule import Guardrail, Rule
from rules.source import RuleError
from sinks.clickhouse.client import Client
from sinks.clickhouse.queries import ask
from streams.alerts import add_alert
from streams.outbox import Outbox

AUTHOR = "guardrail"


class AlertingPublisher(Protocol):
    """A publisher whose records may bring an alert along, so that neither comes without the other."""

    def records(self) -> Iterable[CatalogRecord]:
        """Return every record still known, oldest first."""
        ...

    def send(self, record: CatalogRecord, also: Callable[[Outbox], None] | None = None) -> None:
        """Append a record and what else belongs to it."""
        ...


@dataclass(frozen=True, slots=True)
class Judged:
    """One guardrail of one rule.

    Parameters
    ----------
    share
        Share of customers the rule's ramp has reached, 1 without a ramp.
    treated, control
        Customers judged.
    paused
        Whether this run paused the rule.
    """

    rule: str
    metric: str
    share: float
    treated: int
    control: int
    found: Watch
    paused: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values; limits that are not known are null."""
        low, high = (None if limit != limit else limit for limit in (self.found.low, self.found.high))
        return {
            "rule": self.rule, "metric": self.metric, "share": self.share, "treated": self.treated,
            "control": self.control, "state": self.found.state, "harm": self.found.harm, "low": low,
            "high": high, "reason": self.found.reason, "paused": self.paused,
        }  # fmt: skip


class Guardrails:
    """Judges every live rule's guardrails.

    Parameters
    ----------
    client
        Connected to Hark's database.
    dry
        Judge only.
    """

    def __init__(self, client: Client, publisher: AlertingPublisher, clock: Clock, dry: bool = False) -> None:
        self._client = client
        self._publisher = publisher
        self._clock = clock
        self._dry = dry

    def run(self) -> list[Judged]:
        """Judge each guardrail once; pause the rules that do harm."""
        records = list(self._publisher.records())
        current = {record.rule_id: record for record in records if record.state == "in_force"}
        judged: list[Judged] = []
        for rule_id, record in sorted(current.items()):
            try:
                rule = record.load()
            except RuleError:
                continue  # workers refused it as well and act on an older version, which they say
            if rule.status == "live":
                judged += self._rule(rule, since_of(records, rule_id), record.at)
        return judged

    def _rule(self, rule: Rule, since: int, published: int) -> list[Judged]:
        now = int(self._clock.now() * 1000)
        share = 1.0 if rule.ramp is None else rule.ramp.share(now)
        found = [self._judge(rule, guardrail, since, share) for guardrail in rule.guardrails]
        harmful = next((one for one in found if one.found.state == "pause"), None)
        if self._dry:
            return found
        if harmful is None:
            return self._ramp(rule, found, published, now)
        with_alert = _WithAlert(self._publisher, partial(_alert, harmful, now))
        Publishing(with_alert).pause(rule.id, AUTHOR, now, f"{harmful.metric}: {harmful.found.reason}")
        return [replace(one, paused=one is harmful) for one in found]

    def _ramp(self, rule: Rule, found: list[Judged], published: int, now: int) -> list[Judged]:
        """Take the next step of a ramp in steps once it is due and every guardrail holds."""
        ramp = rule.ramp
        if ramp is None or not ramp.steps or not found:
            return found
        began = published if ramp.since is None else int(ramp.since.timestamp() * 1000)
        share = ramp.share(now)
        step = Schedule(tuple(ramp.steps), ramp.every, ramp.least).next(
            share,
            at_since_ms=now - began,
            treated=min(one.treated for one in found),
            control=min(one.control for one in found),
            states=[one.found.state for one in found],
        )
        if step <= share:
            return found
        holds = ", ".join(one.metric for one in found)
        words = f"from {share:.0%} to {step:.0%} of customers: {holds} holds"
        Publishing(self._publisher).ramp(rule.id, step, AUTHOR, now, words)
        return [replace(one, share=step) for one in found]

    def _judge(self, rule: Rule, guardrail: Guardrail, since: int, share: float) -> Judged:
        asked = {"rule": rule.id, "metric": guardrail.metric, "since": since}
        rows = ask(self._client, "guardrails", asked)
        if not rows:
            nothing = Watch("too early", 0.0, float("nan"), float("nan"), "no outcome in both arms yet")
            return Judged(rule.id, guardrail.metric, share, 0, 0, nothing)
        row = rows[0]
        treated, control = (_moments(row, arm) for arm in "10")
        found = watch(
            treated,
            control,
            worse_by=guardrail.worse_by,
            rate=bool(row["binary"]),
            higher_is_better=guardrail.higher_is_better,
        )
        return Judged(rule.id, guardrail.metric, share, treated.n, control.n, found)


class _WithAlert:
    """Sends an alert with each record, in one go."""

    def __init__(self, publisher: AlertingPublisher, alert: Callable[[Outbox], None]) -> None:
        self._publisher = publisher
        self._alert = alert

    def records(self) -> Iterable[CatalogRecord]:
        """Return what the publisher has."""
        return self._publisher.records()

    def send(self, record: CatalogRecord) -> None:
        """Append the record and the alert."""
        self._publisher.send(record, self._alert)


def since_of(records: Iterable[CatalogRecord], rule_id: str) -> int:
    """Return since when (ms) a rule is judged: its last start after a pause, 0 without any."""
    since, paused = 0, False
    for record in records:
        if record.rule_id == rule_id and record.state == "in_force":
            if record.change == "pause":
                paused = True
            elif paused:
                since, paused = record.at, False
    return since


def _moments(row: Mapping[str, Any], arm: str) -> Moments:
    n, kurtosis = int(row[f"n{arm}"]), float(row[f"kurtosis{arm}"])
    carriers = n / kurtosis if kurtosis > 0 else 0.0
    return Moments(n, float(row[f"mean{arm}"]), float(row[f"var{arm}"]), carriers)


def _alert(judged: Judged, now: int, out: Outbox) -> None:
    message = f"{judged.rule}: {judged.metric} {judged.found.reason}"
    add_alert(
        out, "guardrail", f"{judged.rule}/{judged.metric}", message, "critical", now,
        magnitude=judged.found.harm,
        done=f"rule paused; only `hark rules resume {judged.rule}` starts it again",
    )  # fmt: skip
