"""Facts of a customer's log as the scorer takes them: actions received, ids, corrections."""

from __future__ import annotations

from typing import Any

import pytest

from models.churn.delayed import DelayedLabels
from models.near_duplicate import ClusterIndex
from models.outcome import DeadLetter, DeadReason, Drop, Emit
from models.scoring.customer import CustomerMemory
from models.scoring.model_set import ModelSet
from models.scoring.replay import inputs_at
from models.scoring.scorer import PartitionScoring, Scorer
from models.scoring.targets import targets
from models.topics.analyser import Analyser

START, DAY = 1_750_000_000_000, 86_400_000


class World:
    """One customer, one scorer, and what was stored of them."""

    def __init__(self) -> None:
        self.scorer = Scorer(ModelSet(), Analyser(), learning=False)
        self.partition = PartitionScoring(ClusterIndex(64), DelayedLabels(targets(30)))
        self.memory = CustomerMemory(None, 604_800.0)
        self.stored: list[dict[str, Any]] = []

    def take(self, event: dict[str, Any]) -> Any:
        outcome = self.scorer.step(event | {"customer_id": "c"}, self.memory, self.partition)
        if isinstance(outcome, Emit):
            self.stored.append(outcome.value.record)
        return outcome

    def fact(self, event: str, ident: str, kind: str, day: float, **more: Any) -> Any:
        at = START + int(day * DAY)
        return self.take(
            {"event": event, "id": ident, "kind": kind, "occurred_at": at, "received_at": at} | more
        )

    def status(self, said: str, action: str, day: float) -> Any:
        return self.fact("action_status", f"s{action}{said}{day}", said, day, action_id=action, status=said)

    def says(self, ident: str, day: float, text: str = "很好") -> dict[str, Any]:
        at = START + int(day * DAY)
        empty = dict.fromkeys(("rating", "label", "kind", "product", "region"))
        said = {"event": "feedback", "feedback_id": ident, "channel": "app", "text": text, "lang": "zh"}
        outcome = self.take(said | empty | {"occurred_at": at, "received_at": at})
        assert isinstance(outcome, Emit)
        seen = inputs_at(self.stored, ident, Analyser())
        assert seen is not None
        return seen | self.memory.features.vector(at / 1000.0)


def test_an_action_that_reached_the_customer_counts_once() -> None:
    world = World()
    assert world.says("f0", 0)["actions"] == 0.0
    for said, day in (
        ("accepted", 1),
        ("in_progress", 1.5),
        ("resolved", 2),
        ("customer_told", 2.1),
        ("closed", 3),
    ):
        world.status(said, "a1", day)
    world.status("delivered", "a2", 3)
    world.status("failed", "a3", 3)
    seen = world.says("f1", 4)
    assert seen["actions"] == pytest.approx(2.0, abs=0.1)
    assert seen["action_days"] == pytest.approx(1.0)


def test_what_explains_a_score_counts_the_same_actions() -> None:
    world = World()
    for number in range(12):
        world.status("delivered", f"a{number}", number / 4)
        world.status("customer_told", f"a{number}", number / 4 + 0.1)
    world.says("f", 4)
    seen = inputs_at(world.stored, "f", Analyser())
    vector = world.memory.features.vector((START + 4 * DAY) / 1000.0)
    assert seen is not None
    assert {name: seen[name] for name in vector} == vector and vector["actions"] != 0.0


@pytest.mark.parametrize("closing", ["refund", "ticket_closed", "resolved"])
def test_a_demanded_refund_is_open_until_it_is_answered(closing: str) -> None:
    world = World()
    assert world.says("f0", 0, "质量太差，我要退款")["open_tickets"] == 1.0
    if closing == "resolved":
        world.status(closing, "a1", 1)
    else:
        world.fact("customer", "e1", closing, 1, amount=20.0)
    assert world.says("f1", 2)["open_tickets"] == 0.0
    assert world.says("f2", 3, "又坏了，退款！我要退款")["open_tickets"] == 1.0


def test_a_ticket_opened_by_the_service_is_not_closed_by_another_answer() -> None:
    world = World()
    world.fact("customer", "t1", "ticket_opened", 0)
    world.status("delivered", "a1", 1)
    world.fact("customer", "e1", "refund", 1, amount=20.0)
    assert world.says("f1", 2)["open_tickets"] == 1.0


def test_ids_are_told_apart_by_what_they_are_ids_of() -> None:
    """Systems number their records from one: an order is not the feedback, nor the refund of that order."""
    world = World()
    assert isinstance(world.fact("customer", "1001", "purchase", 0, amount=5.0), Emit)
    world.says("1001", 1)
    assert isinstance(world.fact("customer", "1001", "refund", 2, amount=5.0), Emit)
    for model, value in (("sentiment", 1.0), ("topics", "price.high")):
        label = {"feedback_id": "1001", "model": model, "value": value}
        assert isinstance(world.fact("label", "1001", model, 3, **label), Emit)
        assert isinstance(world.fact("label", "1001", model, 3, **label), Drop)
    assert isinstance(world.fact("customer", "1001", "purchase", 4, amount=5.0), Drop)


@pytest.mark.parametrize(
    "value", ["", " ", "Price", "物流", "price..high", "a.b.c", "<NAME:k1:abc>", "x" * 90]
)
def test_a_correction_that_names_no_topic_is_refused(value: str) -> None:
    world = World()
    world.says("f", 0)
    said = world.fact("label", "l", "topics", 1, feedback_id="f", model="topics", value=value)
    assert said == DeadLetter(DeadReason.INVALID, "value")


@pytest.mark.parametrize("value", ["price", "price.high", "quality.cup_lid2"])
def test_a_correction_may_name_any_topic(value: str) -> None:
    world = World()
    world.says("f", 0)
    said = world.fact("label", "l", "topics", 1, feedback_id="f", model="topics", value=value)
    assert isinstance(said, Emit) and said.value.examples[0][1]["label"] == value


def test_answers_of_today_to_feedback_of_long_ago_come_as_long_after_it_as_they_took() -> None:
    world, today = World(), START + 60 * DAY
    played = {"received_at": today}
    for day in (0, 1):
        world.fact("customer", f"e{day}", "usage", day, quantity=5.0, **played)
    before = world.memory.features.vector(START / 1000.0 + 2 * 86_400)["usage"]
    answer = {
        "event": "action_status",
        "id": "s",
        "kind": "delivered",
        "action_id": "a",
        "status": "delivered",
    }
    world.take(answer | {"occurred_at": today + 7_200_000, "received_at": today + 7_200_000})
    seen = world.memory.features.vector(START / 1000.0 + 2 * 86_400)
    assert seen["usage"] == pytest.approx(before, abs=1e-3)
    assert seen["action_days"] == pytest.approx(1 - 2 / 24, abs=1e-3)
