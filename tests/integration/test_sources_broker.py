"""`hark import` and the media process against the embedded broker: what goes in stands on the topic, once."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from pathlib import Path
from typing import Any

import orjson
import typer
from aiokafka import AIOKafkaConsumer, TopicPartition
from typer.testing import CliRunner

from models.intake import Limits
from models.media import Folder, Transcribers
from ops.commands.import_ import import_
from ops.embedded.broker import EmbeddedBroker
from ops.media.reading import MediaReader
from ops.media.worker import MediaWorker
from ops.topic_admin import apply
from streams import kafka
from streams.settings import Settings
from streams.topics import FEEDBACK_RAW

REVIEWS = (
    "review_id,nickname,stars,title,review,date\n"
    "1,a,1,闪退,一打开就退,2026-11-01 10:00:00\n"
    "2,b,5,,Works well,2026-11-02 10:00:00\n"
    "3,c,4,没有时间,,never\n"
)
PICTURE = {
    "id": "f-9",
    "channel": "app",
    "author": "d",
    "attachments": [
        {"kind": "image", "uri": "data:image/png;base64," + base64.b64encode("屏幕碎了".encode()).decode()}
    ],
}


class Echo:
    """A transcriber that says what the bytes say."""

    name = "echo"
    kinds = frozenset({"image"})

    def missing(self) -> str:
        return ""

    def transcribe(self, data: bytes, lang: str) -> str:
        return data.decode()


def command(*words: str) -> Any:
    app = typer.Typer()
    app.command()(import_)
    return CliRunner().invoke(app, list(words))


async def read(settings: Settings, count: int) -> list[dict[str, Any]]:
    consumer = kafka.reader(settings, "test")
    await consumer.start()
    place = TopicPartition(FEEDBACK_RAW, 0)
    consumer.assign([place])
    consumer.seek(place, 0)
    try:
        async with asyncio.timeout(20):
            found = [orjson.loads((await consumer.getone(place)).value) for _ in range(count)]
        assert (await consumer.end_offsets([place]))[place] == count
    finally:
        await consumer.stop()
    return found


async def committed(settings: Settings) -> int | None:
    place = TopicPartition(FEEDBACK_RAW, 0)
    group = f"{settings.client_id}-media"
    consumer = AIOKafkaConsumer(
        **kafka.connection(settings, "test"), group_id=group, enable_auto_commit=False
    )
    await consumer.start()
    consumer.assign([place])
    try:
        offset: int | None = await consumer.committed(place)
        return offset
    finally:
        await consumer.stop()


@contextlib.asynccontextmanager
async def media(settings: Settings) -> Any:
    worker = MediaWorker(settings, MediaReader(Transcribers([Echo()]), Folder(None), Limits()))
    stopped = asyncio.Event()
    task = asyncio.create_task(worker.run(stopped))
    try:
        yield worker
    finally:
        stopped.set()
        await asyncio.wait_for(task, 20)


def test_files_and_pictures_come_to_the_topic(tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    path.write_text(REVIEWS, "utf-8")

    async def scenario() -> None:
        async with EmbeddedBroker() as broker:
            settings = Settings(broker=broker.address, partitions=1)
            await apply(settings)
            words = (str(path), "--mapping", "app_store_reviews", "--broker", broker.address)
            imported = await asyncio.to_thread(command, *words)
            assert imported.exit_code == 1, imported.output
            assert "2 events published, 1 lines refused" in imported.output
            assert "never" not in imported.output

            async with kafka.producer(settings, "test") as producer:
                await producer.send_and_wait(FEEDBACK_RAW, orjson.dumps(PICTURE), key=b"d")
            async with media(settings):
                events = await read(settings, 4)
            assert [event["id"] for event in events] == ["appstore-1", "appstore-2", "f-9", "f-9.media"]
            assert [event.get("rating") for event in events[:2]] == [1, 5]
            assert events[3]["text"] == "屏幕碎了"
            assert events[3]["attributes"] == {"media_of": "f-9"}

            assert await committed(settings) in (3, 4)

    asyncio.run(scenario())
