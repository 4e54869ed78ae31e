"""Suggested and accepted tags as `topics.tags` gives them to this process."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter

from models.topics.emerging import Burst
from models.topics.tags import Tag, TagBook
from streams.codec import dumps, loads
from streams.outbox import Outbox
from streams.topics import TOPIC_TAGS

log = logging.getLogger(__name__)

PAUSE_S = 0.2
"""Compiling phrases takes 0.1 s, so records that come together are taken together."""

Phrases = Mapping[str, tuple[str, ...]]
_TAG = TypeAdapter(Tag)


class LiveTags:
    """Follows the tags and hands the phrases of accepted ones to who scores.

    Parameters
    ----------
    schedule
        Calls a function a little later.

    Attributes
    ----------
    installers
        Called with topic id → phrases whenever that changes.
    """

    def __init__(self, schedule: Callable[[Callable[[], None]], object] | None = None) -> None:
        self.installers: list[Callable[[Phrases], None]] = []
        self._schedule = schedule or _soon
        self._entries: dict[str, dict[str, Any]] = {}
        self._live: Phrases = {}
        self._waiting = False

    @property
    def book(self) -> TagBook:
        """All tags as they stand."""
        return book_of(self._entries.values())

    def apply(self, key: bytes | None, value: bytes | None) -> None:
        """Take one record; a malformed one changes nothing."""
        name = (key or b"").decode(errors="replace")
        before = self._entries.get(name)
        try:
            if value is None:
                self._entries.pop(name, None)
            else:
                _TAG.validate_json(value, strict=True)
                entry = loads(value)
                book_of([entry])
                self._entries[name] = entry
        except ValueError as error:
            log.error("tag %s is refused: %s", name, type(error).__name__)
            return
        if self._entries.get(name) != before and not self._waiting:
            self._waiting = True
            self._schedule(self._install)

    def _install(self) -> None:
        self._waiting = False
        phrases = self.book.phrases()
        if phrases == self._live:
            return
        try:
            for install in self.installers:
                install(phrases)
        except ValueError as error:
            log.error("accepted tags cannot be used, those before stay: %s", error)
            return
        self._live = phrases

    def suggest(self, burst: Burst, out: Outbox) -> Tag | None:
        """Add a burst as a suggestion, here and on the topic; None where its phrases are known."""
        book = self.book
        tag = book.suggest(burst)
        if tag is not None:
            add_tag(out, tag)
            self._entries[tag.id] = asdict(tag)
        return tag


def book_of(entries: Any) -> TagBook:
    """Return a book of tags given as their JSON values; raises ValueError where one does not fit."""
    book = TagBook()
    book.restore({"tags": list(entries)})
    return book


def add_tag(out: Outbox, tag: Tag) -> None:
    """Add a tag's record."""
    out.placed(TOPIC_TAGS, 0, tag.id.encode(), dumps(asdict(tag)))


def _soon(call: Callable[[], None]) -> object:
    return asyncio.get_running_loop().call_later(PAUSE_S, call)
