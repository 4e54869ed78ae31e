"""The measures of the loop in SQL against the same figures computed in Python, and `hark tickets`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from statistics import median
from typing import Any

import pytest
from databases import fill, fresh
from follow_up_world import DAY, HOUR, desk
from follow_up_world import NOW as START
from typer.testing import CliRunner

from models.follow_up import Follower, Progress, Record, WorkOrder
from ops.cli import app
from ops.commands import tickets
from ops.embedded.store import EmbeddedStore
from sinks.clickhouse import Client
from sinks.clickhouse.queries import ask

NOW = START + 20 * DAY
PERIOD = {"from": START - DAY, "to": NOW}
SEED = 31

pytestmark = pytest.mark.usefixtures("client")


@dataclass
class Known:
    order: WorkOrder
    progress: Progress
    last: dict[str, Any]
    first_due: int


class Loop:
    """Work orders with a made-up life, and the trail they leave."""

    def __init__(self) -> None:
        self.follower = Follower(desk())
        self.rows: list[dict[str, Any]] = []
        self.actions: list[dict[str, Any]] = []
        self.known: list[Known] = []
        self.rng = Random(SEED)

    def live(self, number: int) -> None:
        rng, at = self.rng, START + self.rng.randrange(14 * DAY)
        action = {
            "action_id": f"{number:04d}-order", "decision_id": "d", "feedback_id": f"f{number}",
            "customer_id": f"cust-{number % 50}", "kind": rng.choice(["ticket", "coupon", "notify"]),
            "rule_id": "rescue", "rule_version": 1, "team": rng.choice(["retention", "support", "safety"]),
            "template": "sorry", "lang": rng.choice(["zh", "en"]), "parameters": {}, "explanation": "because",
            "priority": 0.5, "topic": rng.choice(["service.response", "payment.refund", ""]),
            "urgency": rng.choice(["urgent", "normal", "low"]), "deadline": at + rng.choice([1, 4, 9]) * HOUR,
            "received_at": at, "decided_at": at,
        }  # fmt: skip
        self.actions.append(action)
        order, effects = self.follower.open(action, "k", at)
        rows = [effect.change for effect in effects if isinstance(effect, Record)]
        lines = ["accepted", "waiting", "in_progress", "failed", "resolved", "customer_told"]
        life = [word for word in lines if rng.random() < 0.6]
        for word in life:
            at += rng.randrange(10 * HOUR)
            rows += self._fire(order, at)
            effects = self.follower.answer(order, order.ident, f"{word}{at}", word, at, at, by="desk")
            rows += [effect.change for effect in effects if isinstance(effect, Record)]
        if rng.random() < 0.3:
            at += rng.randrange(3 * DAY)
            rows += self._fire(order, at)
            effects = self.follower.complain(order, f"again{number}", at, at)
            rows += [effect.change for effect in effects if isinstance(effect, Record)]
        rows += self._fire(order, NOW)
        self.rows += rows
        last = rows[-1]
        self.known.append(Known(order, self.follower.progress(order), last, rows[0]["response_due"]))

    def _fire(self, order: WorkOrder, until: int) -> list[dict[str, Any]]:
        rows = []
        while (due := self.follower.next_due(order)) is not None and due <= until:
            if self.follower.expired(order, due):
                break
            effects = self.follower.fire(order, due)
            rows += [effect.change for effect in effects if isinstance(effect, Record)]
        return rows

    def records(self) -> dict[str, list[dict[str, Any]]]:
        """Return the trail, of which a part was written twice after a crash, and the actions."""
        return {"work.orders": [*self.rows, *self.rows[:200]], "actions.ticket": self.actions}


@pytest.fixture(scope="module")
def loop() -> Loop:
    made = Loop()
    for number in range(300):
        made.live(number)
    return made


@pytest.fixture(scope="module")
def client(loop: Loop, store: EmbeddedStore) -> Iterator[Client]:
    client = fresh(store)
    fill(store, client, loop.records(), partition=3)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HARK_CLICKHOUSE_DATABASE", client.database)
        yield client
    client.close()


def by(loop: Loop, name: str) -> dict[str, list[Known]]:
    found: dict[str, list[Known]] = {}
    for known in loop.known:
        found.setdefault(str(known.last[name]), []).append(known)
    return found


def test_the_view_shows_each_work_order_as_it_stands(loop: Loop, client: Client) -> None:
    rows = client.query(
        "SELECT action_id, state, team, resolved_at, told_at, level FROM work_orders"
    ).result_rows
    assert len(rows) == len(loop.known)
    stored = {row[0]: row[1:] for row in rows}
    for known in loop.known:
        progress, last = known.progress, known.last
        expected = (progress.state, progress.team, progress.resolved_at, progress.told_at, last["level"])
        assert stored[known.order.ident] == expected


def test_first_response_against_target_by_urgency(loop: Loop, client: Client) -> None:
    rows = ask(client, "loop_first_response", {**PERIOD, "now": NOW, "team": ""})
    assert [row["urgency"] for row in rows] == ["urgent", "normal", "low"]
    for row in rows:
        group = by(loop, "urgency")[row["urgency"]]
        answered = [k for k in group if k.progress.responded_at is not None]
        in_time = sum((k.progress.responded_at or 0) <= k.first_due for k in answered)
        pending = sum(k.progress.responded_at is None and k.first_due > NOW for k in group)
        assert (row["opened"], row["in_time"], row["pending"]) == (len(group), in_time, pending)
        assert row["late"] == len(group) - in_time - pending
        assert row["share"] == pytest.approx(in_time / (len(group) - pending))
        minutes = [((k.progress.responded_at or 0) - k.order.opened_at) / 60_000 for k in answered]
        assert abs(row["p50_minutes"] - median(minutes)) <= max(minutes) / 20


def test_resolution_by_team(loop: Loop, client: Client) -> None:
    rows = ask(client, "loop_resolution", PERIOD)
    assert {row["team"] for row in rows} == set(by(loop, "team"))
    for row in rows:
        group = by(loop, "team")[row["team"]]
        resolved = [k for k in group if k.progress.resolved_at is not None]
        in_time = sum((k.progress.resolved_at or 0) <= k.last["deadline"] for k in resolved)
        assert (row["opened"], row["resolved"], row["in_time"]) == (len(group), len(resolved), in_time)
        assert row["rate"] == pytest.approx(len(resolved) / len(group))
        assert row["failed_once"] == sum(k.progress.failures > 0 for k in group)


def test_share_of_customers_told(loop: Loop, client: Client) -> None:
    for row in ask(client, "loop_told", PERIOD):
        group = by(loop, "team")[row["team"]]
        finished = [k for k in group if k.progress.resolved_at is not None and k.last["telling"] != "none"]
        told = [k for k in finished if k.progress.told_at is not None]
        assert (row["finished"], row["told"]) == (len(finished), len(told))
        assert row["share"] == pytest.approx(len(told) / len(finished))


def test_what_is_overdue_now(loop: Loop, client: Client) -> None:
    rows = ask(client, "loop_overdue", {"now": NOW})
    assert sum(row["overdue"] for row in rows) > 0
    for row in rows:
        group = [k for k in by(loop, "team")[row["team"]] if not k.progress.done]
        late = [NOW - k.last["deadline"] for k in group if k.last["deadline"] <= NOW]
        assert (row["unfinished"], row["overdue"]) == (len(group), len(late))
        assert row["longest_hours"] == pytest.approx(max(late, default=0) / HOUR)


def test_what_was_reopened(loop: Loop, client: Client) -> None:
    rows = ask(client, "loop_reopened", PERIOD)
    for row in rows:
        group = [k for k in by(loop, "team")[row["team"]] if k.order.kind == row["kind"]]
        assert row["opened"] == len(group)
        assert row["once"] == sum(k.progress.cycle > 0 for k in group)
        assert row["complaints"] == sum(k.progress.complaints for k in group)
    assert sum(row["times"] for row in rows) == sum(k.progress.cycle for k in loop.known) > 10


def test_tickets_list_filters_and_sorts(loop: Loop, store: EmbeddedStore) -> None:
    def listed(*options: str) -> list[dict[str, Any]]:
        result = CliRunner().invoke(app, ["tickets", "list", "--url", store.url, "--json", *options])
        assert result.exit_code == 0, result.output
        found: list[dict[str, Any]] = json.loads(result.output)
        return found

    unfinished = [k for k in loop.known if not k.progress.done]
    rows = listed("--limit", "1000")
    assert {row["action_id"] for row in rows} == {k.order.ident for k in unfinished}
    assert [row["deadline"] for row in rows] == sorted(row["deadline"] for row in rows)
    assert len(listed("--state", "all", "--limit", "1000")) == len(loop.known)
    assert {row["team"] for row in listed("--team", "safety", "--state", "all")} == {"safety"}
    assert len(listed("--limit", "3")) == 3
    plain = CliRunner().invoke(app, ["tickets", "list", "--url", store.url, "--limit", "2"])
    assert plain.exit_code == 0 and "2 work orders" in plain.output


def test_tickets_show_tells_the_whole_story(loop: Loop, store: EmbeddedStore) -> None:
    known = max(loop.known, key=lambda k: k.order.changes)
    shown = CliRunner().invoke(app, ["tickets", "show", known.order.ident[:4], "--url", store.url])
    assert shown.exit_code == 0, shown.output
    assert known.order.ident in shown.output and "reply:" in shown.output
    full = CliRunner().invoke(app, ["tickets", "show", known.order.ident, "--url", store.url, "--json"])
    told = json.loads(full.output)
    assert [line["sequence"] for line in told["trail"]] == list(range(1, known.order.changes + 1))
    assert told["partition"] == 3 and told["replies"]


@pytest.mark.parametrize(("ident", "said"), [("nothing", "has no work order"), ("00", "more than one")])
def test_an_unclear_id_is_one_sentence(store: EmbeddedStore, ident: str, said: str) -> None:
    result = CliRunner().invoke(app, ["tickets", "show", ident, "--url", store.url])
    assert result.exit_code == 1 and said in result.output


def test_assign_and_resolve_answer_where_the_work_order_lives(
    loop: Loop, store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, dict[str, Any], bytes, int]] = []

    class Fake:
        async def start(self) -> None:
            sent.clear()

        async def stop(self) -> None:
            assert sent

        async def send_and_wait(self, topic: str, value: bytes, *, key: bytes, partition: int) -> None:
            sent.append((topic, json.loads(value), key, partition))

    monkeypatch.setattr(tickets.kafka, "producer", lambda config, role: Fake())
    known = next(k for k in loop.known if not k.progress.done)
    ident = known.order.ident
    handed = CliRunner().invoke(app, ["tickets", "assign", ident, "--team", "logistics", "--url", store.url])
    assert handed.exit_code == 0, handed.output
    ((topic, said, key, partition),) = sent
    assert (topic, key, partition) == ("actions.status", known.order.customer.encode(), 3)
    assert (said["status"], said["team"], said["action_id"]) == ("assigned", "logistics", ident)
    CliRunner().invoke(app, ["tickets", "resolve", ident, "--told", "--url", store.url])
    assert [row[1]["status"] for row in sent] == ["resolved", "customer_told"]
    closed = next(k for k in loop.known if k.progress.state == "closed")
    refused = CliRunner().invoke(app, ["tickets", "resolve", closed.order.ident, "--url", store.url])
    assert refused.exit_code == 1 and "is closed" in refused.output
    wrong = CliRunner().invoke(app, ["tickets", "assign", ident, "--team", "x" * 99, "--url", store.url])
    assert wrong.exit_code == 1 and "--team must be a word" in wrong.output
