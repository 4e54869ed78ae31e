"""The demo as a function and as a command: every event accounted for, nothing left behind."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from databases import running_store
from test_dashboards_store import ASKED, filled, one_rule

from ops.demo.examples import example_records
from ops.demo.run import Options, run
from sinks.clickhouse import connect
from streams.topics import FEEDBACK_RAW

EVENTS = 1_200
"""Enough for 54 customers in the largest praise; its panel shows none under 20, and 400 gave 18 or 21."""
RARE = {
    "What comes before churn", "Day by day, always valid", "Was it worth the money", "Ramps",
    "Changes of rules", "Guardrails and rule alerts", "SLA alerts", "Drift alerts",
}  # fmt: skip
"""Panels of what a thousand events need not have; `test_dashboards_store` fills these too."""


class Silent:
    """Progress nobody looks at."""

    def say(self, text: str) -> None:
        pass

    def at(self, done: int, total: int, rate: float, lag: int) -> None:
        pass


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    data = tmp_path_factory.mktemp("demo")
    return asyncio.run(run(Options(events=EVENTS, seed=3, workers=1, data=data), Silent())), data


def test_a_small_world_is_played_to_the_end(played: tuple[dict[str, Any], Path]) -> None:
    report, _ = played
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


def test_dashboards_show_the_store_that_the_demo_filled(played: tuple[dict[str, Any], Path]) -> None:
    with running_store(path=played[1] / "store", readers={"hark_reader": "made-up"}) as store:
        client = connect(store.url, "hark_reader", "made-up", "hark")
        most_acted = "SELECT topK(1)(rule_id)[1] FROM decisions WHERE arm = 'acted'"
        (rule,), (since,) = (
            client.query(sql).result_rows[0] for sql in (most_acted, "SELECT min(occurred_at) FROM feedback")
        )
        period = {"from": since, "to": int(time.time() * 1000) + 60_000}
        empty = {
            panel["title"]
            for panel, target in ASKED
            if not client.query(
                filled(target["rawSql"], rule if one_rule(panel) else "every rule", **period)
            ).result_rows
        }
        client.close()
    assert empty <= RARE


def test_a_missing_broker_is_one_sentence_and_no_traceback() -> None:
    command = [sys.executable, "-m", "ops.cli", "topics", "apply", "--broker", "127.0.0.1:1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("hark: no Kafka broker answers") and "Traceback" not in done.stderr
