"""Migrations, versions and variants of the schema, on the embedded store over HTTP."""

from __future__ import annotations

import re

import orjson
import pytest
from sink_records import count, decision

from ops.embedded.store import EmbeddedStore
from sinks.clickhouse import Client, Schema, SchemaError, connect
from sinks.clickhouse.fence import FENCED
from sinks.clickhouse.rows import LANDING, inlet
from sinks.clickhouse.schema import Migration, migrations, render, statements


def test_a_store_without_schema_says_what_to_do(store: EmbeddedStore) -> None:
    client = connect(store.url)
    with pytest.raises(SchemaError, match="hark store migrate"):
        Schema(client, "nowhere").check()
    client.close()


def test_migrating_a_filled_store_keeps_its_rows(store: EmbeddedStore) -> None:
    client = connect(store.url)
    database = "migrated"
    assert Schema(client, database, known=migrations()[:1]).migrate() == [1]
    rows = orjson.dumps(decision(1))
    client.raw_insert("decisions", insert_block=rows, fmt="JSONEachRow", settings={})
    said = {"feedback_id": "f1", "customer_id": "c1", "scores": {"polarity": -0.5, "purchase": 0.25}}
    client.raw_insert("feedback", insert_block=orjson.dumps(said), fmt="JSONEachRow", settings={})
    with pytest.raises(SchemaError, match=r"at version 1, this Hark needs \d+: run `hark store migrate`"):
        Schema(client, database).check()
    assert Schema(client, database).migrate() == [migration.version for migration in migrations()[1:]]
    assert Schema(client, database).migrate() == []
    assert count(client, "decisions") == 1
    assert count(client, "trial_units") == 1
    said = {"feedback_id": "f2", "customer_id": "c1", "scores": {"polarity": 0.5, "adoption": 0.75}}
    client.raw_insert("landing_feedback", insert_block=orjson.dumps(said), fmt="JSONEachRow", settings={})
    question = "SELECT scores.polarity, scores.purchase, scores.adoption FROM feedback ORDER BY feedback_id"
    assert client.query(question).result_rows == [(-0.5, 0.25, 0.0), (0.5, 0.0, 0.75)]
    client.command(f"DROP DATABASE {database} SYNC")
    client.close()


def test_a_newer_or_changed_schema_is_refused(client: Client) -> None:
    first, *others = migrations()
    with pytest.raises(SchemaError, match=r"at version \d+, this Hark knows 1: upgrade Hark"):
        Schema(client, client.database, known=[first]).check()
    changed = Migration(first.version, first.name, first.sql + "\nSELECT 2;")
    with pytest.raises(SchemaError, match="migration 1 was changed"):
        Schema(client, client.database, known=[changed, *others]).check()


def test_comments_do_not_count_as_a_change() -> None:
    first = migrations()[0]
    assert Migration(1, "x", "-- more words\n" + first.sql).checksum == first.checksum


def test_both_variants_are_understood_by_the_engine(client: Client) -> None:
    found = 0
    for migration in migrations():
        for statement in statements(migration.sql):
            for cluster in (None, "main"):
                rendered = render(statement, cluster)
                tree = client.query(f"EXPLAIN AST {rendered}").result_rows
                assert tree and "/*" not in rendered.replace("/* on cluster */", "")
                found += (
                    cluster is not None and "ENGINE = Replicated" in rendered and "ON CLUSTER" in rendered
                )
    assert found >= len(FENCED)


def test_every_fenced_table_carries_coordinates(client: Client) -> None:
    for table in FENCED:
        client.query(f"SELECT _topic, _partition, _offset FROM {table}")


def test_landing_tables_have_the_columns_of_their_tables(client: Client) -> None:
    """All that rows bring, in types that parse fast: a column in one of the two only would be lost."""
    question = (
        "SELECT name, type FROM system.columns "
        "WHERE database = currentDatabase() AND table = {table:String} AND default_kind = ''"
    )
    for table in LANDING:
        columns = client.query(question, {"table": table}).result_rows
        plain = {(name, re.sub(r"LowCardinality\((\w+)\)", r"\1", kind)) for name, kind in columns}
        assert set(client.query(question, {"table": inlet(table)}).result_rows) == plain != set(columns)
