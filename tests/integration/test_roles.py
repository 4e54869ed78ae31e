"""Accounts of the store, as far as the embedded engine allows: it parses the statements but has no roles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import fresh, running_store
from planted import START, Planted

from sinks.clickhouse import Client
from sinks.clickhouse.schema import statements

FOLDER = Path(__file__).resolve().parents[2] / "ops" / "clickhouse" / "roles"
FILES = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.sql"))}
STATEMENTS = [(name, statement) for name, text in FILES.items() for statement in statements(text)]
WORDS = {"text", "reasons", "attributes", "voice", "order_id"}
"""Columns of `feedback` with what somebody wrote, or that lead back to a person elsewhere."""


NARROWED = {
    "feedback": WORDS, "actions": {"template", "parameters", "explanation"}, "action_status": {"reason"},
    "work_order_changes": {"reason"},
}  # fmt: skip
"""What analysts do not see of each table that they see in part."""


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with running_store() as store:
        client, plant = fresh(store), Planted()
        for team in ("care", "safety"):
            for number in range(3):
                feedback = plant.says(f"{team}{number}", START)
                decision = plant.decides(f"{team}{number}", START, "acted", feedback, "r")
                action = plant.acts(f"{team}{number}", decision, feedback, START, team=team)
                plant.answers(f"{team}{number}", action, "accepted", START)
                plant.put(
                    "work.orders", change_id=f"w{action}", change="opened", sequence=0, action_id=action,
                    customer_id=f"{team}{number}", team=team, opened_at=START, changed_at=START,
                )  # fmt: skip
                plant.fact(f"{team}{number}", "customer", "linked", START, value=f"voice-{team}{number}")
        plant.write(store, client)
        yield client
        client.close()


def granted(name: str, table: str) -> set[str]:
    found = re.search(rf"GRANT SELECT\((.*?)\) ON hark\.{table} TO", FILES[name])
    assert found, f"{name} has no column grant on {table}"
    return {column.strip() for column in found[1].split(",")}


def columns(client: Client, table: str) -> set[str]:
    query = f"SELECT name FROM system.columns WHERE database = currentDatabase() AND table = '{table}'"
    return {str(name) for (name,) in client.query(query).result_rows}


def test_there_are_three_accounts() -> None:
    assert set(FILES) == {"reader", "team", "analyst"}


@pytest.mark.parametrize(("name", "statement"), STATEMENTS)
def test_the_engine_parses_every_statement(client: Client, name: str, statement: str) -> None:
    parameters = {"password": "made-up", "team": "care"}
    used = {key: value for key, value in parameters.items() if f"{{{key}:" in statement}
    assert client.query(f"EXPLAIN AST {statement}", parameters=used).result_rows


@pytest.mark.parametrize(("name", "statement"), STATEMENTS)
def test_statements_are_repeatable_and_nothing_is_granted_but_reading(name: str, statement: str) -> None:
    assert statement.startswith("GRANT ") or "IF NOT EXISTS" in statement
    privilege = re.match(r"GRANT (\w+)[ (]", statement)
    assert privilege is None or privilege[1] == "SELECT" or privilege[1].startswith("hark_")
    assert "IDENTIFIED" not in statement or "BY {password:String}" in statement


def test_granted_columns_and_tables_exist(client: Client) -> None:
    for name, table in [("team", "feedback"), *(("analyst", table) for table in NARROWED)]:
        assert granted(name, table) <= columns(client, table)
    tables = {str(row[0]) for row in client.query("SHOW TABLES").result_rows}
    for text in FILES.values():
        assert set(re.findall(r"ON hark\.(\w+)", text)) <= tables


def test_analysts_see_no_free_text(client: Client) -> None:
    for table, words in NARROWED.items():
        assert columns(client, table) - granted("analyst", table) == words, table
    (kept,) = re.findall(r"hark_analyst ON hark\.facts USING (.*?) TO hark_analyst;", FILES["analyst"])
    assert client.query("SELECT count() FROM facts WHERE value != ''").result_rows == [(6,)]
    assert client.query(f"SELECT count() FROM facts WHERE value != '' AND {kept}").result_rows == [(0,)]


def test_a_team_sees_its_own_rows(client: Client) -> None:
    policies = re.findall(r"hark_team ON hark\.(\w+) USING (.*?) TO hark_team;", FILES["team"])
    assert {table for table, _ in policies} == {"actions", "action_status", "feedback", "work_order_changes"}
    for table, condition in policies:
        where = condition.replace("currentUser()", "'care'").replace("hark.", "")
        rows = client.query(
            f"SELECT DISTINCT customer_id FROM {table} WHERE {where} ORDER BY ALL"
        ).result_rows
        assert [row[0] for row in rows] == ["care0", "care1", "care2"], table
        assert f"hark_others ON hark.{table} USING 1 TO ALL EXCEPT hark_team;" in FILES["team"]
