"""Compares, event by event, what came out of the pipeline with what an undisturbed run gives."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sized
from dataclasses import dataclass, field
from typing import Any

import orjson
from chaos_oracle import Oracle
from chaos_watcher import Watcher

from sinks.clickhouse.client import Client
from streams.state import PartitionState
from streams.topics import (
    ACTION_TOPICS,
    DEAD_LETTERS,
    DECISIONS,
    FEEDBACK_MASKED,
    FEEDBACK_SCORED,
    HOLDOUTS,
    state_topic,
)

SHOWN = 5
_CLUSTER = 9
"""Where a row of feedback has its cluster's id."""


Rows = dict[Any, list[tuple[Any, ...]]]


@dataclass(slots=True)
class Books:
    """What must stand where, by id.

    An id has two rows when its copy came after `MOST_IDS` others of a loud customer had; the store keeps
    the one inserted last, which after a writer's death may be either.
    """

    feedback: Rows = field(default_factory=lambda: defaultdict(list))
    facts: set[str] = field(default_factory=set)
    decisions: Rows = field(default_factory=lambda: defaultdict(list))
    actions: set[tuple[str, str]] = field(default_factory=set)
    assignments: set[tuple[str, str]] = field(default_factory=set)
    dead: dict[tuple[str, int, int], str] = field(default_factory=dict)


def books(oracle: Oracle) -> Books:
    """Write down everything the undisturbed run has put out so far."""
    found, log = Books(), oracle.log
    for value in log.values(FEEDBACK_SCORED):
        row = orjson.loads(value)
        if row["event"] == "feedback":
            found.feedback[row["feedback_id"]].append(_feedback(row, row["scores"], row["origin"]))
        else:
            found.facts.add(row["id"])
    for value in log.values(DECISIONS):
        row = orjson.loads(value)
        found.decisions[row["decision_id"]].append(_decision(row))
    for value in log.values(*ACTION_TOPICS):
        row = orjson.loads(value)
        # About a cluster every partition may act, under one id and for different customers.
        found.actions.add((row["action_id"], row["customer_id"]))
    for value in log.values(HOLDOUTS):
        row = orjson.loads(value)
        found.assignments.add((row["customer_id"], row["rule_id"]))
    for value in log.values(DEAD_LETTERS):
        row = orjson.loads(value)
        found.dead[row["topic"], row["partition"], row["offset"]] = row["reason"]
    return found


def _feedback(row: Mapping[str, Any], scores: Mapping[str, Any], origin: Iterable[Any]) -> tuple[Any, ...]:
    return (
        tuple(origin), row["customer_id"], row["text"], bool(row["late"]), round(scores["polarity"], 4),
        tuple(scores["topics"]), scores["urgency"], round(scores["priority"], 4), round(scores["churn"], 4),
        row["cluster_id"], row["cluster_size"], row["duplicate_of"] or "", row["occurred_at"],
    )  # fmt: skip


def _issued(row: tuple[Any, ...], issues: Mapping[str, str]) -> tuple[Any, ...]:
    """Return a row of feedback with the issue in place of the cluster."""
    cluster = row[_CLUSTER]
    return (*row[:_CLUSTER], issues.get(cluster, cluster), *row[_CLUSTER + 1 :])


def _decision(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return (
        row["feedback_id"], row["customer_id"], row["rule_id"], row["rule_version"], row["arm"],
        row["reason"] or "", row["action_id"] or "", row["occurred_at"],
    )  # fmt: skip


_FEEDBACK_SQL = """
SELECT feedback_id, origin, customer_id, text, late, scores, cluster_id, cluster_size, duplicate_of,
    occurred_at
FROM feedback FINAL"""
_DECISION_SQL = """
SELECT decision_id, feedback_id, customer_id, rule_id, rule_version, arm, reason, action_id, occurred_at
FROM decisions FINAL"""


class Ledger:
    """The store and the topics against the books.

    Parameters
    ----------
    client
        The store itself, not through the proxy.
    """

    def __init__(self, oracle: Oracle, client: Client, watcher: Watcher) -> None:
        self._oracle = oracle
        self._client = client
        self._watcher = watcher

    def arrived(self, wanted: Books) -> bool:
        """Tell whether the store holds as many rows as it must; cheap, asked while draining."""
        tables = ("feedback", "facts", "decisions", "actions", "assignments", "dead_letters")
        counts = ", ".join(f"(SELECT count() FROM {table} FINAL)" for table in tables)
        row = self._client.query(f"SELECT {counts}").result_rows[0]
        sizes: tuple[Sized, ...] = (
            wanted.feedback,
            wanted.facts,
            wanted.decisions,
            wanted.actions,
            wanted.assignments,
            wanted.dead,
        )
        return all(int(have) >= len(want) for have, want in zip(row, sizes, strict=True))

    def shortfall(self, wanted: Books) -> str:
        """Say what the store holds of what it must."""
        tables = {"feedback": wanted.feedback, "facts": wanted.facts, "decisions": wanted.decisions,
                  "actions": wanted.actions, "dead_letters": wanted.dead}  # fmt: skip
        parts = []
        for table, want in tables.items():
            have = self._client.query(f"SELECT count() FROM {table} FINAL").result_rows[0][0]
            parts.append(f"{table} {have} of {len(want)}")
        return ", ".join(parts)

    def differences(self, wanted: Books) -> list[str]:
        """Return every difference as a sentence; empty when nothing is lost, doubled or changed."""
        # When an alias is known depends on who was heard first, so both sides are read through the run's own
        # aliases; the undisturbed run has none. Everything else of a row must be equal as it is.
        issues = dict(self._select("SELECT cluster_id, issue_id FROM cluster_issues"))
        right = {ident: [_issued(row, issues) for row in rows] for ident, rows in wanted.feedback.items()}
        have = [(ident, _issued(row, issues)) for ident, row in self._feedback_rows()]
        found = self._rows("feedback", right, have)
        found += self._rows("decisions", wanted.decisions, self._decision_rows())
        found += self._ids("facts", wanted.facts, self._column("facts", "id"))
        acted = [(a, c) for a, c in self._select("SELECT action_id, customer_id FROM actions FINAL")]
        found += self._ids("action rows", wanted.actions, acted)
        pairs = [(c, r) for c, r in self._select("SELECT customer_id, rule_id FROM assignments FINAL")]
        found += self._ids("assignments", wanted.assignments, pairs)
        found += self._ids("actions on topics", wanted.actions, list(self._watcher.actions))
        dead = [
            ((str(t), int(p), int(o)), (str(r),))
            for t, p, o, r in self._select("SELECT topic, partition, offset, reason FROM dead_letters FINAL")
        ]
        expected: Rows = {key: [(reason,)] for key, reason in wanted.dead.items()}
        found += self._rows("dead letters", expected, dead)
        for agent in ("score", "decide"):
            for partition, state in self._oracle.states(agent).items():
                found += self._state(agent, state, self._watcher.states.get((state_topic(agent), partition)))
        return found

    async def repeats(self) -> dict[str, int]:
        """Return how many copies stand in the logs before dedup, by topic."""
        actions = sum(self._watcher.actions.values()) - len(self._watcher.actions)
        logs = {
            topic: await self._watcher.appended(topic) - len(self._oracle.log.values(topic))
            for topic in (FEEDBACK_MASKED, FEEDBACK_SCORED, DECISIONS)
        }
        return {**logs, "actions": actions}

    def _select(self, sql: str) -> list[Any]:
        return list(self._client.query(sql).result_rows)

    def _column(self, table: str, name: str) -> list[str]:
        return [str(row[0]) for row in self._select(f"SELECT {name} FROM {table} FINAL")]

    def _feedback_rows(self) -> list[tuple[Any, tuple[Any, ...]]]:
        rows = []
        for ident, origin, customer, text, late, scores, cluster, size, copy_of, at in self._select(
            _FEEDBACK_SQL
        ):
            row = {"customer_id": customer, "text": text, "late": late, "cluster_id": cluster,
                   "cluster_size": size, "duplicate_of": copy_of, "occurred_at": at}  # fmt: skip
            place = origin.values() if isinstance(origin, dict) else origin
            rows.append((ident, _feedback(row, scores, place)))
        return rows

    def _decision_rows(self) -> list[tuple[Any, tuple[Any, ...]]]:
        return [(row[0], tuple(row[1:])) for row in self._select(_DECISION_SQL)]

    def _rows(self, what: str, wanted: Rows, have: list[tuple[Any, tuple[Any, ...]]]) -> list[str]:
        found = self._ids(what, set(wanted), [ident for ident, _ in have])
        wrong = [(i, row, wanted[i]) for i, row in have if i in wanted and row not in wanted[i]]
        for ident, row, right in wrong[:SHOWN]:
            differs = [(a, b) for a, b in zip(row, right[-1], strict=True) if a != b]
            found.append(f"{what} {ident}: (is, must be) {differs}")
        if len(wrong) > SHOWN:
            found.append(f"{what}: {len(wrong)} rows differ in all")
        return found

    @staticmethod
    def _ids(what: str, wanted: set[Any], have: list[Any]) -> list[str]:
        there, found = set(have), []
        if lost := sorted(wanted - there):
            found.append(f"{what}: {len(lost)} lost: {lost[:SHOWN]}")
        if extra := sorted(there - wanted):
            found.append(f"{what}: {len(extra)} that nobody sent: {extra[:SHOWN]}")
        if len(there) != len(have):
            found.append(f"{what}: {len(have) - len(there)} doubled")
        return found

    @staticmethod
    def _state(agent: str, wanted: PartitionState, have: PartitionState | None) -> list[str]:
        if have is None:
            return [f"state of {agent}/{wanted.partition} is missing"]
        right, now = dict(wanted.items()), dict(have.items())
        keys = [key for key in right.keys() | now.keys() if right.get(key) != now.get(key)]
        place = f"state of {agent}/{wanted.partition}"
        found = [
            f"{place}, {key!r}: is {now.get(key)!r:.600}, must be {right.get(key)!r:.600}"
            for key in sorted(keys)[:SHOWN]
        ]
        if len(keys) > SHOWN:
            found.append(f"state of {agent}/{wanted.partition}: {len(keys)} keys differ in all")
        for source, offset in wanted.marks.items():
            # Offsets of logs between agents count repeats too; origins name the input itself.
            if source.startswith("<") and have.marks.get(source) != offset:
                found.append(f"mark {source} of {agent}: is {have.marks.get(source)}, must be {offset}")
        return found
