"""Shifts put into the simulator are found in time, and nothing is found where there is none."""

from __future__ import annotations

import json

import typer
from typer.testing import CliRunner

from ops.evaluation.watch import START_MS, run, said, watch
from ops.simulator.shift import Shift
from ops.simulator.world import World


def test_drift_is_found_within_300_labels_and_an_outbreak_within_the_hour() -> None:
    found = run(seeds=3, feedback=8_000)
    assert found["drift"]["median_labelled_events"] <= 300
    assert found["drift"]["missed"] == found["drift"]["early_alarms"] == 0
    assert found["outbreaks"]["missed"] == 0 and found["outbreaks"]["longest"] <= 1.0
    assert found["outbreaks"]["false_alarms_a_week"] <= 1.0


def test_up_to_the_shift_it_is_the_world_without() -> None:
    worlds = [None, Shift("irony", 6), Shift("outbreak", 6, hour=5, voices=30)]
    plain, ironic, outbreak = (list(said(World(7, 1500, START_MS, 8, shift=shift))) for shift in worlds)
    before = [event for day, event in plain if day < 6]
    assert len(before) > 500
    for other in (ironic, outbreak):
        assert [event for day, event in other if day < 6] == before
    told = [event for day, event in outbreak if "裂开" in event["text"] or "crack" in event["text"]]
    new = [event for event in told if event not in before]
    hours = {(event["occurred_at"] - START_MS) // 3_600_000 for event in new}
    assert len(new) >= 30 and {6 * 24 + 5, 6 * 24 + 6, 6 * 24 + 7} <= hours


def test_the_command_prints_one_json_object() -> None:
    app = typer.Typer()
    app.command()(watch)
    told = CliRunner().invoke(app, ["--seeds", "1", "--feedback", "3000", "--quiet", "1500", "--json"])
    assert told.exit_code == 0, told.output
    found = json.loads(told.output)
    assert found["worlds"] == 1 and found["drift"]["false_alarms"] == 0
    assert set(found["outbreaks"]) == {"median_hours", "longest", "missed", "false_alarms_a_week"}
