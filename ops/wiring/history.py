"""Scored records as the store has them, turned back into what stood on `feedback.scored`."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from typing import Any

from sinks.clickhouse.client import Client
from streams.codec import loads

PAGE = 5000
_TEXTS = ("voice", "kind", "product", "region", "order_id", "duplicate_of")
"""Texts that are "" in the store where the record has null."""

_JSON = ("masked", "customer", "reasons", "models", "attributes")
_FEEDBACK = """SELECT origin, feedback_id, customer_id, linked, voice, channel, text, lang, rating, label,
    kind, product, region, order_id, occurred_at, received_at, scored_at, late, masked, media_pending,
    attributes, scores, tupleNames(scores) AS names, customer, cluster_id, cluster_size,
    duplicate_of, reasons, models, toUInt32(_partition) AS part, toUInt64(_offset) AS place
FROM feedback FINAL"""
_FACTS = """SELECT origin, event, id, customer_id, kind, value, amount, quantity, express, product, tier,
    lifetime_value, since, time_zone, segment, region, feedback_id, model, action_id, occurred_at,
    received_at, voices, channels, polarity, toUInt32(_partition) AS part, toUInt64(_offset) AS place
FROM (SELECT * FROM facts FINAL WHERE event != 'dropped')"""
_ORDER = ("received_at", "part", "place")
_WHERE = """
WHERE ({customer:String} = '' OR customer_id = {customer:String})
    AND (received_at, _partition, _offset) > ({after0:Int64}, {after1:UInt32}, {after2:UInt64})
ORDER BY received_at, _partition, _offset
LIMIT {page:UInt32}"""

Record = dict[str, Any]


def history(client: Client, customer: str | None = None) -> Iterator[Record]:
    """Yield scored feedback and facts in the order they were received, page by page.

    Of one customer that is the order of the log; of all, partitions are merged by append time.

    Parameters
    ----------
    customer
        One customer only, None for all.
    """
    streams = (
        ((_key(row), _feedback(row)) for row in _pages(client, _FEEDBACK, customer)),
        ((_key(row), _fact(row)) for row in _pages(client, _FACTS, customer)),
    )
    for _, record in heapq.merge(*streams, key=lambda pair: pair[0]):
        yield record


def _key(row: Mapping[str, Any]) -> tuple[int, int, int]:
    return row["received_at"], row["part"], row["place"]


def _pages(client: Client, query: str, customer: str | None) -> Iterator[Record]:
    after = (-1, 0, 0)
    while True:
        parameters = {"customer": customer or "", "page": PAGE}
        parameters |= {f"after{i}": value for i, value in enumerate(after)}
        result = client.query(query + _WHERE, parameters=parameters)
        rows = [dict(zip(result.column_names, row, strict=True)) for row in result.result_rows]
        yield from rows
        if len(rows) < PAGE:
            return
        after = _key(rows[-1])


def _feedback(row: Record) -> Record:
    record: Record = {"event": "feedback", **row}
    names, scores = record.pop("names"), record["scores"]
    pairs = scores.items() if isinstance(scores, Mapping) else zip(names, scores, strict=True)
    # The store's 32 bits hold the four digits that were written, and noise behind them.
    record["scores"] = {k: round(v, 4) if isinstance(v, float) else v for k, v in pairs}
    record["origin"] = _origin(row["origin"])
    for name in _TEXTS:
        record[name] = record[name] or None
    for name in _JSON:
        record[name] = loads(row[name]) if row[name] else [] if name == "reasons" else {}
    return _without_place(record)


def _fact(row: Record) -> Record:
    record = {key: value for key, value in row.items() if value is not None and value != ""}
    record["origin"] = _origin(row["origin"])
    if "value" in record and (row["event"] == "outcome" or row["model"] == "sentiment"):
        record["value"] = float(row["value"])
    return _without_place(record)


def _origin(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, Mapping) else list(value)


def _without_place(record: Record) -> Record:
    del record["part"], record["place"]
    return record
