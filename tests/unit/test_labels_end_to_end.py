"""What customers rate and people correct becomes what the sentiment model learns, whatever the scale."""

from __future__ import annotations

import json
from typing import Any

import pytest

from models.churn.delayed import DelayedLabels
from models.identity import Links
from models.intake import Admission, FactAdmission, FieldMask
from models.near_duplicate import ClusterIndex
from models.outcome import DeadLetter, Emit
from models.pii import Finder, Masker
from models.pii.keyring import Keyring
from models.scoring.customer import CustomerMemory
from models.scoring.model_set import ModelSet
from models.scoring.scorer import PartitionScoring, Scorer
from models.scoring.targets import SENTIMENT, targets
from models.snapshot import Snapshot, encode
from models.topics.analyser import Analyser
from models.training import Trainer

MASK = FieldMask(Masker(Finder(), {}, Keyring({1: bytes(32)}, 1)))
NOW_MS = 1_760_000_000_000
SURVEYS = (
    ("nps", (0, 3, 6), (7, 8), (9, 10)),
    ("csat", (1, 2), (3,), (4, 5)),
    ("stars", (1, 2), (3,), (4, 5)),
    ("thumbs", (0,), (), (1,)),
    ("percent", (0, 40), (50,), (60, 100)),
)
PLAIN = "配送用的是蓝色盒子"
"""Says neither good nor bad: what the model comes to think of it, it has from the labels."""


class Line:
    """Intake and score over one partition, and a learner behind them."""

    def __init__(self) -> None:
        self.models, self.trainer = ModelSet(), Trainer(SENTIMENT)
        self.scorer = Scorer(self.models, Analyser())
        self.partition = PartitionScoring(ClusterIndex(64), DelayedLabels(targets(30), limit=2, spacing=1.0))
        self.memory = CustomerMemory(None, 604_800.0)
        self.said = 0

    def says(self, text: str = PLAIN, **fields: Any) -> list[dict[str, Any]]:
        """Send a survey's answer; return the examples of sentiment it gave, already learned."""
        event = {"id": f"s{self.said}", "channel": "survey", "customer_id": "c", "lang": "zh", **fields}
        event["text"] = f"{text}{self.said}"  # same words again are a duplicate, which teaches nothing
        return self._through(Admission(MASK, Links()).step, event)

    def corrects(self, feedback: str, value: object) -> list[dict[str, Any]]:
        """Send a person's correction to `labels`."""
        label = {"feedback_id": feedback, "customer_id": "c", "model": SENTIMENT, "value": value}
        return self._through(FactAdmission("label", MASK).step, label)

    def _through(self, admit: Any, event: dict[str, Any]) -> list[dict[str, Any]]:
        admitted = admit(json.dumps(event).encode(), ("feedback.raw", 0, self.said), NOW_MS + self.said)
        assert isinstance(admitted, Emit)
        scored = self.scorer.step(admitted.value, self.memory, self.partition)
        if isinstance(scored, DeadLetter):
            return []
        assert isinstance(scored, Emit)
        examples = [example for model, example in scored.value.examples if model == SENTIMENT]
        for example in examples:
            self.trainer.step({**example, "from": [0, self.said, 0]}, self.said, 0.0)
        self.said += 1
        return examples

    def polarity(self) -> float:
        """Take a snapshot into use, as a worker does; return what it says of the plain text."""
        state = self.trainer.state()
        self.models.install(encode(Snapshot(SENTIMENT, self.said, self.said, 0.0, "", state)))
        return self.models.sentiment.predict(PLAIN, "zh").polarity


@pytest.fixture(scope="module")
def line() -> Line:
    return Line()


@pytest.mark.parametrize(("scale", "low", "middle", "high"), SURVEYS)
def test_every_scale_gives_the_same_labels(
    line: Line, scale: str, low: tuple[int, ...], middle: tuple[int, ...], high: tuple[int, ...]
) -> None:
    for ratings, label in ((low, [0.0]), (middle, []), (high, [1.0])):
        for rating in ratings:
            assert [one["label"] for one in line.says(rating=rating, scale=scale)] == label


def test_nps_and_csat_move_the_model_that_serves() -> None:
    line = Line()
    before = line.polarity()
    for scale, bad in (("nps", 2), ("csat", 1)) * 20:
        line.says(rating=bad, scale=scale)
    worse = line.polarity()
    assert worse < before - 0.3
    for scale, good in (("nps", 10), ("csat", 5)) * 60:
        line.says(rating=good, scale=scale)
    assert line.polarity() > worse + 0.3


def test_a_persons_correction_weighs_five_answers_and_stands_on_the_models_own_scale() -> None:
    line, rated = Line(), Line()
    for one in (line, rated):
        one.says()
    (example,) = line.corrects("s0", -1.0)
    assert (example["label"], example["correction"]) == (0.0, True)
    rated.says(rating=1, scale="csat")
    assert line.polarity() < rated.polarity()
    assert [one["label"] for one in line.corrects("s0", 0.5)] == [0.75]
    assert line.corrects("s0", 3.0) == line.corrects("nobody said this", 1.0) == []
