"""What a voice's own log hands to the customer it was linked to, so that copies of what it said stay copies.

Before a link an event lies in the voice's log and its id in the voice's memory; a copy that arrives after it
goes to the customer's log. So intake tells the voice's log of a link (`told_of`), whose scorer hands what the
voice was heard with lately to the customer's log (`handed`): digests of ids and of words, nothing else of the
voice. What reaches the voice's log later still, because another worker had not heard of the link yet, is
handed on one by one (`handed_on`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from models.dedup import digest
from models.intake.links import LINKED, UNLINKED, VOICE
from models.scoring.customer import CustomerMemory

HEARD = "heard"
_FARTHEST = f"/{HEARD}" * 4
"""End of the id of a record that goes no further: voices may be linked to each other, in circles too."""


def step(record: Mapping[str, Any], memory: CustomerMemory) -> dict[str, Any] | None:
    """Take a record of this event; return what to hand to another log, but for its origin."""
    if record["kind"] == LINKED:
        memory.state["l"] = record["value"]
        return _handed(record, record["value"], memory.seen.entries, memory.words.entries)
    if record["kind"] == UNLINKED:
        memory.state.pop("l", None)
        return None
    memory.seen.merge(record["ids"])
    memory.words.merge(record["words"])
    owner = memory.state.get("l")
    if not owner or record["id"].endswith(_FARTHEST):
        return None
    return _handed(record, owner, record["ids"], record["words"])


def handed_on(feedback: Mapping[str, Any], memory: CustomerMemory) -> dict[str, Any] | None:
    """Return what a voice that is linked already hands on of one feedback more, None for all others."""
    owner = memory.state.get("l")
    if not owner:
        return None
    ident, at = feedback["feedback_id"], feedback["occurred_at"] / 1000.0
    words = {key: entry for key, entry in memory.words.entries.items() if entry[0] == ident}
    return _handed(feedback, owner, {digest(ident): at}, words)


def _handed(
    record: Mapping[str, Any], owner: str, ids: Mapping[str, float], words: Mapping[str, Sequence[Any]]
) -> dict[str, Any]:
    return {
        "event": VOICE,
        "id": f"{record.get('id') or record['feedback_id']}/{HEARD}",
        "customer_id": owner,
        "kind": HEARD,
        "ids": dict(ids),
        "words": {key: list(entry) for key, entry in words.items()},
        "occurred_at": record["occurred_at"],
        "received_at": record["received_at"],
    }
