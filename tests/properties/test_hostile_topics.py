"""Every topic read, with records nobody should send: no exception escapes, and none blocks what follows."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from aiokafka import TopicPartition
from hostile_records import hostile
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_broker import MemoryChangelog, MemoryProducer, Record

from models.clock import VirtualClock
from models.scoring.model_set import ModelSet
from ops.docgen.examples import read_examples
from rules.engine import Engine
from rules.limits import Limits
from streams.agents.learn import Learn
from streams.catalog import LiveCatalog, shipped_catalog
from streams.codec import dumps, loads
from streams.issues import LiveIssues
from streams.outbox import Layout
from streams.pipeline import AGENTS
from streams.polls import Fetched
from streams.runner import SliceRunner
from streams.runtime import Runtime
from streams.settings import Settings
from streams.snapshots import SnapshotShelf
from streams.tags import LiveTags
from streams.topics import (
    ACTION_STATUS,
    CATALOG,
    CUSTOMER_LINKS,
    DEAD_LETTERS,
    EXAMPLES,
    FEEDBACK_SCORED,
    ISSUES,
    OBSERVED,
    RULES_CATALOG,
    TOPIC_TAGS,
)

NOW_S = 1_773_813_600.0
"""The time of the examples."""

SLICED = ("intake", "score", "decide", "follow_up")
ELSEWHERE = (("intake", CUSTOMER_LINKS), ("intake", ACTION_STATUS), ("follow_up", FEEDBACK_SCORED))
"""A link may be taken back by no value; of two agents that read a topic, the other one makes dead letters."""

KEYS = (b"cust-1", None, b"", b"\xff", b"a/b/c")
EACH = settings(max_examples=60)


@cache
def good(topic: str) -> list[dict[str, Any]]:
    """Return what a topic really holds; where no file has examples of it, feedback."""
    held = read_examples(Path(__file__).parent.parent / "examples")
    return [example.value for example in held.get(topic, held["feedback.raw"])]


class Agent:
    """A runner of the pipeline over logs in memory, kept for all histories: what one left must not harm."""

    def __init__(self, name: str) -> None:
        self.run = run = Runtime(
            Settings.model_validate({"pii_keys": "00" * 32, "partitions": 1, "dead_letter_limit": 1.0}),
            VirtualClock(NOW_S),
            "hostile",
        )
        run.layout = Layout({topic.name: 1 for topic in CATALOG})
        built: Any
        self.topics, built = AGENTS[name](run)
        assert isinstance(built, SliceRunner)
        self.producer = built._producer = MemoryProducer()
        if built.stateful:
            built._changelog = MemoryChangelog()
        self.runner = built
        self.ends: Counter[str] = Counter()

    def record(self, topic: str, value: bytes | None, key: bytes | None) -> Record:
        self.ends[topic] += 1
        return Record(self.ends[topic] - 1, value, key, int(NOW_S * 1000))

    def buried(self) -> set[tuple[str, int]]:
        return {(dead["topic"], dead["offset"]) for dead in self.producer.values(DEAD_LETTERS)}


@cache
def agent(name: str) -> Agent:
    async def make() -> Agent:
        made = Agent(name)
        await made.run.producer.stop()
        return made

    return asyncio.run(make())


@pytest.mark.parametrize("name", SLICED)
@EACH
@given(rng=st.randoms(use_true_random=False))
def test_a_hostile_slice_ends_and_the_next_good_record_is_no_dead_letter(name: str, rng: Random) -> None:
    one = agent(name)
    topic = rng.choice(one.topics)
    values = [hostile(good(topic), rng) for _ in range(rng.randint(1, 4))]
    records = [one.record(topic, value, rng.choice(KEYS)) for value in values]
    asyncio.run(one.runner.run(topic, 0, records))
    after = one.record(topic, dumps(good(topic)[0]), b"cust-1")
    asyncio.run(one.runner.run(topic, 0, [after]))
    buried = one.buried()
    if (name, topic) not in ELSEWHERE:
        spoiled = {(topic, record.offset) for record in records if not is_object(record.value or b"")}
        assert spoiled <= buried
    assert (topic, after.offset) not in buried


def is_object(value: bytes) -> bool:
    try:
        return isinstance(loads(value), dict)
    except ValueError:
        return False


@settings(max_examples=15)
@given(rng=st.randoms(use_true_random=False))
def test_learners_pass_over_what_is_no_example_and_ack_it(rng: Random) -> None:
    async def scenario() -> None:
        log, shelf = MemoryProducer(), SnapshotShelf()
        learn = Learn(
            shelf, log, Layout({EXAMPLES: 8}), VirtualClock(NOW_S), 2.0,
            automatic=True, tags=LiveTags(lambda call: None), earlier=nobody,
        )  # fmt: skip
        learn.assigned(range(8))
        taken = []
        for partition in range(OBSERVED + 2):
            values = [hostile(good(EXAMPLES), rng) for _ in range(3)]
            records = [Record(at, value, b"k", int(NOW_S * 1000)) for at, value in enumerate(values)]
            taken.append(Fetched(TopicPartition(EXAMPLES, partition), records, lambda: None))
        await learn.take(taken, lambda: True)
        await learn.publish(pauses=False)
        assert all(one.acked for one in taken)

    asyncio.run(scenario())


async def nobody(model: str, version: int) -> None:
    return None


@EACH
@given(rng=st.randoms(use_true_random=False))
def test_what_every_worker_follows_refuses_what_does_not_fit(rng: Random) -> None:
    tags = LiveTags(lambda call: call())
    catalog = LiveCatalog(Engine(shipped_catalog(None), Limits()))
    shelf = SnapshotShelf()
    shelf.sets.append(models())
    followed = ((TOPIC_TAGS, tags), (ISSUES, LiveIssues()), (RULES_CATALOG, catalog))
    for topic, follower in followed:
        for _ in range(4):
            follower.apply(rng.choice(KEYS), hostile(good(topic), rng))
    key = rng.choice((b"sentiment/a/0", b"churn/b/1", b"nobody/a/0", *KEYS))
    asyncio.run(shelf.apply(key, hostile([], rng)))
    assert shelf.newest("sentiment") is None
    assert len(catalog._engine.catalog.rules) == len(shipped_catalog(None).rules)


@cache
def models() -> ModelSet:
    return ModelSet()
