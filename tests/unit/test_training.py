"""Trainers: challengers on drift, orders of people, and exactness over kills."""

from __future__ import annotations

import random
from typing import Any

import pytest

from models.snapshot import Snapshot, decode, encode
from models.training import Finding, Trainer

SEED = 7
GOOD = ("很好用", "喜欢", "物流很快", "great", "love it")
BAD = ("老是卡", "退款", "客服不理人", "awful", "broken")


def sentence(number: int, turned: bool) -> dict[str, Any]:
    """Return an example whose words mean the opposite once `turned`."""
    rng = random.Random(SEED * 100_003 + number)
    good = rng.random() < 0.5
    words = rng.sample(GOOD if good is not turned else BAD, 2)
    return {"from": [0, number, 0], "text": " ".join(words), "lang": "zh", "label": float(good)}


def customer(number: int, turned: bool) -> dict[str, Any]:
    """Return a customer's row whose meaning turns as well."""
    rng = random.Random(SEED * 100_003 + number)
    calm = rng.random() < 0.5
    likely = 0.9 if calm is turned else 0.1
    x = {"negatives_7d": 0.0 if calm else 3.0, "tier": rng.choice("ab")}
    return {"from": [0, number, 0], "x": x, "y": rng.random() < likely, "score": None, "version": 0}


STREAMS = {"sentiment": (sentence, 600, 1500), "churn": (customer, 700, 1600)}


def records(model: str) -> list[dict[str, Any]]:
    make, turn, most = STREAMS[model]
    return [make(number, number >= turn) for number in range(most)]


def run(trainer: Trainer, stream: list[dict[str, Any]], first: int = 0) -> list[Finding]:
    found: list[Finding] = []
    for offset in range(first, len(stream)):
        found += trainer.step(stream[offset], offset, 1000.0 + offset)
    return found


def test_of_topics_the_share_of_right_guesses_is_told_and_no_probability() -> None:
    trainer = Trainer("topics")
    for number in range(20):
        text, label = (("lid", "quality.lid"), ("points", "account.points"))[number % 2]
        example = {"from": [0, number, 0], "text": text, "lang": "en", "label": label, "correction": True}
        trainer.step(example, number, 0.0)
    (told,) = trainer.metrics(0)
    assert told["n"] == 20 and 0.5 < told["accuracy"] < 1.0
    assert told["auc"] is told["log_loss"] is told["brier"] is None


def snapshot(trainer: Trainer) -> bytes:
    return encode(Snapshot(trainer.name, 1, trainer.offset, 0.0, "c", trainer.state()))


def restored(data: bytes, **options: Any) -> Trainer:
    held = decode(data)
    trainer = Trainer(held.model, **options)
    trainer.restore(held.state, held.offset, held.version)
    return trainer


@pytest.mark.parametrize("model", list(STREAMS))
def test_a_shift_starts_a_challenger_that_wins_and_serves(model: str) -> None:
    trainer = Trainer(model)
    found = run(trainer, records(model))
    kinds = [(f.kind, f.subject) for f in found]
    assert kinds[:2] == [("drift", f"{model}/error"), ("model", f"{model}/promoted")]
    drift, promoted = found[:2]
    _, turn, _ = STREAMS[model]
    assert turn - 100 <= drift.since - 1000.0 <= turn + 100
    assert drift.magnitude > 0.1 and "challenger started" in drift.done
    assert promoted.magnitude > 0 and "serves from the next snapshot" in promoted.done


def test_scores_that_move_while_the_error_stays_start_a_challenger_too() -> None:
    rng = random.Random(SEED)
    trainer, found = Trainer("purchase"), list[Finding]()
    for number in range(2600):
        score = rng.uniform(0.1, 0.2) + 0.2 * (number >= 2000)
        x = {"visits": rng.random(), "tier": rng.choice("ab")}
        served = {"x": x, "y": rng.random() < 0.15, "score": score, "version": 3}
        found += trainer.step({"from": [0, number, 0]} | served, number, 1000.0 + number)
    (drift,) = (one for one in found if one.kind == "drift")
    assert drift.subject == "purchase/probability" and "challenger started" in drift.done
    assert 1900 <= drift.since - 1000.0 <= 2100 and 0.1 < drift.magnitude < 0.3
    assert trainer.champion.challenger is not None


@pytest.mark.parametrize("model", list(STREAMS))
def test_killed_at_any_point_it_ends_bit_identical(model: str) -> None:
    stream = records(model)
    never = Trainer(model)
    told = {(f.kind, f.subject, f.since) for f in run(never, stream)}
    rng = random.Random(SEED)
    trainer, saved, position, again = Trainer(model), b"", 0, set()
    while position < len(stream):
        go_on = min(len(stream), position + rng.randrange(40, 260))
        for offset in range(position, go_on):
            again |= {
                (f.kind, f.subject, f.since) for f in trainer.step(stream[offset], offset, 1000.0 + offset)
            }
        if rng.random() < 0.6 or go_on == len(stream):
            saved, position = snapshot(trainer), go_on
        else:  # killed: whatever was learned since the last snapshot is gone
            trainer = restored(saved) if saved else Trainer(model)
            position = trainer.offset + 1
    assert snapshot(trainer) == snapshot(never)
    assert again == told


def test_a_record_seen_before_changes_nothing() -> None:
    trainer = Trainer("sentiment")
    stream = records("sentiment")[:20]
    run(trainer, stream)
    before = snapshot(trainer)
    assert trainer.step(stream[3], 3, 0.0) == []
    assert snapshot(trainer) == before
    # The same example at a new offset: its scorer was restarted and sent it again.
    trainer.step(stream[3], 20, 0.0)
    assert trainer.figures.n == 20


def test_on_approval_a_person_promotes_and_rolls_back() -> None:
    trainer = Trainer("sentiment", automatic=False)
    stream = records("sentiment")
    found = run(trainer, stream)
    assert [f.subject for f in found] == ["sentiment/error", "sentiment/awaits_approval"]
    roles = [(m["role"], m["n"] > 0) for m in trainer.metrics(0)]
    assert roles == [("champion", True), ("challenger", True)]
    champion = trainer.learner
    (promoted,) = trainer.order({"do": "promote", "by": "ann"}, len(stream), 5.0, None)
    assert promoted.subject == "sentiment/promoted" and "by ann" in promoted.message
    assert trainer.learner is not champion
    (back,) = trainer.order({"do": "rollback", "by": "ann"}, len(stream) + 1, 6.0, None)
    assert back.subject == "sentiment/rolled_back" and trainer.learner is champion
    assert trainer.order({"do": "promote"}, len(stream), 5.0, None) == []


def test_an_earlier_version_is_served_again_exactly() -> None:
    trainer = Trainer("sentiment")
    stream = records("sentiment")
    run(trainer, stream[:200])
    earlier = decode(encode(Snapshot("sentiment", 3, 199, 0.0, "c", trainer.serving()))).state
    said = [trainer.learner.predict(text, "zh").probability for text in GOOD + BAD]
    run(trainer, stream[:500], 200)
    assert [trainer.learner.predict(text, "zh").probability for text in GOOD + BAD] != said
    (found,) = trainer.order({"do": "rollback", "by": "ann", "version": 3}, 500, 7.0, earlier)
    assert found.subject == "sentiment/rolled_back"
    assert [trainer.learner.predict(text, "zh").probability for text in GOOD + BAD] == said


@pytest.mark.parametrize(
    ("order", "why"),
    [
        ({"do": "promote"}, "no challenger"),
        ({"do": "retire"}, "no challenger"),
        ({"do": "rollback"}, "no previous version"),
        ({"do": "rollback", "version": 99}, "held no more"),
        ({"do": "explode"}, "no such order"),
    ],
)
def test_an_order_that_cannot_be_followed_is_told(order: dict[str, Any], why: str) -> None:
    trainer = Trainer("topics")
    (found,) = trainer.order(order, 0, 1.0, None)
    assert why in found.message and found.done == "nothing changed" and trainer.offset == 0


def test_a_state_of_another_build_is_refused() -> None:
    trainer = Trainer("sentiment")
    state = trainer.state()
    del state["rival.n"]
    with pytest.raises(KeyError):
        Trainer("sentiment").restore(state, 3, 1)
