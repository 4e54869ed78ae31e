"""The learn agent over a log in memory: snapshots, acks, orders, challengers' alerts, restarts."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

from aiokafka import TopicPartition
from memory_broker import MemoryProducer, Record

from models.clock import VirtualClock
from models.scoring.model_set import ModelSet
from models.scoring.targets import MODELS
from models.snapshot import decode, encode
from streams.agents.learn import Learn
from streams.codec import dumps
from streams.history import held
from streams.outbox import Layout
from streams.polls import Fetched
from streams.snapshots import SnapshotShelf
from streams.tags import LiveTags
from streams.topics import ALERTS, EXAMPLES, HISTORY, MODEL_METRICS, OBSERVED, SNAPSHOTS, TOPIC_TAGS

GOOD = ("很好用", "喜欢", "物流很快", "great", "love it")
BAD = ("老是卡", "退款", "客服不理人", "awful", "broken")


class Bench:
    """One learner process over a log that outlives it."""

    def __init__(self, log: MemoryProducer, clock: VirtualClock, automatic: bool = True) -> None:
        self.log, self.clock = log, clock
        self.shelf, self.models = SnapshotShelf(), ModelSet()
        self.shelf.sets.append(self.models)
        self.tags = LiveTags(lambda call: call())
        self.seen = 0
        self.learn = Learn(
            self.shelf, log, Layout({EXAMPLES: 8}), clock, 2.0,
            automatic=automatic, tags=self.tags, earlier=self.earlier,
        )  # fmt: skip
        self.learn.assigned(range(8))

    async def earlier(self, model: str, version: int) -> Any:
        snapshots = [decode(data) for data in held(self.log.pairs(HISTORY)).values()]
        return next((s for s in snapshots if (s.model, s.version) == (model, version)), None)

    async def follow(self) -> None:
        records = self.log.pairs(SNAPSHOTS)
        for key, value in records[self.seen :]:
            await self.shelf.apply(key, value)
        self.seen = len(records)

    async def take(
        self, model: str, values: list[Any], first: int, owned: Callable[[], bool] = lambda: True
    ) -> Fetched:
        partition = OBSERVED if model == "inputs" else MODELS.index(model)
        records = [
            Record(first + n, dumps(value), timestamp=1_000_000 + 1000 * (first + n))
            for n, value in enumerate(values)
        ]
        one = Fetched(TopicPartition(EXAMPLES, partition), records, lambda: None)
        await self.learn.take([one], owned)
        return one

    async def publish(self) -> None:
        await self.learn.publish()
        await self.follow()


async def opened(log: MemoryProducer, clock: VirtualClock, automatic: bool = True) -> Bench:
    """Return a learner process that has read the snapshots there are."""
    bench = Bench(log, clock, automatic)
    await bench.follow()
    return bench


def examples(n: int, turned: int) -> list[dict[str, Any]]:
    found = []
    for number in range(n):
        rng = random.Random(number)
        good = rng.random() < 0.5
        text = " ".join(rng.sample(GOOD if good is (number < turned) else BAD, 2))
        found.append({"from": [0, number, 0], "text": text, "lang": "zh", "label": float(good)})
    return found


def play(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scenario)


def test_a_slice_is_acked_when_a_snapshot_contains_it_and_scorers_serve_it() -> None:
    async def scenario() -> None:
        bench = await opened(MemoryProducer(), VirtualClock(1000.0))
        event = await bench.take("sentiment", examples(60, 60), 0)
        assert not event.acked
        before = bench.models.sentiment.predict("老是卡 退款", "zh").polarity
        await bench.publish()
        assert event.acked
        assert bench.models.versions()["sentiment"] == 1
        assert bench.models.sentiment.predict("老是卡 退款", "zh").polarity < before
        (metric,) = bench.log.values(MODEL_METRICS)
        assert (metric["role"], metric["n"], metric["version"]) == ("champion", 60, 1)

    play(scenario())


def test_models_publish_by_turns_the_one_whose_snapshot_is_oldest_first() -> None:
    async def scenario() -> None:
        clock = VirtualClock(1000.0)
        bench = await opened(MemoryProducer(), clock)
        label = {"from": [0, 0, 0], "x": {"a": 1.0}, "y": True}

        async def turn() -> list[str]:
            before = bench.shelf.versions()
            await bench.learn.publish(one=True)
            await bench.follow()
            return [name for name, v in bench.shelf.versions().items() if v != before.get(name)]

        async def heard(number: int) -> None:
            await bench.take("inputs", [{"from": [0, number, 0], "at": 0, "seen": []}], number)
            for name in ("sentiment", "churn", "purchase"):
                await bench.take(name, examples(1, 1) if name == "sentiment" else [label], number)

        await heard(0)
        first = [await turn() for _ in range(5)]
        assert [len(names) for names in first] == [1, 1, 1, 1, 0]
        assert {name for names in first for name in names} == {"inputs", "sentiment", "churn", "purchase"}
        await heard(1)
        assert await turn() == []  # none is two seconds old
        clock.advance(2.0)
        again = [await turn() for _ in range(4)]
        assert sorted(name for names in again for name in names) == ["churn", "purchase", "sentiment"]
        assert again[-1] == []  # the observer keeps to its longer pause, and holds nobody up
        clock.advance(15.0)
        assert await turn() == ["inputs"]

    play(scenario())


def test_no_snapshot_is_written_for_another_owner_and_none_held_back_by_a_clock_set_back() -> None:
    async def scenario() -> None:
        bench = await opened(MemoryProducer(), clock := VirtualClock(1_000_000.0))
        taken = await bench.take("sentiment", examples(3, 3), 0, owned=lambda: False)
        await bench.publish()
        assert (bench.log.on(SNAPSHOTS), taken.acked) == ([], False)
        bench.learn.assigned(range(8))
        for first in range(2):
            taken = await bench.take("sentiment", examples(1, 1), first)
            await bench.learn.publish(one=True)
            assert taken.acked
            clock._now -= 2 * 86_400.0

    play(scenario())


def test_a_killed_learner_goes_on_from_its_snapshot_and_ends_identical() -> None:
    async def scenario() -> None:
        stream = examples(300, 150)
        never = await opened(MemoryProducer(), VirtualClock(1000.0))
        await never.take("sentiment", stream, 0)
        await never.publish()
        log = MemoryProducer()
        first = await opened(log, VirtualClock(1000.0))
        await first.take("sentiment", stream[:100], 0)
        await first.publish()
        await first.take("sentiment", stream[100:180], 100)  # learned, never published: killed here
        second = await opened(log, VirtualClock(1000.0))
        await second.take("sentiment", stream[100:], 100)
        await second.publish()
        ends = [bench.shelf.newest("sentiment") for bench in (never, second)]
        assert ends[0] is not None and ends[1] is not None
        assert ends[0].offset == ends[1].offset == 299
        plain = [encode(type(e)(e.model, 1, e.offset, 0.0, "", e.state)) for e in ends if e]
        assert plain[0] == plain[1]

    play(scenario())


def test_alerts_say_what_was_done_and_a_repeat_tells_the_same_alert() -> None:
    async def scenario() -> None:
        log = MemoryProducer()
        bench = await opened(log, VirtualClock(1000.0))
        stream = examples(1500, 800)
        await bench.take("sentiment", stream, 0)
        told = log.values(ALERTS)
        assert [a["kind"] for a in told[:2]] == ["drift", "model"]
        assert told[0]["done"].startswith("challenger started: learned ")
        assert told[0]["magnitude"] > 0.1 and 1_700_000 <= told[0]["since"] <= 1_900_000
        assert told[1]["subject"] == "sentiment/promoted"
        again = await opened(log, VirtualClock(2000.0))  # nothing was published, so everything comes again
        await again.take("sentiment", stream, 0)
        assert {a["alert_id"] for a in log.values(ALERTS)} == {a["alert_id"] for a in told}

    play(scenario())


def test_rolled_back_to_a_checkpoint_every_worker_serves_it_as_a_new_version() -> None:
    async def scenario() -> None:
        clock = VirtualClock(1000.0)
        bench = await opened(MemoryProducer(), clock)
        await bench.take("sentiment", examples(100, 100), 0)
        await bench.publish()
        said = bench.models.sentiment.predict("退款", "zh")
        await bench.take("sentiment", examples(300, 0)[100:], 100)
        clock.advance(3.0)
        await bench.publish()
        assert bench.models.sentiment.predict("退款", "zh") != said
        order = {"order": {"do": "rollback", "version": 1, "by": "ann"}}
        await bench.take("sentiment", [order], 300)
        await bench.publish()
        # It comes again to the next owner when the commit was lost, and must not be done again.
        await (await opened(bench.log, clock)).take("sentiment", [order], 300)
        assert bench.models.versions()["sentiment"] == 3
        assert bench.models.sentiment.predict("退款", "zh") == said
        (told,) = (a for a in bench.log.values(ALERTS) if a["subject"] == "sentiment/rolled_back")
        assert "version 1 serves again, by ann" in told["message"]

    play(scenario())


def test_checkpoints_are_one_an_hour_and_bounded() -> None:
    async def scenario() -> None:
        clock = VirtualClock(0.0)
        bench = await opened(MemoryProducer(), clock)
        for hour in range(20):
            await bench.take("churn", [{"from": [0, hour, 0], "x": {"a": 1.0}, "y": True}], hour)
            await bench.publish()
            clock.advance(3600.0)
        slots = held(bench.log.pairs(HISTORY))
        versions = sorted(decode(data).version for (_, slot), data in slots.items() if slot[0] == "h")
        assert versions == [15, 16, 17, 18, 19, 20]
        assert sum(slot[0] == "d" for _, slot in slots) == 1

    play(scenario())


def test_a_damaged_snapshot_is_refused_and_the_last_good_one_serves() -> None:
    async def scenario() -> None:
        log = MemoryProducer()
        bench = await opened(log, VirtualClock(1000.0))
        await bench.take("sentiment", examples(50, 50), 0)
        await bench.publish()
        said = bench.models.sentiment.predict("退款", "zh")
        await bench.take("sentiment", examples(90, 0)[50:], 50)
        await bench.learn.publish()
        newest = log.on(SNAPSHOTS)[-1]
        assert newest.value is not None
        log.written[log.written.index(newest)] = newest._replace(value=newest.value[:-9] + bytes(9))
        await bench.follow()
        assert bench.models.versions()["sentiment"] == 1
        assert bench.models.sentiment.predict("退款", "zh") == said
        kept = bench.shelf.newest("sentiment")
        assert kept is not None and kept.version == 1

    play(scenario())


def test_a_burst_becomes_a_suggestion_once() -> None:
    async def scenario() -> None:
        log = MemoryProducer()
        bench = await opened(log, VirtualClock(1000.0))
        rng, observed = random.Random(7), []
        for number in range(5600):
            burst = number >= 5400 and number % 3 == 0
            at = 60.0 * min(number, 5400) + 15.0 * max(0, number - 5400)
            text = "杯盖裂开了" if burst else f"{rng.choice(GOOD)}，{rng.choice(BAD)}"
            who = f"c{rng.randrange(5000)}"
            observed.append(
                [
                    number,
                    int(at * 1000),
                    who,
                    "zh",
                    "app",
                    text,
                    9,
                    False,
                    False,
                    False,
                    f"k{number}",
                    0.1,
                    0.1,
                ]
            )
        slices = [{"from": [0], "seen": observed[i : i + 200]} for i in range(0, len(observed), 200)]
        await bench.take("inputs", slices, 0)
        bursts = [a for a in log.values(ALERTS) if a["kind"] == "burst"]
        suggested = log.values(TOPIC_TAGS)
        assert len(bursts) == len(suggested) == 1
        assert bursts[0]["done"] == f"suggested as tag {suggested[0]['id']}"
        again = await opened(log, VirtualClock(1000.0))
        for key, value in log.pairs(TOPIC_TAGS):
            again.tags.apply(key, value)
        await again.take("inputs", slices, 0)
        assert len(log.values(TOPIC_TAGS)) == 1

    play(scenario())
