"""Attachments: fetching, the follow-up, and the transcribers that are installed here."""

from __future__ import annotations

import base64
import io
import math
import wave
from array import array
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from models.identity import Links
from models.intake import Admission, FieldMask, Limits
from models.media import Folder, PocketSphinx, Refused, Tesseract, Transcribers, Unread
from models.media.pocketsphinx import RATE, samples
from models.outcome import DeadLetter, DeadReason, Emit
from models.pii import Finder, Masker
from models.pii.keyring import Keyring
from ops.media.reading import MediaReader

NOW = 1_790_000_000_000
INSTALLED = [one for one in (Tesseract(), PocketSphinx()) if not one.missing()]
"""`conftest.py` names the ones that are missing at the end of the run."""


class Echo:
    """A transcriber that says what the bytes say."""

    name = "echo"

    def __init__(self, *kinds: str, absent: str = "") -> None:
        self.kinds = frozenset(kinds)
        self._absent = absent

    def missing(self) -> str:
        return self._absent

    def transcribe(self, data: bytes, lang: str) -> str:
        if data == b"broken":
            raise Unread("broken")
        return data.decode()


def data_uri(data: bytes) -> str:
    return "data:application/octet-stream;base64," + base64.b64encode(data).decode()


def feedback(*attachments: dict[str, Any], **fields: Any) -> bytes:
    base = {"id": "f-1", "channel": "app", "text": "看图", "author": "moon_42", "rating": 1}
    return orjson.dumps({**base, "attachments": list(attachments), **fields})


def image(data: bytes, **fields: Any) -> dict[str, Any]:
    return {"kind": "image", "uri": data_uri(data), **fields}


def reader(*transcribers: Echo) -> MediaReader:
    return MediaReader(Transcribers(transcribers), Folder(None), Limits())


def test_a_picture_becomes_a_follow_up_of_the_same_voice() -> None:
    found = reader(Echo("image")).read(feedback(image("屏幕碎了".encode()), product="手机"), NOW)
    assert found.outcomes == [("image", "read")]
    assert orjson.loads(found.value or b"") == {
        "channel": "app",
        "author": "moon_42",
        "product": "手机",
        "id": "f-1.media",
        "text": "屏幕碎了",
        "occurred_at": NOW / 1000,
        "attributes": {"media_of": "f-1"},
    }


def test_reading_twice_gives_the_same_id_also_without_one() -> None:
    value = feedback(image(b"words"), id=None)
    first, second = (orjson.loads(reader(Echo("image")).read(value, NOW).value or b"") for _ in range(2))
    assert first == second
    assert first["id"] == first["attributes"]["media_of"] + ".media"


@pytest.mark.parametrize(
    ("attachment", "outcome"),
    [
        ({"kind": "audio", "uri": data_uri(b"x")}, [("audio", "no_transcriber")]),
        (image(b"broken"), [("image", "unread")]),
        (image(b" "), [("image", "empty")]),
        ({"kind": "image", "uri": "https://example.com/a.png"}, [("image", "refused")]),
        (image(b"x", text="known already"), []),
    ],
)
def test_what_cannot_be_read_is_counted_and_publishes_nothing(
    attachment: dict[str, Any], outcome: list[tuple[str, str]]
) -> None:
    found = reader(Echo("image")).read(feedback(attachment), NOW)
    assert (found.value, found.outcomes) == (None, outcome)


@pytest.mark.parametrize("value", [None, b"", b"{", b'{"attachments"', feedback(), feedback(channel="fax")])
def test_events_without_attachments_or_validity_are_left_alone(value: bytes | None) -> None:
    assert reader(Echo("image")).read(value, NOW).outcomes == []


def admitted(value: bytes) -> dict[str, Any] | DeadLetter:
    mask = FieldMask(Masker(Finder("fast"), {}, Keyring.from_secret("keys of a unit test")))
    outcome = Admission(mask, Links()).step(value, ("feedback.raw", 0, 1), NOW)
    assert isinstance(outcome, (Emit, DeadLetter))
    return outcome.value if isinstance(outcome, Emit) else outcome


def test_an_event_goes_on_with_what_is_pending_and_with_the_text_that_is_known() -> None:
    pending = {"kind": "audio", "uri": "a.wav"}
    record = admitted(feedback(image(b"x", text="电话13800138000，屏幕碎了"), pending))
    assert isinstance(record, dict)
    assert record["media_pending"] == 1
    assert record["text"].startswith("看图\n")
    assert "屏幕碎了" in record["text"]
    assert "13800138000" not in str(record)


def test_a_picture_without_words_goes_on_and_nothing_at_all_does_not() -> None:
    silent = orjson.loads(feedback(image(b"x")))
    del silent["text"]
    for value in (feedback(image(b"x"), text=" "), feedback(image(b"x"), text=""), orjson.dumps(silent)):
        record = admitted(value)
        assert isinstance(record, dict)
        assert (record["text"], record["media_pending"]) == ("", 1)
    del silent["attachments"]
    assert admitted(orjson.dumps(silent)) == DeadLetter(DeadReason.TEXT_MISSING, "text")
    assert admitted(feedback(text=" ")) == DeadLetter(DeadReason.TEXT_MISSING, "text")


def test_the_first_installed_of_a_kind_counts_and_missing_ones_are_named() -> None:
    second = Echo("image", "video")
    chosen = Transcribers([Echo("image", absent="install this"), second, Echo("image")])
    assert chosen.of("image") is chosen.of("video") is second
    assert (chosen.of("audio"), chosen.missing, len(chosen)) == (None, ["install this"], 1)


def test_files_of_the_folder_and_nothing_else(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "secret.txt"
    (inside / "a b").mkdir(parents=True)
    (inside / "a b" / "c.png").write_bytes(b"yes")
    (inside / "big").write_bytes(b"12345678901")
    outside.write_bytes(b"no")
    (inside / "link").symlink_to(outside)
    folder = Folder(inside, most=10)
    for uri in ("a%20b/c.png", "./a b/c.png", (inside / "a b" / "c.png").as_uri()):
        assert folder.read(uri) == b"yes"
    for uri in ("../secret.txt", "%2e%2e/secret.txt", str(outside), outside.as_uri(), "link", "big", "a b",
                "nothing", "a%00b", "http://127.0.0.1/", "//host/share", "ftp:x", "data:nothing",
                "data:;base64,%%%", "file://[", "x" * 5000):  # fmt: skip
        with pytest.raises(Refused) as problem:
            folder.read(uri)
        assert uri not in str(problem.value)
    with pytest.raises(Refused, match="no media folder"):
        Folder(None).read("a.png")


@given(uri=st.text(max_size=30))
def test_no_uri_is_a_fault(uri: str) -> None:
    try:
        Folder(Path(__file__).parent / "nowhere").read(uri)
    except Refused:
        return
    assert uri.startswith("data:")


def wav(seconds: float = 0.2, rate: int = 8000, channels: int = 2, width: int = 2) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        count = int(seconds * rate)
        tone = [int(8000 * math.sin(index / 5)) for index in range(count)]
        frames = array("h", [value for value in tone for _ in range(channels)]).tobytes()
        file.writeframes(frames if width == 2 else bytes(count * channels))
    return out.getvalue()


def test_sound_is_brought_to_the_recognisers_rate() -> None:
    assert len(samples(wav(0.2, 8000))) == len(samples(wav(0.2, 44_100, 1))) == 2 * int(0.2 * RATE)
    for wrong in (b"", b"RIFF", b"x" * 100, wav(width=1), wav(301, 1000, 1)):
        with pytest.raises(Unread):
            samples(wrong)


def test_a_transcriber_that_is_not_there_says_what_to_install() -> None:
    assert "tesseract-ocr" in Tesseract("no-such-program").missing()


ATTACHMENTS = Path(__file__).parent.parent / "attachments"
"""A Chinese sentence as a picture, and "please give me my money back" said by eSpeak NG."""


@pytest.mark.parametrize("lang", ["zh", "en", ""])
@pytest.mark.parametrize("one", [one for one in INSTALLED if isinstance(one, Tesseract)])
def test_a_chinese_picture_is_read_whatever_the_event_says(one: Tesseract, lang: str) -> None:
    """With both languages at once Tesseract read this picture as "FOUR YT, BORK"."""
    said = one.transcribe((ATTACHMENTS / "complaint_zh.png").read_bytes(), lang)
    assert said.startswith("手机屏幕") and said.endswith("要求退款")


@pytest.mark.parametrize("one", INSTALLED, ids=lambda one: one.name)
def test_an_installed_transcriber_reads_what_we_made(one: Tesseract | PocketSphinx) -> None:
    if isinstance(one, Tesseract):
        picture = Image.new("RGB", (520, 70), "white")
        ImageDraw.Draw(picture).text((10, 15), "Screen broken refund 42", "black", ImageFont.load_default(36))
        out = io.BytesIO()
        picture.save(out, "PNG")
        assert one.transcribe(out.getvalue(), "en") == "Screen broken refund 42"
    else:
        heard = one.transcribe((ATTACHMENTS / "complaint_en.wav").read_bytes(), "en")
        assert {"please", "give", "money"} <= set(heard.split())
        with pytest.raises(Unread, match="language"):
            one.transcribe(wav(), "zh")
    with pytest.raises(Unread):
        one.transcribe(b"no media", "en")
