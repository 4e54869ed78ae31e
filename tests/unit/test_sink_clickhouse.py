"""The sink's promises against a store that misbehaves on command."""

from __future__ import annotations

import orjson
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError, ProgrammingError
from fake_store import Bench, records

from sinks.base import Rejected, SinkError, Slice, Written
from sinks.clickhouse import rows
from sinks.clickhouse.sink import ClickHouseSink


def test_one_insert_a_table_whatever_the_topics() -> None:
    bench = Bench()
    feedback = Slice(
        "feedback.scored", 3, 0, 1, [(0, b'{"event":"feedback","a":1}'), (1, b'{"event":"outcome"}')]
    )
    actions = [Slice(f"actions.{kind}", 0, 5, 5, [(5, b'{"action_id":"x"}')]) for kind in ("coupon", "call")]
    written = bench.run(lambda sink: sink.write([feedback, *actions, records(0, 2)]))
    assert written == Written(rows=7)
    assert sorted(bench.store.inserts) == [("actions", 2), ("alerts", 3), ("facts", 1), ("feedback", 1)]
    assert bench.store.tables["feedback"][0] == {
        "_topic": "feedback.scored", "_partition": 3, "_offset": 0, "event": "feedback", "a": 1,
    }  # fmt: skip


def test_a_redelivered_slice_is_skipped_and_its_rest_written() -> None:
    bench = Bench()

    async def work(sink: ClickHouseSink) -> list[Written]:
        return [await sink.write([records(0, 9)]), await sink.write([records(4, 14)])]

    assert bench.run(work) == [Written(rows=10), Written(rows=5, skipped=6)]
    assert bench.store.offsets("alerts") == list(range(15))


def test_a_restarted_sink_fills_the_holes_and_only_them() -> None:
    bench = Bench()
    bench.store.tables["alerts"] = [{"_topic": "alerts", "_partition": 0, "_offset": n} for n in (0, 1, 4)]
    assert bench.run(lambda sink: sink.write([records(0, 5)])) == Written(rows=3, skipped=3)
    assert sorted(bench.store.offsets("alerts")) == [0, 1, 2, 3, 4, 5]


def test_a_timeout_after_the_insert_doubles_nothing() -> None:
    bench = Bench()
    bench.store.faults = [("after", OperationalError("timed out"))]
    assert bench.run(lambda sink: sink.write([records(0, 9)])) == Written(rows=0, skipped=10)
    assert bench.store.offsets("alerts") == list(range(10))


def test_a_refused_connection_is_retried_with_growing_pauses() -> None:
    retried: list[float] = []
    bench = Bench(pauses=(1.0, 4.0), on_retry=lambda: retried.append(len(bench.pauses)))
    bench.store.faults = [("before", OperationalError("refused"))] * 5
    assert bench.run(lambda sink: sink.write([records(0, 9)])) == Written(rows=10)
    assert bench.store.offsets("alerts") == list(range(10))
    # 1, 2, 4, 4, 4 seconds, each jittered down to half at most.
    assert all(
        limit / 2 <= pause <= limit for limit, pause in zip((1, 2, 4, 4, 4), bench.pauses, strict=True)
    )
    assert bench.sink.counters.retries == 5 and not bench.sink.counters.away
    assert retried == [0, 1, 2, 3, 4], "told before each pause, not when all is over"


def test_a_store_that_is_away_at_the_start_is_waited_for() -> None:
    bench = Bench(pauses=(1.0, 4.0))
    bench.store.deaf = 6
    assert bench.run(lambda sink: sink.write([records(0, 1)])) == Written(rows=2)
    assert len(bench.pauses) == 6
    assert bench.pauses[-1] > bench.pauses[0] and max(bench.pauses) <= 4.0


def test_bad_rows_are_left_out_and_told_once() -> None:
    bench = Bench()
    bench.store.faults = [("after", OperationalError("timed out"))]
    written = bench.run(lambda sink: sink.write([records(0, 99, bad=(7, 64, 65))]))
    assert written.rejected == 3 and written.rows + written.skipped == 97
    assert sorted(bench.store.offsets("alerts")) == [n for n in range(100) if n not in (7, 64, 65)]
    assert bench.rejected == [Rejected("alerts", 0, n, 27) for n in (7, 64, 65)]
    assert len(bench.store.inserts) < 45


def test_too_many_bad_rows_stop_the_sink() -> None:
    bench = Bench(reject_limit=10)
    with pytest.raises(SinkError, match="schema and contracts agree"):
        bench.run(lambda sink: sink.write([records(0, 99, bad=range(100))]))


@pytest.mark.parametrize("named", [[("alerts", 0)], None])
@pytest.mark.parametrize("first", [0, 5])
def test_forget_asks_again(named: list[tuple[str, int]] | None, first: int) -> None:
    """Also about a partition this sink never wrote to."""
    bench = Bench()

    async def work(sink: ClickHouseSink) -> Written:
        if first:
            await sink.write([records(0, first - 1)])
        # Another worker had the partition meanwhile.
        bench.store.tables.setdefault("alerts", []).extend(
            {"_topic": "alerts", "_partition": 0, "_offset": n} for n in (first, first + 1)
        )
        sink.forget(named)
        return await sink.write([records(first, 8)])

    assert bench.run(work) == Written(rows=7 - first, skipped=2)
    assert sorted(bench.store.offsets("alerts")) == list(range(9))


@pytest.mark.parametrize(
    ("code", "words"), [(60, "hark store migrate"), (516, "HARK_CLICKHOUSE_PASSWORD"), (497, "grant")]
)
def test_what_waiting_cannot_cure_is_one_sentence(code: int, words: str) -> None:
    bench = Bench()
    bench.store.faults = [("before", DatabaseError(f"Code: {code}. DB::Exception: no"))]
    with pytest.raises(SinkError, match=words) as caught:
        bench.run(lambda sink: sink.write([records(0, 1)]))
    assert "\n" not in str(caught.value)


def test_a_mistake_of_ours_is_not_retried_for_ever() -> None:
    bench = Bench()
    bench.store.faults = [("before", ProgrammingError("no such setting"))]
    with pytest.raises(ProgrammingError):
        bench.run(lambda sink: sink.write([records(0, 1)]))


@pytest.mark.parametrize("value", [b"", b"[1]", b"{}", b"null", b"7", b'"x"', b'{"a":1', b"\xff\xfe"])
def test_what_is_no_object_from_a_foreign_topic_is_rejected(value: bytes) -> None:
    found = rows.sort([Slice("actions.status", 1, 4, 4, [(4, value)])], {})
    assert found.rejected == [Rejected("actions.status", 1, 4, 0)]
    assert not found.tables


def test_a_foreign_value_cannot_smuggle_coordinates_or_a_second_row() -> None:
    values = [
        (0, b' {"action_id":"a","_offset":99,"_topic":"x"}'),
        (1, b'{"action_id":"b"}\n{"action_id":"c"}'),
    ]
    found = rows.sort([Slice("actions.status", 1, 0, 1, values)], {})
    assert [
        orjson.loads(line) for line in b"".join(rows.encoded(found.tables["action_status"])).splitlines()
    ] == [{"_topic": "actions.status", "_partition": 1, "_offset": 0, "action_id": "a"}]
    assert found.rejected == [Rejected("actions.status", 1, 1, 0)]


def test_facts_and_feedback_are_told_apart_wherever_the_field_stands() -> None:
    values = [
        b'{"event":"feedback"}',
        b'{"event":"label"}',
        b'{"id":1,"event":"feedback"}',
        b'{"id":1,"x":"y"}',
    ]
    found = rows.sort([Slice("feedback.scored", 0, 0, 3, list(enumerate(values)))], {})
    assert [offset for run in found.tables["feedback"] for offset, _ in run.records] == [0, 2]
    assert [offset for run in found.tables["facts"] for offset, _ in run.records] == [1, 3]


def test_pieces_of_any_length_join_to_the_same_lines() -> None:
    batch = [
        Slice(topic, 2, 0, 6, [(n, b'{"a":{"b":%d}}' % n) for n in range(7)])
        for topic in ("alerts", "alerts@x")
    ]
    lines = rows.sort(batch, {}).tables["alerts"]
    found = b"".join(rows.encoded(lines)).splitlines()
    assert len(found) == 14 and found == b"".join(rows.encoded(lines, piece=1)).splitlines()
    assert found == b"".join(rows.encoded(lines, piece=100)).splitlines()
    assert orjson.loads(found[-1]) == {
        "_topic": "alerts@x", "_partition": 2, "_offset": 6, "a": {"b": 6},
    }  # fmt: skip


def test_a_topic_without_a_table_is_refused() -> None:
    with pytest.raises(SinkError, match=r"models\.snapshots has no table"):
        rows.sort([Slice("models.snapshots", 0, 0, 0, [(0, b"{}")])], {})


def test_long_batches_are_cut() -> None:
    bench = Bench(chunk_bytes=100)
    assert bench.run(lambda sink: sink.write([records(0, 99)])) == Written(rows=100)
    assert len(bench.store.inserts) > 10
    assert bench.store.offsets("alerts") == list(range(100))


def test_cuts_lose_no_row_whatever_the_slices() -> None:
    batch = [
        Slice("alerts", partition, 5, 4 + size, [(5 + n, b'{"a":%d}' % n) for n in range(size)])
        for partition, size in enumerate((1, 9, 5))
    ]
    lines = rows.sort(batch, {}).tables["alerts"]

    def flat(*parts: rows.Lines) -> list[tuple[object, ...]]:
        return [(*run.key, *record) for part in parts for run in part for record in run.records]

    for most in (1, 15, 50, 10**6):
        chunks = list(rows.chunks(lines, most))
        assert all(chunks) and flat(*chunks) == flat(lines)
    first, second = rows.halves(lines)
    assert (rows.count(first), rows.count(second)) == (7, 8) and flat(first, second) == flat(lines)
    assert rows.ranges(second) == {("alerts", 1): (11, 13), ("alerts", 2): (5, 9)}
    assert flat(rows.without(lines, {("alerts", 1): {5, 13}, ("alerts", 2): range(100)})) == [
        row for row in flat(lines) if row[1] == 0 or row[1] == 1 and row[2] not in (5, 13)
    ]
