"""Operators by type from the settings: what they do to events, and what does not read."""

from __future__ import annotations

import re

import pytest
from pydantic import SecretStr

from models.pii.operator_choice import OperatorError, chosen
from models.pii.operators import Finding
from ops.failures import sentence
from streams.masking import field_mask, keyring
from streams.settings import Settings

SAID = "手机13800138000，邮箱ann@example.com，登录203.0.113.7，QQ87654321，我叫王雨涵，车牌京A12345"
SETTINGS = Settings(
    pii_keys=SecretStr("keys of a unit test"),
    pii_operators=(
        f"PHONE=mask:4, EMAIL=encrypt, IP=redact, QQ=replace:[qq], NAME=keep, PLATE=own:{__name__}:Garage"
    ),
)


class Garage:
    """An operator of one's own."""

    def __call__(self, finding: Finding) -> str:
        return f"({finding.type.lower()}, {len(finding.text)})"


def test_every_operator_reaches_the_texts_of_events() -> None:
    masked = field_mask(SETTINGS).text(SAID, "app")
    token = re.search("<EMAIL:e1:[a-p]+>", masked.text)
    assert token
    assert masked.text.replace(token[0], "…") == (
        "手机*******8000，邮箱…，登录，QQ[qq]，我叫王雨涵，车牌(plate, 7)"
    )
    assert keyring(SETTINGS).decrypt(token[0]) == "ann@example.com"
    assert masked.counts == {"PHONE": 1, "EMAIL": 1, "IP": 1, "QQ": 1, "PLATE": 1, "NAME": 1}


def test_types_that_are_not_named_get_pseudonyms_and_so_do_identifiers() -> None:
    mask, counts = field_mask(SETTINGS), dict[str, int]()
    assert re.fullmatch("护照<PASSPORT:k1:[a-p]{16}>", mask.text("护照E12345678").text)
    assert re.fullmatch("<CUSTOMER:k1:[a-p]{16}>", mask.identifier("CUSTOMER", "13800138000", counts))
    assert counts == {"PHONE": 1}


def test_channels_with_the_thorough_setting_get_them_too(monkeypatch: pytest.MonkeyPatch) -> None:
    from models.pii import Finder
    from streams import masking

    monkeypatch.setattr(masking, "Finder", lambda names: Finder())
    mask = field_mask(SETTINGS.model_copy(update={"pii_thorough_channels": "ticket"}))
    assert mask.text("手机13800138000", "ticket").text == "手机*******8000"


def test_attributes_get_them_and_keep_what_is_kept() -> None:
    told = {"contact": "13800138000", "said": "我叫王雨涵", "deep": [{"ip": "203.0.113.7"}]}
    masked = field_mask(SETTINGS).attributes(told, {})
    assert masked == {"contact": "*******8000", "said": "我叫王雨涵", "deep": [{"ip": ""}]}


def test_masking_twice_changes_nothing() -> None:
    mask = field_mask(SETTINGS)
    once = mask.text(SAID, "app").text
    assert mask.text(once, "app").text == once


@pytest.mark.parametrize(
    "text",
    [
        "PHONE",
        "TELEPHONE=mask",
        "PHONE=hide",
        "PHONE=mask:x",
        "PHONE=keep:2",
        "PHONE=own:nowhere:Thing",
        "PHONE=own:models.pii:Nothing",
        "PHONE=own:",
    ],
)
def test_what_does_not_read_is_one_sentence(text: str) -> None:
    with pytest.raises(OperatorError) as caught:
        chosen(text)
    assert (sentence(caught.value) or "").startswith("HARK_PII_OPERATORS: ")


def test_without_keys_nothing_starts() -> None:
    from models.pii.keyring import KeyringError

    with pytest.raises(KeyringError) as caught:
        field_mask(Settings())
    assert "hark keys new" in (sentence(caught.value) or "")
