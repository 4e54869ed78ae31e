"""Dead letters on the embedded broker: listed from the topic, shown, replayed by the command."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from broker_world import published
from typer.testing import CliRunner

from ops.commands.dead import app
from ops.dead.replay import MARK
from ops.embedded.broker import EmbeddedBroker
from ops.topic_admin import apply
from streams import kafka
from streams.settings import Settings
from streams.topics import DEAD_LETTERS, FEEDBACK_RAW

SECRET = "secret-words"
GOOD = orjson.dumps({"id": "f-1", "channel": "app", "text": SECRET, "author": "a"})
BAD = orjson.dumps({"id": "f-2", "channel": "fax", "text": SECRET, "author": "a"})


async def command(*words: str) -> Any:
    return await asyncio.to_thread(CliRunner().invoke, app, [*words, "--from", "topic"])


def letter(offset: int, reason: str) -> bytes:
    place = {"topic": FEEDBACK_RAW, "partition": 0, "offset": offset}
    rest = {"reason": reason, "field": "", "agent": "intake", "appended_at": 1, "rejected_at": 1000 + offset}
    return orjson.dumps({**place, **rest})


def test_list_show_and_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with EmbeddedBroker() as broker:
            settings = Settings(broker=broker.address, partitions=1)
            monkeypatch.setenv("HARK_BROKER", broker.address)
            await apply(settings)
            producer = kafka.producer(settings, "test")
            await producer.start()
            for value in (GOOD, BAD):
                await producer.send_and_wait(FEEDBACK_RAW, value, key=b"k", headers=[("a", b"b")])
            for offset, reason in ((0, "poison"), (1, "invalid_field"), (900, "too_large")):
                await producer.send_and_wait(DEAD_LETTERS, letter(offset, reason))
            await producer.stop()

            listed = await command("list")
            assert "3 dead letters" in listed.output
            assert "1 too_large on feedback.raw" in listed.output
            narrowed = await command("list", "--reason", "poison", "--json")
            assert [orjson.loads(line)["offset"] for line in narrowed.output.splitlines()] == [0]

            shown = await command("show", "feedback.raw/0/0")
            assert f"{len(GOOD)} bytes, 1 headers, still there" in shown.output
            assert "no longer kept" in (await command("show", "feedback.raw/0/900")).output

            nothing = await command("replay")
            assert "say which" in nothing.output
            replayed = await command("replay", "--topic", FEEDBACK_RAW)
            assert replayed.exit_code == 1
            assert "1 replayed, 1 still invalid, 1 gone" in replayed.output
            assert "feedback.raw/0/1: still invalid: invalid_field channel" in replayed.output
            assert "feedback.raw/0/900: gone: feedback.raw no longer keeps offset 900" in replayed.output
            assert SECRET not in listed.output + shown.output + replayed.output

            records = await published(settings, FEEDBACK_RAW, 3)
            assert (records[2].key, records[2].value) == (b"k", GOOD)
            assert records[2].timestamp == records[0].timestamp
            assert dict(records[2].headers) == {"a": b"b", MARK: b"feedback.raw/0/0"}

    asyncio.run(scenario())
