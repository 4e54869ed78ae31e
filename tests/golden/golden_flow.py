"""The examples of `tests/examples` through the real steps of intake, score and decide, without Kafka."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from memory_broker import Record

from models.churn.delayed import DelayedLabels
from models.clock import VirtualClock
from models.identity import Links
from models.intake import Admission, FactAdmission, FieldMask, LinkAdmission
from models.near_duplicate import ClusterIndex
from models.pii import Finder, Masker
from models.pii.keyring import Keyring
from models.scoring.model_set import ModelSet
from models.scoring.scorer import Scorer
from models.scoring.targets import targets
from models.topics.analyser import Analyser
from ops.docgen.examples import Example, read_examples
from rules.engine import Engine
from rules.limits import Limits
from streams.agents.decide import DecideStep
from streams.agents.intake import IntakeStep
from streams.agents.score import ScoreStep
from streams.catalog import shipped_catalog
from streams.codec import Header, dumps, loads
from streams.dead_letters import FloodGuard
from streams.outbox import Layout, Outbox
from streams.state import PartitionState
from streams.step import Slice, Step
from streams.topics import (
    CATALOG,
    CUSTOMER_EVENTS,
    CUSTOMER_LINKS,
    FEEDBACK_MASKED,
    FEEDBACK_RAW,
    FEEDBACK_SCORED,
    LABELS,
    OUTCOMES,
)

EXAMPLES = Path(__file__).parent.parent / "examples"
APPENDED_MS = 1_773_813_600_000
"""2026-03-18 06:00 UTC: the clock of every agent, and the append of examples that state no time."""

TRANSIT_MS = 2000
"""From when an example happened to its append."""

TRACEPARENT: Header = ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
LATE = "late_event"
INPUTS = (CUSTOMER_EVENTS, CUSTOMER_LINKS, FEEDBACK_RAW, LABELS, OUTCOMES)


@dataclass
class Log:
    """Everything written to the topics, in order; every topic has one partition."""

    records: dict[str, list[Record]] = field(default_factory=dict)

    def take(self, out: Outbox) -> int:
        """Append what a slice wrote; returns the number of records."""
        for (topic, _), rows in out.batches().items():
            log = self.records.setdefault(topic, [])
            for key, value, headers in rows:
                assert value is not None
                log.append(Record(len(log), value, key, APPENDED_MS, tuple(headers)))
        return len(out)

    def values(self, topic: str) -> list[dict[str, Any]]:
        """Return the decoded values of a topic."""
        return [loads(record.value) for record in self.records.get(topic, ())]


@cache
def models() -> ModelSet:
    """Return the models as shipped; scoring does not change them."""
    return ModelSet()


class Flow:
    """Intake, score and decide over one partition, with fresh state and the shipped models and rules."""

    def __init__(self) -> None:
        self.log = Log()
        clock = VirtualClock(APPENDED_MS / 1000.0)
        self._layout = Layout({topic.name: 1 for topic in CATALOG})
        mask, links = FieldMask(Masker(Finder(), {}, Keyring({1: bytes(32)}, 1))), Links()
        self._links = LinkAdmission(mask, links)
        facts = {
            CUSTOMER_EVENTS: FactAdmission("customer", mask).step,
            OUTCOMES: FactAdmission("outcome", mask).step,
            LABELS: FactAdmission("label", mask).step,
            CUSTOMER_LINKS: self._links.step,
        }
        self._intake = IntakeStep(Admission(mask, links), facts, FloodGuard(1.0), clock)
        self._score = ScoreStep(
            Scorer(models(), Analyser()), clock, 7 * 86_400.0,
            lambda entries: DelayedLabels(targets(30.0), entries, limit=2, spacing=3 * 86_400.0),
            lambda: ClusterIndex(4096),
        )  # fmt: skip
        self._decide = DecideStep(Engine(shipped_catalog(None), Limits(salt="golden")), 1, clock)
        self._states = {"score": PartitionState(0), "decide": PartitionState(0)}
        self._score.open(self._states["score"])
        self._decide.open(self._states["decide"])

    def intake(self, topic: str, records: Sequence[Record]) -> int:
        """Admit records of an input topic; returns how many records were written."""
        for record in records if topic == CUSTOMER_LINKS else ():
            # Workers read this topic twice: as a broadcast that changes who is meant, and as a log.
            self._links.apply(record.key, record.value)
        return self._step(self._intake, Slice(topic, 0, records, None))

    def score(self, records: Sequence[Record]) -> int:
        """Score records of `feedback.masked`."""
        return self._step(self._score, Slice(FEEDBACK_MASKED, 0, records, self._states["score"]))

    def decide(self, records: Sequence[Record]) -> int:
        """Put records of `feedback.scored` before the rules."""
        return self._step(self._decide, Slice(FEEDBACK_SCORED, 0, records, self._states["decide"]))

    def _step(self, step: Step, piece: Slice) -> int:
        out = Outbox(self._layout)
        if piece.state is not None:
            piece.state.begin()
        step.process(piece, out)
        if piece.state is not None:
            piece.state.commit()
        return self.log.take(out)


def published(topic: str) -> list[tuple[Example, Record]]:
    """Return a topic's examples as producers would have published them, in the order of the appends."""
    examples = read_examples(EXAMPLES)[topic]
    ordered = sorted((_appended(example), example.case, example) for example in examples)
    return [
        (
            example,
            Record(offset, dumps(example.value), _key(example), appended, (TRACEPARENT,)),
        )
        for offset, (appended, _, example) in enumerate(ordered)
    ]


def _key(example: Example) -> bytes | None:
    return example.key.encode() if example.key else None


def _appended(example: Example) -> int:
    stated = example.value.get("occurred_at")
    if stated is None or example.case == LATE:
        return APPENDED_MS
    if isinstance(stated, int):
        return stated + TRANSIT_MS
    moment = datetime.fromisoformat(stated)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000) + TRANSIT_MS


def run_examples(copies: int = 1, cut: int = 1000) -> Flow:
    """Send every example of the input topics through the three agents.

    Parameters
    ----------
    copies
        How often producers send everything.
    cut
        Most records in a slice of score and decide.
    """
    flow = Flow()
    arrivals = [(record.timestamp, topic, record) for topic in INPUTS for _, record in published(topic)]
    arrivals.sort(key=lambda arrival: (arrival[0], arrival[1], arrival[2].offset))
    for copy in range(copies):
        for _, topic, record in arrivals:
            again = replace(record, offset=record.offset + copy * len(arrivals))
            flow.intake(topic, [again])
    for start in range(0, len(flow.log.records[FEEDBACK_MASKED]), cut):
        flow.score(flow.log.records[FEEDBACK_MASKED][start : start + cut])
    for start in range(0, len(flow.log.records[FEEDBACK_SCORED]), cut):
        flow.decide(flow.log.records[FEEDBACK_SCORED][start : start + cut])
    return flow
