"""The benchmark's own arithmetic: what it counts, how it compares, what it prints."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from io import StringIO
from pathlib import Path
from typing import Any, cast

import pytest
from aiokafka.errors import KafkaTimeoutError
from rich.console import Console

from ops.bench import machine
from ops.bench.capacity import RATES, Costs, costs_of, hot_rate, plan
from ops.bench.cluster import BenchCluster, Volume
from ops.bench.compare import sample
from ops.bench.peers import ordinary_learning as learning
from ops.bench.peers.meter import Meter
from ops.bench.pipeline import pages
from ops.bench.run import scaling
from ops.bench.state_load import clones
from ops.bench.steps import Steps
from ops.bench.table import show, show_peers
from ops.bench.take_over import spread
from ops.bench.traffic import Publisher, mix
from ops.embedded.process import Child, EmbeddedError
from ops.simulator.world import Produced


def test_steps_account_for_every_record() -> None:
    async def through() -> Steps:
        steps = Steps(2, 200)
        beginning, days = mix(60)
        steps.feed([*beginning, *days])
        await steps.close()
        return steps

    steps = asyncio.run(through())
    out, costs = steps.outputs, steps.costs
    assert out["feedback.masked"] + out["dead.letters"] == costs.events > costs.feedback > 0
    assert out["feedback.scored"] <= out["feedback.masked"] and out["decisions"] > 0
    assert set(costs.seconds) == {"intake", "score", "decide", "follow_up", "wire", "learn"}
    assert costs.us_per_event == pytest.approx(sum(costs.stages().values()), abs=0.1)


def test_spread_customers_keep_their_records_together() -> None:
    records = [
        Produced("t", b"cust-00000%d" % n, b'{"customer_id":"cust-00000%d","occurred_at":%d}' % (n, at))
        for n, at in ((0, 5_000), (1, 7_000), (2, 9_000), (1, 25_000))
    ]
    moved = spread(records, 3000, 3)
    assert [json.loads(r.value)["occurred_at"] for r in moved] == [25_000, 25_002, 25_004, 25_020]
    assert [r.key for r in moved] == [b"cust-0000000", b"cust-0001000", b"cust-0002000", b"cust-0001000"]
    assert all(r.key is not None and r.key in r.value for r in moved)


def test_clones_take_states_in_turn() -> None:
    found = list(clones({"score": [{b"c:": b"1", b"w:": b"2"}, {b"c:": b"3"}]}, 3))
    assert Counter(value for _, _, value in found) == {b"1": 2, b"2": 2, b"3": 1}
    assert len({key for _, key, _ in found}) == len(found)


@pytest.mark.parametrize(
    ("one", "two", "wanted"),
    [
        ({"cpu_us_per_event": 100.0}, {"cpu_us_per_event": 125.0, "pinned": False}, 1.6),
        (
            {"cpu_us_per_event": 1.0, "events_per_second": 10.0},
            {"cpu_us_per_event": 9.0, "events_per_second": 18.0, "pinned": True},
            1.8,
        ),
        ({}, {"cpu_us_per_event": 1.0}, None),
    ],
)
def test_scaling(one: dict[str, float], two: dict[str, float], wanted: float | None) -> None:
    assert scaling(one, two) == wanted


def test_processor_time_and_memory_of_this_process() -> None:
    before = machine.cpu_seconds(os.getpid())
    assert machine.speed() > 0
    assert machine.cpu_seconds(os.getpid()) >= before
    assert machine.rss_mb(os.getpid()) > 10


@pytest.mark.parametrize("kafka", [True, False])
def test_a_measured_worker_has_its_core(kafka: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cores, nap = os.sched_getaffinity(0), [sys.executable, "-c", "input()"]
    with (
        subprocess.Popen(nap, stdin=subprocess.PIPE) as worker,
        subprocess.Popen(nap, stdin=subprocess.PIPE) as broker,
    ):
        try:
            assert set(machine.family(os.getpid())) >= {os.getpid(), worker.pid, broker.pid}
            monkeypatch.setattr(BenchCluster, "worker_pids", [worker.pid])
            with BenchCluster(1, kafka, data=tmp_path).pinned() as pinned:
                bound = [os.sched_getaffinity(pid) for pid in (worker.pid, broker.pid, os.getpid())]
            assert os.sched_getaffinity(broker.pid) == os.sched_getaffinity(0) == cores
        finally:
            worker.communicate(b"\n")
            broker.communicate(b"\n")
    assert pinned == (len(cores) > 1)
    others = cores - {max(cores)} if kafka and pinned else cores
    assert bound == [{max(cores)} if pinned else cores, others, others]


def test_a_worker_that_ends_ends_the_measurement_and_its_log_stays(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def run() -> None:
        cluster = BenchCluster(1, data=tmp_path)
        cluster.failure = asyncio.get_running_loop().create_future()
        worker = Child("worker 1", [sys.executable, "-c", "raise SystemExit('no')"], tmp_path / "worker.log")
        async with worker:
            cluster.check()
            await cluster._supervise(worker)
            with pytest.raises(EmbeddedError, match="worker 1 ended by itself with status 1; its log"):
                await pages(cluster)
        assert [path.read_text() for path in tmp_path.glob("hark-bench-worker-*.log")] == ["no\n"]

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    asyncio.run(run())


class Broker:
    """Takes batches until it refuses them."""

    refuses = False

    def create_batch(self) -> Broker:
        return self

    def append(self, **_: object) -> bool:
        return True

    async def send_batch(self, *_: object, **__: object) -> asyncio.Future[None]:
        if self.refuses:
            raise KafkaTimeoutError
        sent = asyncio.get_running_loop().create_future()
        sent.set_result(None)
        return sent


def test_what_the_broker_refuses_ends_the_publishing() -> None:
    async def run() -> None:
        broker = Broker()
        publisher = Publisher(cast(Any, broker), 2)
        await publisher.paced([Produced("in", b"k", b"{}")] * 5, 1_000.0)
        assert publisher.logged == 5
        broker.refuses = True
        with pytest.raises(KafkaTimeoutError):
            await publisher.paced([Produced("in", b"k", b"{}")] * 500, 1_000.0)

    asyncio.run(run())


def test_a_meter_reports_to_the_real_output_even_when_another_stands_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = StringIO()
    monkeypatch.setattr("sys.__stdout__", real)
    meter = Meter(3)
    assert not meter.add(2) and meter.add()
    meter.report(note="x")
    assert json.loads(real.getvalue())["events"] == 3


def test_a_part_within_a_part_counts_once_and_all_parts_make_the_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real, ticks = StringIO(), iter((0.0, 1.0, 2.0, 5.0, 9.0, 10.0, 10.0))
    monkeypatch.setattr("sys.__stdout__", real)
    monkeypatch.setattr("ops.bench.peers.meter.time.process_time", lambda: next(ticks))
    meter = Meter(4)
    meter.add(4)
    with meter.part("masking"), meter.part("names"):
        pass
    meter.report_parts(2)
    told = json.loads(real.getvalue())
    assert told["feedback"] == 2 and told["cpu_us_per_event"] == 2.5e6
    assert told["parts_us_per_feedback"] == {"names": 1.5e6, "masking": 2.5e6, "rest": 1e6}


def test_the_ordinary_peer_learns_at_the_horizon_what_came_of_a_score() -> None:
    day, profile = 86_400.0, {"negatives": [0.0]}
    waiting: list[dict[str, Any]] = []
    learning.note(profile, "feedback", 0.0, 0.0)
    learning.note(profile, "purchase", 30.0, day)
    x = learning.features(profile, -0.5, 2 * day)
    assert (x["feedback"], x["purchase"], x["negatives"], x["spend"], x["tenure"]) == (1, 1, 1, 30, 2)
    found = learning.chances(x)
    assert found == {"churn": 0.5, "purchase": 0.5, "feature_adoption": 0.5}
    assert learning.keep(waiting, 2 * day, x, found)
    assert not learning.keep(waiting, 8 * day, x, found)
    assert learning.happened(waiting, "churned", 12 * day)
    assert not learning.happened(waiting, "purchase", 12 * day)
    assert not learning.happened(waiting, "retained", 12 * day)
    assert learning.learn(waiting[0]) == {"churn": False, "purchase": True, "feature_adoption": True}
    after = learning.chances(x)
    assert after["churn"] > 0.5 > after["purchase"]


def test_the_ordinary_peer_watches_errors() -> None:
    told = [learning.watch({"churn": i % 10 < (1 if i < 1000 else 6)}) for i in range(2000)]
    first = next(i for i, names in enumerate(told) if names == ["churn"])
    assert 1000 < first < 1200


def test_a_sample_has_customers_whole_and_its_share_of_what_names_none() -> None:
    records = [Produced("t", b"c%d" % (n % 100), b"%d" % n) for n in range(1000)]
    nameless = [Produced("t", None, b"%d" % n) for n in range(1000)]
    found = sample([*records, *nameless])
    assert set(Counter(record.key for record in found if record.key).values()) == {10}
    assert 120 < sum(record.key is None for record in found) < 220


def test_both_ways_of_the_ordinary_peer_are_compared_and_told_part_by_part() -> None:
    both = {
        "ordinary_faust": {"cpu_us_per_event": 9.0, "parts_us_per_feedback": {"names": 5.0, "rest": 4.0}},
        "ordinary_faust_less": {"cpu_us_per_event": 4.0, "parts_us_per_feedback": {"rest": 4.0}},
        "quix": {"skipped": "not installed"},
    }
    console = Console(record=True, width=120, file=StringIO())
    show_peers(both, console)
    lines = [line.split() for line in console.export_text().splitlines()]
    assert ["│", "names", "│", "5.0", "│", "–", "│"] in lines
    assert ["│", "rest", "│", "4.0", "│", "4.0", "│"] in lines


def test_a_report_with_parts_missing_is_shown() -> None:
    console = Console(record=True, width=120, file=StringIO())
    report = {
        "machine": machine.describe(), "stack": "embedded", "seconds": 1.0, "pipeline": {},
        "scaling_2_workers": None, "peers": {"quix": {"skipped": "not installed"}}, "customers": [{}],
        "skipped": {"quix": "not installed"}, "versions": {"aiokafka": "0.1"},
        "command": "hark bench --quick",
    }  # fmt: skip
    show(report, console)
    text = console.export_text()
    assert "skipped quix: not installed" in text
    assert "hark bench --quick" in text and "aiokafka 0.1" in text


def test_a_volume_is_told_an_event_and_what_is_not_known_is_left_out() -> None:
    assert Volume(5_000, 30, 400).since(Volume(1_000, 10, 100), 4) == {
        "topic_bytes": 1_000.0, "stored_rows": 5.0, "stored_bytes": 75.0
    }  # fmt: skip
    assert "topic_bytes" not in Volume(None, 30, 400).since(Volume(None, 10, 100), 4)


def test_a_plan_takes_the_volume_that_was_measured_and_else_the_usual() -> None:
    steps = {"stages": {"intake": 1.0, "score": 3.0, "decide": 2.0, "learn": 5.0}}
    pipeline = {"cpu_us_per_event": 90.0, "in_memory": steps, "volume": {"topic_bytes": 2_000.0}}
    costs = costs_of({"pipeline": pipeline})
    assert costs == Costs(90.0, 3.0, 5.0, wire_bytes=2_000.0)
    twice_the_rows = Costs(90.0, 3.0, 5.0, stored_rows=2 * costs.stored_rows)
    assert plan(RATES[-1], twice_the_rows).shards == 2 * plan(RATES[-1], costs).shards - 1


def test_a_plan_grows_with_the_rate_and_names_the_learner_when_it_is_overrun() -> None:
    costs = Costs(cpu_us=90.0, serial_us=40.0, learn_us=20.0)
    small, middle, large = (plan(rate, costs) for rate in RATES)
    assert small.worker_cores < middle.worker_cores < large.worker_cores == 150
    assert small.partitions <= middle.partitions < large.partitions
    assert small.first == "worker cores" and "learner" in large.first
    assert hot_rate(costs) == pytest.approx(15_000.0)
