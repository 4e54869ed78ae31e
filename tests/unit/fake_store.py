"""A ClickHouse that misbehaves on command, and a sink on it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar

import orjson
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from sinks.base import Rejected, Slice
from sinks.clickhouse.schema import migrations
from sinks.clickhouse.sink import ClickHouseSink

T = TypeVar("T")


class Result:
    def __init__(self, found: Iterable[tuple[Any, ...]]) -> None:
        self.result_rows = list(found)


class FakeStore:
    """Keeps rows by table; refuses rows that hold `bad`; fails as told by `faults`, one an insert.

    Before `back_at` of its own clock it refuses connections.
    """

    def __init__(self) -> None:
        self.database = ""
        self.tables: dict[str, list[dict[str, Any]]] = {}
        self.faults: list[tuple[str, Exception]] = []
        self.inserts: list[tuple[str, int]] = []
        self.questions = 0
        self.deaf = 0
        self.now = self.back_at = 0.0

    def command(self, cmd: str, parameters: Any = None, settings: Any = None) -> None:
        raise AssertionError(cmd)

    def close(self) -> None:
        self.database = "closed"

    def raw_insert(
        self, table: str = "", *, insert_block: Iterable[bytes] = (), settings: Any = None, fmt: str = ""
    ) -> None:
        assert fmt == "JSONEachRow"
        self.answer()
        found = [orjson.loads(line) for line in b"".join(insert_block).splitlines()]
        table = table.removeprefix("landing_")
        self.inserts.append((table, len(found)))
        when, fault = self.faults.pop(0) if self.faults else ("", None)
        if when == "before" and fault is not None:
            raise fault
        if any("bad" in row for row in found):
            raise DatabaseError("Code: 27. DB::Exception: Cannot parse input")
        self.tables.setdefault(table, []).extend(found)
        if fault is not None:
            raise fault

    def answer(self) -> None:
        """Refuse connections until `back_at`."""
        if self.now < self.back_at:
            raise OperationalError("connection refused")

    def query(self, query: str, parameters: Any = None, settings: Any = None) -> Result:
        self.questions += 1
        self.answer()
        if self.deaf:
            self.deaf -= 1
            raise OperationalError("connection refused")
        if "schema_migrations" in query:
            return Result((migration.version, migration.checksum) for migration in migrations())
        everything = [(table, row) for table, found in self.tables.items() for row in found]
        if "max(_offset)" in query:
            return Result((row["_topic"], row["_partition"], row["_offset"]) for _, row in everything)
        ranges = dict(
            zip(
                zip(parameters["topic"], parameters["partition"], strict=True),
                zip(parameters["first"], parameters["last"], strict=True),
                strict=True,
            )
        )
        return Result(
            (row["_topic"], row["_partition"], row["_offset"])
            for table, row in everything
            if f"FROM {table} " in query.replace("\n", " ")
            and (key := (row["_topic"], row["_partition"])) in ranges
            and ranges[key][0] <= row["_offset"] <= ranges[key][1]
        )

    def offsets(self, table: str) -> list[int]:
        return [row["_offset"] for row in self.tables.get(table, [])]


class Bench:
    """A sink on a fake store, with the pauses it took."""

    def __init__(self, **options: Any) -> None:
        self.store = FakeStore()
        self.rejected: list[Rejected] = []
        self.pauses: list[float] = []
        self.sink = ClickHouseSink(
            "http://store",
            on_rejected=self.rejected.append,
            sleep=self.sleep,
            rng=random.Random(3),
            opener=lambda *_: self.store,
            **options,
        )

    async def sleep(self, seconds: float) -> None:
        """Let the store's clock pass instead of ours."""
        self.pauses.append(seconds)
        self.store.now += seconds
        await asyncio.sleep(0)

    def run(self, work: Callable[[ClickHouseSink], Coroutine[Any, Any, T]]) -> T:
        async def whole() -> T:
            await self.sink.start()
            try:
                return await work(self.sink)
            finally:
                await self.sink.close()

        return asyncio.run(whole())


def records(first: int, last: int, bad: Iterable[int] = (), topic: str = "alerts") -> Slice:
    values = [
        (n, b'{"bad":1}' if n in set(bad) else b'{"alert_id":"a%d"}' % n) for n in range(first, last + 1)
    ]
    return Slice(topic, 0, first, last, values)
