"""The thorough setting by channel, and its audit of a sample of what the fast one masks."""

from __future__ import annotations

from collections import Counter

import pytest
from pydantic import SecretStr

from models.pii import Finder, Keyring, Masker, Span
from models.pii.audit import Audit
from models.pii.thorough import MissingTagger
from models.pii.view import Effort
from streams import masking
from streams.masking import ChannelError, field_mask, thorough_channels
from streams.settings import Settings

KEYS = Keyring({1: bytes(32)}, 1)
TEXTS = [f"parcel {number} of Quux arrived, call 13812345678" for number in range(400)]


class Careful(Finder):
    """Finds a name the fast setting does not know."""

    def find(self, text: str, *, bounded: bool = True, effort: Effort | None = None) -> list[Span]:
        found = super().find(text, bounded=bounded, effort=effort)
        at = text.find("Quux")
        return sorted([*found, Span(at, at + 4, "NAME", "quux")]) if at >= 0 else found


def _audited(share: float) -> tuple[list[str], Counter[tuple[str, str]]]:
    fast, counts = Finder(), Counter[tuple[str, str]]()

    def report(kind: str, who: str, count: int) -> None:
        counts[kind, who] += count

    audit = Audit(Masker(fast, {}, KEYS), fast, Careful(), share, report)
    return [audit.mask(text).text for text in TEXTS], counts


def test_audit_counts_what_the_fast_setting_leaves() -> None:
    masked, counts = _audited(1.0)
    assert counts == {("NAME", "only_thorough"): len(TEXTS)}
    plain = Masker(Finder(), {}, KEYS)
    assert masked == [plain.mask(text).text for text in TEXTS]


def test_audit_reads_its_share_and_the_same_texts_again() -> None:
    _, counts = _audited(0.25)
    assert 60 <= counts["NAME", "only_thorough"] <= 140
    assert _audited(0.25)[1] == counts
    assert not _audited(0.0)[1]


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return settings with keys, and stand-ins for the taggers."""
    monkeypatch.setattr(masking, "Finder", lambda names: Careful() if names == "thorough" else Finder())
    return Settings(pii_keys=SecretStr("keys of a unit test"))


def test_channels_are_read_thoroughly(settings: Settings) -> None:
    mask = field_mask(settings.model_copy(update={"pii_thorough_channels": "ticket, email"}))
    assert "Quux" not in mask.text("Quux wrote", "ticket").text
    assert "Quux" not in mask.text("Quux wrote", "email").text
    assert "Quux" in mask.text("Quux wrote", "review").text


def test_audit_feeds_the_metric(settings: Settings) -> None:
    mask = field_mask(settings.model_copy(update={"pii_audit_share": 1.0}))
    metric = masking.metrics.AUDITED.labels("NAME", "only_thorough")
    before = metric._value.get()
    assert mask.text("Quux wrote", "review").text == "Quux wrote"
    assert metric._value.get() == before + 1


def test_unknown_channels_are_refused(settings: Settings) -> None:
    with pytest.raises(ChannelError, match="fax"):
        thorough_channels("ticket,fax")
    with pytest.raises(ChannelError):
        field_mask(settings.model_copy(update={"pii_thorough_channels": "fax"}))


def test_missing_packages_stop_the_start(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(names: str) -> Finder:
        if names == "thorough":
            raise MissingTagger("not installed")
        return Finder()

    monkeypatch.setattr(masking, "Finder", missing)
    field_mask(settings)
    with pytest.raises(MissingTagger):
        field_mask(settings.model_copy(update={"pii_audit_share": 0.01}))
