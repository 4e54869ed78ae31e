"""Changing the rules in force: published records, approval, pause, rollback.

A record on `rules.catalog` holds one whole rule, who wrote it, who approved it and when. The topic is
compacted by key: the record in force under the rule's id, a proposal under `<id>/proposed`, so that a
proposal never hides what is in force. Workers take only records that load and compile; otherwise they
keep what they have and say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from pydantic import Field

from models.events.base import Millis
from rules.checks import check
from rules.loader import Catalog, load_rule, rule_from_record
from rules.rule import Name, Part, Rule, Text
from rules.source import RuleError, Source

PROPOSED = "/proposed"


class CatalogRecord(Part):
    """One change of one rule, as it stands on `rules.catalog` and in the store."""

    rule_id: Name
    version: int = Field(ge=1)
    state: Literal["in_force", "proposed"]
    change: Literal["publish", "approve", "pause", "resume", "rollback", "ramp"]
    author: Text
    approver: str | None = None
    at: Millis
    comment: str = ""
    rule: dict[str, Any] = Field(description="the rule as written, durations as text")

    @property
    def key(self) -> str:
        """Kafka key of the record."""
        return self.rule_id if self.state == "in_force" else self.rule_id + PROPOSED

    def load(self) -> Rule:
        """Return the rule.

        Raises
        ------
        RuleError
            If it is not one.
        """
        return rule_from_record(self.rule)


class Publisher(Protocol):
    """Where records are kept: Kafka in production, memory in tests."""

    def records(self) -> Iterable[CatalogRecord]:
        """Return every record still known, oldest first."""
        ...

    def send(self, record: CatalogRecord) -> None:
        """Append a record and return once it is safe."""
        ...


class MemoryPublisher:
    """Keeps records in a list."""

    def __init__(self) -> None:
        self._records: list[CatalogRecord] = []

    def records(self) -> list[CatalogRecord]:
        """Return every record, oldest first."""
        return list(self._records)

    def send(self, record: CatalogRecord) -> None:
        """Append a record."""
        self._records.append(record)


class PublishError(ValueError):
    """A change that is not allowed, in one sentence."""


class Publishing:
    """The changes people make, each checked before it is sent.

    Parameters
    ----------
    publisher
        Where records are kept.
    needs_approval
        Whether a rule takes effect only after somebody other than its author has approved it.
    """

    def __init__(self, publisher: Publisher, needs_approval: bool = False) -> None:
        self._publisher = publisher
        self._needs_approval = needs_approval

    def in_force(self) -> dict[str, CatalogRecord]:
        """Return the newest record in force of each rule."""
        return {r.rule_id: r for r in self._publisher.records() if r.state == "in_force"}

    def publish(self, source: Source, author: str, at: int, comment: str = "") -> CatalogRecord:
        """Send a rule; it waits for approval where that is needed.

        Parameters
        ----------
        source
            The rule's document.
        author
            Who wrote the change.
        at
            Now, in ms.
        comment
            Why.

        Raises
        ------
        RuleError
            If a check fails.
        PublishError
            If the version is not higher than every one published before.
        """
        rule = load_rule(source)
        problems = check(Catalog.of([rule], {rule.id: source}))
        if problems:
            raise RuleError(problems)
        current = self.in_force().get(rule.id)
        if current is not None and rule.version <= current.version:
            raise PublishError(
                f"{rule.id}: version {current.version} is in force, so this one must be higher"
            )
        return self._send(rule.id, rule.version, "publish", author, None, at, comment, source.data)

    def approve(self, rule_id: str, approver: str, at: int, comment: str = "") -> CatalogRecord:
        """Put the newest proposal of a rule in force.

        Raises
        ------
        PublishError
            If there is no proposal, or its author approves it.
        """
        proposals = [r for r in self._publisher.records() if r.rule_id == rule_id and r.state == "proposed"]
        current = self.in_force().get(rule_id)
        if not proposals or (current is not None and current.at >= proposals[-1].at):
            raise PublishError(f"{rule_id}: nothing waits for approval")
        proposal = proposals[-1]
        if proposal.author == approver:
            raise PublishError(f"{rule_id}: {approver} wrote this version and cannot approve it")
        record = proposal.model_copy(
            update={
                "state": "in_force",
                "change": "approve",
                "approver": approver,
                "at": at,
                "comment": comment,
            }
        )
        record.load()
        self._publisher.send(record)
        return record

    def pause(self, rule_id: str, author: str, at: int, comment: str = "") -> CatalogRecord:
        """Stop a rule at once, without approval: its windows and decisions go on being recorded."""
        current = self._current(rule_id)
        rule = {**current.rule, "status": "paused"}
        return self._force(rule_id, current.version, "pause", author, at, comment, rule)

    def resume(self, rule_id: str, author: str, at: int, comment: str = "") -> CatalogRecord:
        """Let a paused rule go on as before the pause, live or shadow; needs approval like a new version."""
        current = self._current(rule_id)
        if current.rule.get("status") != "paused":
            raise PublishError(f"{rule_id}: it is not paused")
        before = [
            r.rule["status"]
            for r in self._publisher.records()
            if r.rule_id == rule_id and r.state == "in_force" and r.rule.get("status") in ("live", "shadow")
        ]
        rule = {**current.rule, "status": before[-1] if before else "live"}
        return self._send(rule_id, current.version, "resume", author, None, at, comment, rule)

    def ramp(self, rule_id: str, share: float, author: str, at: int, comment: str = "") -> CatalogRecord:
        """Let a rule with a ramp in steps reach a further share of customers; its steps were approved.

        Parameters
        ----------
        share
            Share of customers from now on.
        rule_id, author, at, comment
            As for `publish`.
        """
        current = self._current(rule_id)
        reached = {"reached": share, "since": datetime.fromtimestamp(at / 1000, UTC).isoformat()}
        rule = {**current.rule, "ramp": {**current.rule["ramp"], **reached}}
        return self._force(rule_id, current.version, "ramp", author, at, comment, rule)

    def rollback(
        self, rule_id: str, author: str, at: int, version: int | None = None, comment: str = ""
    ) -> CatalogRecord:
        """Put an earlier version in force again, at once: it was approved before.

        Parameters
        ----------
        rule_id, author, at, comment
            As for `publish`.
        version
            Which; the one before the present by default.
        """
        current = self._current(rule_id)
        earlier = [
            r
            for r in self._publisher.records()
            if r.rule_id == rule_id and r.state == "in_force" and r.change not in ("pause", "ramp")
            and (r.version < current.version if version is None else r.version == version)
        ]  # fmt: skip
        if not earlier:
            raise PublishError(f"{rule_id}: version {version or 'before the present'} is not known")
        target = earlier[-1]
        return self._force(rule_id, target.version, "rollback", author, at, comment, target.rule)

    def _current(self, rule_id: str) -> CatalogRecord:
        current = self.in_force().get(rule_id)
        if current is None:
            raise PublishError(f"{rule_id}: it is not in force")
        return current

    def _send(
        self, rule_id: str, version: int, change: str, author: str, approver: str | None, at: int,
        comment: str, rule: Mapping[str, Any],
    ) -> CatalogRecord:  # fmt: skip
        state = "proposed" if self._needs_approval else "in_force"
        return self._append(rule_id, version, state, change, author, approver, at, comment, rule)

    def _force(
        self, rule_id: str, version: int, change: str, author: str, at: int, comment: str,
        rule: Mapping[str, Any],
    ) -> CatalogRecord:  # fmt: skip
        return self._append(rule_id, version, "in_force", change, author, None, at, comment, rule)

    def _append(
        self, rule_id: str, version: int, state: str, change: str, author: str, approver: str | None, at: int,
        comment: str, rule: Mapping[str, Any],
    ) -> CatalogRecord:  # fmt: skip
        record = CatalogRecord.model_validate(
            {
                "rule_id": rule_id, "version": version, "state": state, "change": change, "author": author,
                "approver": approver, "at": at, "comment": comment, "rule": dict(rule),
            }
        )  # fmt: skip
        record.load()
        self._publisher.send(record)
        return record


def apply(catalog: Catalog, record: CatalogRecord) -> Catalog:
    """Return the catalogue with a record in force; a proposal changes nothing.

    Raises
    ------
    RuleError
        If the record holds no rule or one that fails a check; the caller keeps the catalogue it has.
    """
    if record.state == "proposed":
        return catalog
    rule = record.load()
    problems = check(Catalog.of([rule], {rule.id: Source(rule.id, record.rule)}))
    if problems:
        raise RuleError(problems)
    return catalog.replaced(rule)
