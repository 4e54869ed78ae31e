"""The view that joins what a voice said before it was linked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from sinks.clickhouse.client import connect
from sinks.clickhouse.schema import Schema


def fact(voice: str, kind: str, customer: str, at: int) -> dict[str, Any]:
    origin = ("customers.links", 0, at)
    whose = {"id": f"l{at}", "customer_id": customer, "kind": kind, "value": voice}
    return {"event": "customer", "origin": origin, **whose, "occurred_at": 0, "received_at": at // 10}


def test_the_last_word_on_a_voice_counts(tmp_path: Path) -> None:
    client = connect(f"chdb://{tmp_path}/store")
    try:
        Schema(client, "hark").migrate()
        rows = [
            fact("a", "linked", "c-1", 10),
            fact("a", "linked", "c-2", 20),
            fact("b", "linked", "c-3", 11),
            fact("b", "unlinked", "b", 12),
            fact("c", "unlinked", "c", 13),
            fact("c", "linked", "c-4", 14),
            {**fact("", "login", "c-1", 15), "value": None},
        ]
        client.raw_insert("facts", insert_block=b"\n".join(map(orjson.dumps, rows)), fmt="JSONEachRow")
        found = client.query("SELECT voice, customer_id FROM hark.voices ORDER BY voice").result_rows
        assert [tuple(row) for row in found] == [("a", "c-2"), ("b", ""), ("c", "c-4")]
    finally:
        client.close()
