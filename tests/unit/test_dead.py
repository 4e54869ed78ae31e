"""Dead letters: choosing, replaying the original, saying why not; and the limit that stops a flood."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from memory_broker import MemoryProducer, Record

from models.clock import VirtualClock
from models.identity import Links
from models.intake import Admission, FieldMask, Limits
from models.outcome import DeadLetter, DeadReason
from models.pii import Finder, Masker
from models.pii.keyring import Keyring
from ops.dead.letters import Letter, Wanted, from_store, moment, place, read
from ops.dead.replay import MARK, Replayed, Replayer
from ops.failures import UserError
from streams.agents.intake import IntakeStep
from streams.dead_letters import DeadLetterFlood, FloodGuard, add_dead_letter
from streams.outbox import Layout, Outbox
from streams.runner import SliceRunner
from streams.topics import ALERTS, DEAD_LETTERS, FEEDBACK_MASKED, FEEDBACK_RAW

NOW = 1_790_000_000_000
GOOD = orjson.dumps({"id": "f-1", "channel": "app", "text": "好", "author": "a"})


def letter(topic: str = FEEDBACK_RAW, offset: int = 7, agent: str = "intake", **changes: Any) -> Letter:
    base = {"partition": 0, "reason": "poison", "field": "", "appended_at": NOW, "rejected_at": NOW}
    return Letter(topic=topic, offset=offset, agent=agent, **{**base, **changes})


def test_a_dead_letter_is_a_cloud_event_that_goes_on_with_the_trace() -> None:
    out, trace = Outbox(Layout({DEAD_LETTERS: 2})), ("traceparent", b"00-1-2-01")
    dead = DeadLetter(DeadReason.INVALID, "text")
    add_dead_letter(out, "intake", (FEEDBACK_RAW, 1, 7), dead, NOW, NOW, [("x", b"y"), trace])
    ((_, _, headers),) = next(iter(out.batches().values()))
    said = dict(headers)
    assert (said["ce_type"], said["ce_id"]) == (b"hark.dead_letter", b"feedback.raw/1/7")
    assert said["traceparent"] == trace[1] and "x" not in said


class Log:
    """Records by coordinates, and what is published."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, int, int], Record] = {}
        self.sent: list[dict[str, Any]] = []

    def put(self, topic: str, offset: int, value: bytes) -> None:
        self.records[(topic, 0, offset)] = Record(
            offset, value, b"k", NOW - 5, (("traceparent", b"t"), (MARK, b"old"))
        )

    async def record_at(self, topic: str, partition: int, offset: int) -> Any:
        return self.records.get((topic, partition, offset))

    async def send_and_wait(self, topic: str, **record: Any) -> None:
        self.sent.append({"topic": topic, **record})

    def replay(self, which: Letter, force: bool = False, dry_run: bool = False) -> Replayed:
        return asyncio.run(Replayer(self, self, Limits(), force).replay(which, dry_run))


def test_the_original_is_published_as_it_was_and_marked() -> None:
    log = Log()
    log.put(FEEDBACK_RAW, 7, GOOD)
    assert log.replay(letter()).verdict == "replayed"
    (sent,) = log.sent
    assert (sent["topic"], sent["partition"], sent["key"], sent["value"]) == (FEEDBACK_RAW, 0, b"k", GOOD)
    assert sent["timestamp_ms"] == NOW - 5
    assert sent["headers"] == [("traceparent", b"t"), (MARK, b"feedback.raw/0/7")]


def test_what_retention_took_is_said_with_its_coordinates() -> None:
    result = Log().replay(letter())
    assert (result.verdict, result.why) == ("gone", "feedback.raw no longer keeps offset 7 (retention)")


def test_what_would_be_refused_again_is_only_replayed_by_force() -> None:
    log = Log()
    log.put(FEEDBACK_RAW, 7, b'{"channel": "fax", "text": "secret-words", "author": "a"}')
    result = log.replay(letter())
    assert (result.verdict, result.why, log.sent) == ("still invalid", "invalid_field channel", [])
    assert log.replay(letter(), force=True).verdict == "replayed"
    assert len(log.sent) == 1


def test_a_dry_run_publishes_nothing() -> None:
    log = Log()
    log.put(FEEDBACK_RAW, 7, GOOD)
    assert log.replay(letter(), dry_run=True).verdict == "replayed"
    assert log.sent == []


def test_what_a_later_agent_refused_starts_again_at_its_origin() -> None:
    log = Log()
    log.put(FEEDBACK_MASKED, 3, orjson.dumps({"event": "feedback", "origin": [FEEDBACK_RAW, 0, 7]}))
    gone = log.replay(letter(FEEDBACK_MASKED, 3, "score"))
    assert (gone.verdict, gone.why) == ("gone", "feedback.raw no longer keeps offset 7 (retention)")
    log.put(FEEDBACK_RAW, 7, GOOD)
    assert log.replay(letter(FEEDBACK_MASKED, 3, "score")).verdict == "replayed"
    assert (log.sent[0]["topic"], log.sent[0]["value"]) == (FEEDBACK_RAW, GOOD)


def test_what_the_store_refused_goes_to_the_same_topic_again() -> None:
    log = Log()
    log.put("decisions", 3, b"{}")
    assert log.replay(letter("decisions", 3, "archive")).verdict == "replayed"
    assert log.sent[0]["topic"] == "decisions"


def test_a_record_behind_intake_without_an_origin() -> None:
    log = Log()
    log.put(FEEDBACK_MASKED, 3, b"[]")
    assert log.replay(letter(FEEDBACK_MASKED, 3, "score")).verdict == "unreadable"


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (Wanted(), True),
        (Wanted(reason="poison", topic=FEEDBACK_RAW, agent="intake"), True),
        (Wanted(reason="not_json"), False),
        (Wanted(topic="labels"), False),
        (Wanted(since=NOW), True),
        (Wanted(until=NOW), False),
        (Wanted(since=NOW + 1), False),
        (Wanted(places=frozenset({"feedback.raw/0/7"})), True),
        (Wanted(places=frozenset({"feedback.raw/0/8"})), False),
    ],
)
def test_filters(wanted: Wanted, fits: bool) -> None:
    assert wanted.fits(letter()) is fits


def test_the_store_is_asked_for_its_columns_by_name() -> None:
    row = (FEEDBACK_RAW, 0, 7, "poison", "", "intake", NOW, NOW)

    class Client:
        def query(self, query: str, parameters: Any = None, settings: Any = None) -> Any:
            assert "mine.dead_letters FINAL" in query
            assert parameters == {"since": 5, "until": 2**63 - 1}
            return SimpleNamespace(result_rows=[row, (*row[:3], "not_json", *row[4:])])

    client: Any = Client()
    assert from_store(client, "mine", Wanted(reason="poison", since=5)) == [letter()]


def test_records_that_are_no_dead_letters_are_passed_over() -> None:
    whole = {name: getattr(letter(), name) for name in Letter.__dataclass_fields__}
    values = [b"{", None, b"[]", orjson.dumps({**whole, "reason": "odd"}), orjson.dumps(whole)]
    assert list(read(values)) == [letter()]


def test_times_and_coordinates() -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    assert moment("1d", now) == moment("2026-01-01", now) == moment("2026-01-01T08:00+08:00", now)
    assert place("feedback.raw/0/7") == "feedback.raw/0/7"
    for wrong in ("yesterday", "1y", ""):
        with pytest.raises(UserError, match="no time"):
            moment(wrong, now)
    for wrong in ("feedback.raw", "feedback.raw/0", "a/b/c"):
        with pytest.raises(UserError, match="no coordinates"):
            place(wrong)


def flood(limit: float, bad: int, good: int) -> tuple[MemoryProducer, str]:
    """Run a slice of bad and good records through intake; returns what was written, and why it stopped."""
    mask = FieldMask(Masker(Finder("fast"), {}, Keyring.from_secret("keys of a unit test")))
    clock, producer = VirtualClock(NOW / 1000), MemoryProducer()
    step = IntakeStep(Admission(mask, Links()), {}, FloodGuard(limit), clock)
    layout = Layout({FEEDBACK_MASKED: 1, DEAD_LETTERS: 1, ALERTS: 1})
    records = [Record(n, b"{" if n < bad else GOOD, None, NOW) for n in range(bad + good)]
    runner = SliceRunner("intake", step, producer, layout, clock)
    try:
        asyncio.run(runner.run(FEEDBACK_RAW, 0, records))
    except DeadLetterFlood as flood:
        return producer, str(flood)
    return producer, ""


def test_a_flood_of_dead_letters_stops_intake_and_alarms_before_anything_is_written() -> None:
    done, said = flood(0.5, bad=700, good=500)
    assert "HARK_DEAD_LETTER_LIMIT" in said
    (alert,) = done.values(ALERTS)
    assert (alert["kind"], alert["severity"], alert["done"]) == ("dead_letters", "critical", "stopped")
    assert {row.topic for row in done.written} == {ALERTS}


@pytest.mark.parametrize(("limit", "bad", "good"), [(0.5, 600, 600), (0.5, 900, 0), (1.0, 1200, 0)])
def test_below_the_limit_or_too_few_to_judge_dead_letters_are_written(
    limit: float, bad: int, good: int
) -> None:
    done, said = flood(limit, bad, good)
    assert len(done.on(DEAD_LETTERS)) == bad
    assert said == ""
