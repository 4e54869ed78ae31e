"""The stack of the tests is chosen by what there is, and the reason is said."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from stack import Choice, choose, docker_answers

from ops.local import asked_for


def chosen(environ: Mapping[str, str], docker: bool = False, lacking: str | None = None) -> Choice:
    return choose(environ, docker=lambda _: docker, lacking=lambda: lacking)


@pytest.mark.parametrize(
    ("environ", "docker", "lacking", "broker", "store", "why"),
    [
        ({}, False, None, "embedded", "embedded", "HARK_TEST_KAFKA is not 1"),
        ({"HARK_TEST_KAFKA": "1"}, False, None, "jars", "embedded", "Java and Maven are there"),
        ({"HARK_TEST_KAFKA": "1"}, False, "no java.", "embedded", "embedded", "no java."),
        ({"HARK_TEST_KAFKA": "1"}, True, None, "container", "container", "Docker engine answers"),
        ({"HARK_TEST_BROKER": "k:9092"}, True, None, "given", "embedded", "only HARK_TEST_BROKER"),
        ({"HARK_TEST_CLICKHOUSE_URL": "http://c:8123"}, True, None, "embedded", "given", "only HARK_TEST"),
        (
            {"HARK_TEST_BROKER": "k:9092", "HARK_TEST_CLICKHOUSE_URL": "http://c:8123"},
            True, None, "given", "given", "are set",
        ),
    ],
)  # fmt: skip
def test_what_is_chosen_and_why(
    environ: dict[str, str], docker: bool, lacking: str | None, broker: str, store: str, why: str
) -> None:
    choice = chosen(environ, docker, lacking)
    assert (choice.broker, choice.store) == (broker, store)
    assert why in choice.why


def test_a_docker_address_where_nobody_listens_is_no_engine() -> None:
    assert not docker_answers({"DOCKER_HOST": "unix:///nonexistent/docker.sock"})


def test_what_a_user_sets_holds_for_workers_of_hark_up_but_not_addresses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {
        "HARK_PROMOTION": "approval", "HARK_PARTITIONS": "3", "HARK_RULES_DIR": "elsewhere",
        "HARK_BROKER": "k:9092", "HARK_CLICKHOUSE_PASSWORD": "x", "HARK_PII_KEYS_FILE": "keys.json",
        "HARK_TEST_KAFKA": "0", "HARK_NO_SETTING": "1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    held = asked_for()
    assert {"HARK_PROMOTION": "approval", "HARK_PARTITIONS": "3", "HARK_RULES_DIR": "elsewhere"}.items() <= (
        held.items()
    )
    assert not set(held) & {
        "HARK_BROKER", "HARK_CLICKHOUSE_PASSWORD", "HARK_PII_KEYS_FILE", "HARK_TEST_KAFKA", "HARK_NO_SETTING"
    }  # fmt: skip
    for level, kept in (("DEBUG", True), ("WARNING", False), ("ERROR", False)):
        monkeypatch.setenv("HARK_LOG_LEVEL", level)
        assert ("HARK_LOG_LEVEL" in asked_for()) is kept, "workers say at INFO that they run"
