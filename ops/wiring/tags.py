"""Tags on `topics.tags`, and the stored feedback an accepted one may be applied to."""

from __future__ import annotations

from typing import Any

from models.topics.tags import Tag, TagBook, matches
from ops.wiring.log import read, send
from ops.wiring.store import opened
from sinks.clickhouse.client import Client
from streams.codec import loads
from streams.outbox import Outbox
from streams.settings import Settings
from streams.tags import add_tag, book_of
from streams.topics import TOPIC_TAGS

PAGE = 5000
_TEXTS = """SELECT feedback_id, text FROM feedback FINAL
WHERE feedback_id > {after:String} AND NOT has(scores.topics, {topic:String})
ORDER BY feedback_id LIMIT {page:UInt32}"""
_NAMES = "SELECT tupleNames(scores), toTypeName(scores) FROM feedback LIMIT 1"
_UPDATE = """ALTER TABLE feedback UPDATE scores = CAST(tuple({parts}), '{kind}')
WHERE feedback_id IN {{ids:Array(String)}}"""


class KafkaTags:
    """The store of `hark topics suggest | accept | dismiss`.

    Parameters
    ----------
    settings
        Broker, and ClickHouse for the past.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loaded: dict[str, Tag] = {}

    def load(self) -> TagBook:
        """Return the book as the topic has it; malformed records are left out, as workers do."""
        newest: dict[bytes, Any] = {}
        for key, value in read(self._settings, TOPIC_TAGS):
            try:
                entry = None if value is None else loads(value)
                book_of([] if entry is None else [entry])
            except ValueError:
                continue
            newest[key or b""] = entry
        book = book_of([entry for entry in newest.values() if entry is not None])
        self._loaded = {tag.id: tag for tag in book.tags()}
        return book

    def save(self, book: TagBook) -> None:
        """Send the tags that changed; workers take accepted ones within a second."""
        changed = [tag for tag in book.tags() if self._loaded.get(tag.id) != tag]

        def fill(out: Outbox) -> None:
            for tag in changed:
                add_tag(out, tag)

        send(self._settings, fill)
        self._loaded = {tag.id: tag for tag in book.tags()}

    def apply_to_past(self, tag: Tag) -> int:
        """Give stored feedback the tag's topic where its phrases match, as workers would have."""
        with opened(self._settings) as client:
            return apply_to_store(client, tag)


def apply_to_store(client: Client, tag: Tag) -> int:
    """Add a tag's topic to matching feedback, page by page; repeating it changes nothing.

    A mutation rewrites the parts it touches, which is right for something people do a few times a month;
    hourly rollups keep the topics of the day they were made.
    """
    rows = client.query(_NAMES).result_rows
    if not rows:
        return 0
    names, kind = rows[0]
    parts = ", ".join(
        f"arrayPushBack(scores.{name}, {{topic:String}})" if name == "topics" else f"scores.{name}"
        for name in names
    )
    update = _UPDATE.format(parts=parts, kind=str(kind).replace("'", "\\'"))
    after, count = "", 0
    while True:
        asked = {"after": after, "topic": tag.topic, "page": PAGE}
        page = client.query(_TEXTS, parameters=asked).result_rows
        found = matches(tag, [str(text) for _, text in page])
        ids = [str(ident) for (ident, _), hit in zip(page, found, strict=True) if hit]
        if ids:
            parameters = {"topic": tag.topic, "ids": ids}
            client.command(update, parameters=parameters, settings={"mutations_sync": 2})
            count += len(ids)
        if len(page) < PAGE:
            return count
        after = str(page[-1][0])
