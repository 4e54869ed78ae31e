"""Operators, key rings and the masker."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from models.pii import Finder, Keyring, Masker
from models.pii.keyring import KeyringError
from models.pii.operators import Encrypt, Finding, Keep, Mask, Redact, Replace
from ops.commands.keys import app

FINDER = Finder()
RING = Keyring({1: bytes(range(32))}, 1)
PHONE = "手机13800138000"


def test_every_spelling_gets_one_pseudonym() -> None:
    masker = Masker(FINDER, {}, RING)
    spellings = [
        "13800138000",
        "+86 138-0013-8000",
        "１３８００１３８０００",
        "一三八零零一三八零零零",
        "(+86)13800138000",
    ]
    tokens = {masker.mask(f"电话{spelling}。").text for spelling in spellings}
    assert len(tokens) == 1
    assert masker.pseudonym("PHONE", "8613800138000") in tokens.pop()


def test_counts_by_type() -> None:
    masked = Masker(FINDER, {}, RING).mask("电话13800138000和13900139000，a@b.com")
    assert masked.counts == {"PHONE": 2, "EMAIL": 1}


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        (Replace(), "手机[PHONE]"),
        (Replace("×"), "手机×"),
        (Redact(), "手机"),
        (Mask(keep=3), "手机********000"),
        (Keep(), PHONE),
    ],
)
def test_operators(operator: Replace, expected: str) -> None:
    masker = Masker(FINDER, {"PHONE": operator}, RING)
    once = masker.mask(PHONE).text
    assert once == expected
    assert masker.mask(once).text == once


def test_own_operator_is_not_searched_again() -> None:
    def invent(finding: Finding) -> str:
        return "13700137000"

    masked = Masker(FINDER, {"PHONE": invent}, RING).mask(PHONE)
    assert masked == ("手机13700137000", {"PHONE": 1})


def test_encryption_is_reversible_and_bound_to_its_type() -> None:
    token = Masker(FINDER, {"PHONE": Encrypt()}, RING).mask(PHONE).text.removeprefix("手机")
    assert RING.decrypt(token) == "13800138000"
    with pytest.raises(KeyringError):
        RING.decrypt(token.replace("PHONE", "EMAIL"))


def test_cutting_out_does_not_join_a_number() -> None:
    masker = Masker(FINDER, {"EMAIL": Redact()}, RING)
    masked = masker.mask("手机1380013 a@b.com 8000")
    assert FINDER.find(masked.text) == []


def test_a_number_cannot_pose_as_a_token() -> None:
    assert FINDER.find("<PHONE:k1:13800138000>")
    assert not FINDER.find(Masker(FINDER, {}, RING).pseudonym("PHONE", "1"))


def test_unknown_type_is_refused() -> None:
    with pytest.raises(ValueError, match="SHOE_SIZE"):
        Masker(FINDER, {"SHOE_SIZE": Redact()}, RING)


def test_rotation_changes_pseudonyms_and_destruction_forgets() -> None:
    rotated = RING.rotate(lambda count: b"x" * count)
    assert rotated.digest("PHONE", "1") != RING.digest("PHONE", "1")
    assert rotated.digest("PHONE", "1", 1) == RING.digest("PHONE", "1")
    forgotten = rotated.destroy(1)
    with pytest.raises(KeyringError):
        forgotten.digest("PHONE", "1", 1)
    assert forgotten.rotate().current == 3


def test_the_ring_survives_a_file_and_hides_its_keys(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    RING.rotate().save(path)
    loaded = Keyring.load(path)
    assert loaded.versions == [1, 2]
    assert path.stat().st_mode & 0o077 == 0
    assert json.loads(path.read_text())["keys"]["1"] not in repr(loaded)


@pytest.mark.parametrize(
    "body", ["", "{}", '{"current": 1, "keys": {"1": "AAAA"}}', '{"current": 2, "keys": {}}']
)
def test_a_broken_file_is_refused(tmp_path: Path, body: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(body)
    with pytest.raises(KeyringError):
        Keyring.load(path)


def test_short_secrets_are_refused() -> None:
    with pytest.raises(KeyringError):
        Keyring.from_secret("short")
    assert Keyring.from_secret("long enough to be a secret").digest("A", "b")


def test_keys_command(tmp_path: Path) -> None:
    runner, path = CliRunner(), tmp_path / "keys.json"
    assert runner.invoke(app, ["new", "--file", str(path)]).exit_code == 0
    assert runner.invoke(app, ["new", "--file", str(path)]).exit_code == 1
    assert runner.invoke(app, ["rotate", "--file", str(path)]).exit_code == 0
    assert runner.invoke(app, ["destroy", "2", "--yes", "--file", str(path)]).exit_code == 1
    assert runner.invoke(app, ["destroy", "1", "--yes", "--file", str(path)]).exit_code == 0
    listed = runner.invoke(app, ["list", "--file", str(path)]).output
    assert listed.split() == ["1", "destroyed", "2", "in", "use"]


def test_a_pseudonym_that_begins_with_e_is_left_when_decrypting(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    RING.save(path)
    tokens = (Masker(FINDER, {}, RING).mask(f"u{number}@b.com").text for number in range(1000))
    token = next(one for one in tokens if one.startswith("<EMAIL:k1:e"))
    shown = CliRunner().invoke(app, ["decrypt", "--file", str(path), token])
    assert (shown.exit_code, shown.output) == (0, f"{token}\n")


def test_what_was_encrypted_is_decrypted_from_the_command_line(tmp_path: Path) -> None:
    runner, path, later = CliRunner(), tmp_path / "keys.json", RING.rotate()
    later.save(path)
    old = Masker(FINDER, {"PHONE": Encrypt()}, RING).mask(PHONE).text
    new = Masker(FINDER, {"PHONE": Encrypt()}, later).mask(PHONE + "，a@b.com").text
    shown = runner.invoke(app, ["decrypt", "--file", str(path)], input=f"{old}\n{new}\n")
    assert shown.exit_code == 0
    assert shown.output.splitlines()[0] == PHONE
    assert shown.output.splitlines()[1].startswith(f"{PHONE}，<EMAIL:k2:")
    assert runner.invoke(app, ["destroy", "1", "--yes", "--file", str(path)]).exit_code == 0
    lost = runner.invoke(app, ["decrypt", "--file", str(path), old])
    assert lost.exit_code == 1 and "13800138000" not in lost.output
