"""Erases a customer: links, partition state, rows; `ops/docs/erasure.md` says what stays and why.

The pipeline forgets by an event in the customer's own log, so the order of things decides: what stands
before it is forgotten, in every agent, whatever dies meanwhile. The store is cleaned when that event has
arrived there, because everything before it in the log has arrived too.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from models.intake.facts import ERASE
from models.intake.privacy import FieldMask
from sinks.clickhouse.client import Client
from streams import kafka
from streams.settings import Settings
from streams.topics import CUSTOMER_EVENTS, CUSTOMER_LINKS

QUIET_SECONDS = 3.0
POLL_SECONDS = 0.5
APPLY_MASK = "ALTER TABLE {} APPLY DELETED MASK SETTINGS mutations_sync = 2"


class EraseError(RuntimeError):
    """The erasure did not come to its end; the text says how far it got and what to do."""


@dataclass(slots=True)
class Erased:
    """What was erased: rows by table, links, and how many names the customer had here."""

    rows: dict[str, int] = field(default_factory=dict)
    links: int = 0
    names: int = 0


async def erase(
    settings: Settings,
    client: Client,
    mask: FieldMask,
    customer: str,
    *,
    timeout: float = 120.0,
    quiet: float = QUIET_SECONDS,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Erased:
    """Erase a customer from links, agents and store; safe to repeat.

    Parameters
    ----------
    client
        Connected to Hark's database with an account that may delete.
    mask
        With the workers' keys: the customer's id and handles may stand in the store as pseudonyms.
    customer
        As producers send it.
    timeout
        Longest wait for the pipeline, seconds.
    quiet
        How long no row may appear before the store counts as clean, seconds; longer than
        HARK_ARCHIVE_LINGER_S.

    Raises
    ------
    EraseError
        When the pipeline did not carry the erasure to the store in time.
    aiokafka.errors.KafkaError, clickhouse_connect.driver.exceptions.ClickHouseError
        When broker or store refuse.
    """
    stored = mask.identifier("CUSTOMER", customer, {})
    producer = kafka.producer(settings, "erase")
    await producer.start()
    try:
        links = await links_of(settings, producer, customer)
        voices = {mask.handle(str(link["channel"]), str(link["author"])) for _, link in links}
        voices |= await asyncio.to_thread(_voices, client, stored)
        await _unlink(producer, links)
        names = sorted({stored, *voices})
        events = await _announce(producer, [customer, *sorted(voices)])
    finally:
        await producer.stop()
    await _arrived(client, events, timeout, sleep)
    done = Erased(links=len(links), names=len(names))
    await _clean(client, names, done, quiet, timeout, sleep)
    return done


Keyed = tuple[bytes, dict[str, Any]]


async def links_of(settings: Settings, producer: AIOKafkaProducer, customer: str) -> list[Keyed]:
    """Return the records of `customers.links` that name the customer now.

    A marker of our own is written and read up to, so that no broker's end offset is trusted.
    """
    marker = b"~erase:" + uuid.uuid4().hex.encode()
    end = await producer.send_and_wait(CUSTOMER_LINKS, value=None, key=marker, partition=0)
    found: dict[bytes, dict[str, Any]] = {}
    consumer: AIOKafkaConsumer = kafka.reader(settings, "erase-reader")
    await consumer.start()
    try:
        place = TopicPartition(CUSTOMER_LINKS, 0)
        consumer.assign([place])
        await consumer.seek_to_beginning(place)
        while True:
            for record in (await consumer.getmany(place, timeout_ms=500)).get(place, ()):
                if record.offset >= end.offset:
                    return list(found.items())
                _note(found, record.key, record.value, customer)
    finally:
        await consumer.stop()


def _note(found: dict[bytes, dict[str, Any]], key: bytes | None, value: bytes | None, customer: str) -> None:
    if key is None:
        return
    found.pop(key, None)
    try:
        link = orjson.loads(value) if value else None
    except ValueError:
        return
    if (
        isinstance(link, dict)
        and link.get("customer_id") == customer
        and {"channel", "author"} <= link.keys()
    ):
        found[key] = link


async def _unlink(producer: AIOKafkaProducer, links: Sequence[Keyed]) -> None:
    """Withdraw each link, which workers apply at once, then leave a tombstone for compaction."""
    for key, link in links:
        gone = {
            "channel": link["channel"],
            "author": link["author"],
            "customer_id": None,
            "consent": "withdrawn",
        }
        await producer.send_and_wait(CUSTOMER_LINKS, value=orjson.dumps(gone), key=key, partition=0)
        await producer.send_and_wait(CUSTOMER_LINKS, value=None, key=key, partition=0)


async def _announce(producer: AIOKafkaProducer, names: Sequence[str]) -> list[str]:
    """Publish the erasure of each name and return the events' ids."""
    ids = []
    for name in names:
        ids.append(str(uuid.uuid4()))  # the one shape of id that intake keeps whatever digits it has
        event = {"id": ids[-1], "customer_id": name, "kind": ERASE}
        await producer.send_and_wait(CUSTOMER_EVENTS, value=orjson.dumps(event), key=name.encode())
    return ids


def _voices(client: Client, stored: str) -> set[str]:
    """Return the pseudonyms of the handles the store has seen the customer speak through."""
    rows = client.query(
        "SELECT voice FROM links WHERE customer_id = {customer:String} "
        "UNION DISTINCT SELECT voice FROM feedback WHERE customer_id = {customer:String} AND voice != ''",
        parameters={"customer": stored},
    ).result_rows
    return {str(voice) for (voice,) in rows}


async def _arrived(
    client: Client, events: Sequence[str], timeout: float, sleep: Callable[[float], Awaitable[None]]
) -> None:
    deadline = time.monotonic() + timeout
    query = "SELECT uniqExact(id) FROM facts WHERE kind = 'erase' AND id IN {ids:Array(String)}"
    while True:
        result = await asyncio.to_thread(client.query, query, parameters={"ids": list(events)})
        if int(result.result_rows[0][0]) == len(events):
            return
        if time.monotonic() > deadline:
            raise EraseError(
                f"the erasure is published, but not in the store after {timeout:.0f} s: are workers running? "
                "Run the command again when they are; rows are deleted only then"
            )
        await sleep(POLL_SECONDS)


async def _clean(
    client: Client,
    names: Sequence[str],
    done: Erased,
    quiet: float,
    timeout: float,
    sleep: Callable[[float], Awaitable[None]],
) -> None:
    """Delete until nothing new has appeared for a while: other topics may trail behind the log."""
    deadline, silent = time.monotonic() + timeout, False
    while True:
        deleted = await asyncio.to_thread(delete_rows, client, names)
        for table, count in deleted.items():
            done.rows[table] = done.rows.get(table, 0) + count
        if not deleted and silent:
            return
        if time.monotonic() > deadline:
            raise EraseError("rows of the customer keep arriving in the store: run the command again")
        silent = not deleted
        await sleep(quiet)


def tables_of_customers(client: Client) -> list[tuple[str, str]]:
    """Return (table, column) of everything in the database that holds customers or their voices."""
    rows = client.query(
        "SELECT c.table, c.name FROM system.columns AS c INNER JOIN system.tables AS t "
        "ON t.database = c.database AND t.name = c.table WHERE c.database = currentDatabase() "
        "AND t.engine LIKE '%MergeTree' AND c.name IN ('customer_id', 'voice') ORDER BY c.table, c.name"
    ).result_rows
    return [(str(table), str(column)) for table, column in rows]


def delete_rows(client: Client, names: Sequence[str]) -> dict[str, int]:
    """Delete all rows of these customers and voices and return how many went, by table.

    Rows are hidden by a lightweight DELETE and then rewritten without them, so nothing waits for a
    merge to vanish from disk.
    """
    asked = {"names": list(names)}
    deleted: dict[str, int] = {}
    for table, column in tables_of_customers(client):
        where = f"{column} IN {{names:Array(String)}}"
        count = int(client.query(f"SELECT count() FROM {table} WHERE {where}", asked).result_rows[0][0])
        if count:
            client.command(f"DELETE FROM {table} WHERE {where} SETTINGS lightweight_deletes_sync = 2", asked)
            client.command(APPLY_MASK.format(table))
            deleted[table] = deleted.get(table, 0) + count
    return deleted
