"""Links of handles to customers: effect on the next event, withdrawal, tombstones, and what is told."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from models.events import CustomerFact
from models.identity import Links
from models.intake import Admission, FieldMask, LinkAdmission
from models.outcome import DeadLetter, DeadReason, Emit
from models.pii import Finder, Masker
from models.pii.keyring import Keyring

NOW = 1_790_000_000_000
AT = ("feedback.raw", 0, 1)


class Door:
    """Admission and links that share one mask, as in the intake agent."""

    def __init__(self) -> None:
        keys, known = Keyring.from_secret("keys of a unit test"), Links()
        mask = FieldMask(Masker(Finder("fast"), {}, keys))
        self.links = LinkAdmission(mask, known)
        self.feedback = Admission(mask, known)

    def say(self, **fields: Any) -> dict[str, Any]:
        value = orjson.dumps({"channel": "social", "author": "moon_42", "text": "发货太慢了", **fields})
        outcome = self.feedback.step(value, AT, NOW)
        assert isinstance(outcome, Emit)
        return outcome.value

    def tell(self, **fields: Any) -> None:
        assert self.links.apply(b"social:moon_42", link(**fields)) is None


def link(**fields: Any) -> bytes:
    base = {"channel": "social", "author": "moon_42", "customer_id": "cust-7", "consent": "granted"}
    return orjson.dumps({**base, **fields})


def test_a_link_counts_from_the_next_event_and_its_withdrawal_too() -> None:
    door = Door()
    before = door.say()
    door.tell()
    during = door.say()
    door.tell(consent="withdrawn")
    after = door.say()
    assert not before["linked"]
    assert before["customer_id"] == before["voice"]
    assert (during["linked"], during["customer_id"]) == (True, "cust-7")
    assert (after["linked"], after["customer_id"]) == (False, before["voice"])
    assert during["voice"] == before["voice"], "the pseudonym is stable, so the log can be joined later"


@pytest.mark.parametrize("fields", [{"customer_id": None}, {"consent": "withdrawn"}])
def test_unlinking_in_either_way(fields: dict[str, Any]) -> None:
    door = Door()
    door.tell()
    door.tell(**fields)
    assert not door.say()["linked"]


def test_a_tombstone_forgets_the_link() -> None:
    door = Door()
    door.tell()
    assert door.links.apply(b"social:moon_42", None) is None
    assert not door.say()["linked"]
    assert door.links.apply(b"nobody", None) == DeadLetter(DeadReason.EMPTY)
    told = door.links.forgotten(b"social:moon_42", ("customers.links", 0, 7), NOW)
    assert told is not None and CustomerFact.model_validate(told).customer_id == door.say()["voice"]
    assert "moon_42" not in str(told)
    for key in (None, b"nobody", b"~erase:5f3a"):
        assert door.links.forgotten(key, ("customers.links", 0, 8), NOW) is None


def test_a_link_of_one_channel_does_not_speak_for_another() -> None:
    door = Door()
    door.tell()
    assert not door.say(channel="review")["linked"]


def test_an_own_customer_id_wins_over_the_link() -> None:
    door = Door()
    door.tell()
    assert door.say(customer_id="cust-9")["customer_id"] == "cust-9"


def test_personal_data_as_customer_id_becomes_the_same_pseudonym_as_on_events() -> None:
    door, mail = Door(), "wei.zhang@example.com"
    door.tell(customer_id=mail)
    linked = door.say()
    direct = door.say(customer_id=mail, author=None)
    assert mail not in str(linked)
    assert linked["customer_id"] == direct["customer_id"]


def fact(door: Door, value: bytes, appended_ms: int = NOW) -> dict[str, Any]:
    outcome = door.links.step(value, ("customers.links", 0, 3), appended_ms)
    assert isinstance(outcome, Emit)
    CustomerFact.model_validate(outcome.value, strict=False)
    return outcome.value


def test_the_fact_names_voice_and_customer_and_never_the_handle() -> None:
    door = Door()
    voice = door.say()["voice"]
    linked = fact(door, link())
    unlinked = fact(door, link(customer_id=None))
    assert (linked["kind"], linked["customer_id"], linked["value"]) == ("linked", "cust-7", voice)
    assert (unlinked["kind"], unlinked["customer_id"], unlinked["value"]) == ("unlinked", voice, voice)
    assert "moon_42" not in str(linked) + str(unlinked)


def test_linking_again_is_news_and_a_repeat_is_not() -> None:
    door = Door()
    first, repeat, later = fact(door, link()), fact(door, link()), fact(door, link(), NOW + 5)
    assert first["id"] == repeat["id"]
    assert first["id"] != later["id"]


@pytest.mark.parametrize(
    ("value", "reason", "field"),
    [
        (b"{", DeadReason.NOT_JSON, ""),
        (b"[]", DeadReason.NOT_OBJECT, ""),
        (link(channel="fax"), DeadReason.INVALID, "channel"),
        (link(consent="maybe"), DeadReason.INVALID, "consent"),
        (link(author=""), DeadReason.INVALID, "author"),
    ],
)
def test_malformed_links_change_nothing_and_say_why(value: bytes, reason: DeadReason, field: str) -> None:
    door = Door()
    door.tell()
    assert door.links.apply(b"social:moon_42", value) == DeadLetter(reason, field)
    assert door.links.step(value, ("customers.links", 0, 3), NOW) == DeadLetter(reason, field)
    assert door.say()["linked"]
