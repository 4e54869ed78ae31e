"""The demo as a function and as a command: every event accounted for, nothing left behind."""

import asyncio
import subprocess
import sys

from ops.demo.examples import example_records
from ops.demo.run import Options, run
from streams.topics import FEEDBACK_RAW

EVENTS = 400


class Silent:
    """Progress nobody looks at."""

    def say(self, text: str) -> None:
        pass

    def at(self, done: int, total: int, rate: float, lag: int) -> None:
        pass


def test_a_small_world_is_played_to_the_end() -> None:
    report = asyncio.run(run(Options(events=EVENTS, seed=3, workers=1), Silent()))
    assert report["balanced"] and report["missing"] == 0
    examples = [record for record in example_records(0) if record.topic == FEEDBACK_RAW]
    assert len(examples) > 20
    assert report["scored"] == EVENTS + len(examples)
    assert report["events_in"] == report["scored"] + report["duplicates"] + report["dead_letters"]
    assert report["duplicates"] > 0 and report["dead_letters"] > 0
    assert report["masked"]["PHONE"] > 0
    assert sum(report["actions"].values()) > 0
    assert report["sentiment"]["n"] > 0
    acted = sum(arms.get("acted", 0) for arms in report["decisions"].values())
    assert acted > 0
    assert report["latency_ms"]["p50"] is not None


def test_a_missing_broker_is_one_sentence_and_no_traceback() -> None:
    command = [sys.executable, "-m", "ops.cli", "topics", "apply", "--broker", "127.0.0.1:1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("hark: no Kafka broker answers") and "Traceback" not in done.stderr
