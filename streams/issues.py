"""Which clusters are one issue, as `feedback.issues` gives it to this process."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from models.topics.issues import Alias
from streams.codec import dumps, loads
from streams.outbox import BatchProducer, Layout, Outbox
from streams.topics import ISSUES

log = logging.getLogger(__name__)

MOST = 32_768
"""Aliases remembered, 200 bytes each; the one told longest ago is forgotten."""

_MOST_HOPS = 8


class LiveIssues:
    """Follows the aliases; the newest word on a cluster counts.

    Examples
    --------
    >>> live = LiveIssues()
    >>> live.apply(b"b2", b'{"cluster_id": "b2", "issue_id": "a1", "at": 0}')
    >>> live.apply(b"c3", b'{"cluster_id": "c3", "issue_id": "b2", "at": 0}')
    >>> live.issue_of("c3"), live.issue_of("d4")
    ('a1', 'd4')
    """

    def __init__(self) -> None:
        self._issues: dict[str, str] = {}

    def apply(self, key: bytes | None, value: bytes | None) -> None:
        """Take one record; a malformed one changes nothing."""
        cluster_id = (key or b"").decode(errors="replace")
        try:
            issue_id = None if value is None else str(loads(value)["issue_id"])
        except (ValueError, KeyError, TypeError) as error:
            log.error("a record of %s is refused: %s", ISSUES, type(error).__name__)
            return
        self._issues.pop(cluster_id, None)
        if issue_id is not None:
            self._issues[cluster_id] = issue_id
            if len(self._issues) > MOST:
                del self._issues[next(iter(self._issues))]

    def issue_of(self, cluster_id: str) -> str:
        """Return the issue a cluster belongs to: itself where nothing else was told."""
        for _ in range(_MOST_HOPS):
            issue_id = self._issues.get(cluster_id, cluster_id)
            if issue_id == cluster_id:
                break
            cluster_id = issue_id
        return cluster_id


async def tell(aliases: Sequence[Alias], producer: BatchProducer, layout: Layout) -> None:
    """Write aliases, in order; returns when they are confirmed."""
    out = Outbox(layout)
    for alias in aliases:
        value = {"cluster_id": alias.cluster_id, "issue_id": alias.issue_id, "at": int(alias.at * 1000)}
        out.placed(ISSUES, 0, alias.cluster_id.encode(), dumps(value))
    await out.send(producer)
