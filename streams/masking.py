"""The maskers a worker needs: by channel fast or thorough, and the audit of the fast one."""

from __future__ import annotations

from models.events.base import Channel
from models.intake import FieldMask
from models.pii import Finder, Keyring, Masker
from models.pii.audit import Audit
from models.pii.keyring import KeyringError
from models.pii.operator_choice import chosen
from streams import metrics
from streams.settings import Settings


class ChannelError(ValueError):
    """HARK_PII_THOROUGH_CHANNELS names a channel there is not."""


def keyring(settings: Settings) -> Keyring:
    """Return the keys.

    Raises
    ------
    KeyringError
        Without keys: a worker that cannot pseudonymise must not start.
    """
    if settings.pii_keys_file is not None:
        return Keyring.load(settings.pii_keys_file)
    if secret := settings.pii_keys.get_secret_value():
        return Keyring.from_secret(secret)
    raise KeyringError("no keys: make some with `hark keys new` and name them in HARK_PII_KEYS_FILE")


def masker(settings: Settings) -> Masker:
    """Return the masker of every field and of texts whose channel is not singled out."""
    return Masker(Finder(settings.pii_names), chosen(settings.pii_operators), keyring(settings))


def field_mask(settings: Settings) -> FieldMask:
    """Return the mask of all fields, texts by channel.

    Raises
    ------
    ChannelError
        If a channel of the settings does not exist.
    models.pii.operator_choice.OperatorError
        If the settings choose an operator that does not exist.
    models.pii.thorough.MissingTagger
        If the thorough setting is asked for anywhere and its packages are missing.
    """
    channels = thorough_channels(settings.pii_thorough_channels)
    keys, operators = keyring(settings), chosen(settings.pii_operators)
    finder = Finder(settings.pii_names)
    fields = Masker(finder, operators, keys)
    if settings.pii_names == "thorough" or not (channels or settings.pii_audit_share):
        return FieldMask(fields)
    thorough = Finder("thorough")
    careful = Masker(thorough, operators, keys)
    texts = Audit(fields, finder, thorough, settings.pii_audit_share, report)
    return FieldMask(fields, texts, dict.fromkeys(channels, careful))


def thorough_channels(text: str) -> list[str]:
    """Return the channels of a list separated by commas.

    Raises
    ------
    ChannelError
        If one does not exist.

    Examples
    --------
    >>> thorough_channels("ticket, email")
    ['ticket', 'email']
    """
    named = [part.strip() for part in text.split(",") if part.strip()]
    known = [str(channel) for channel in Channel]
    if unknown := sorted(set(named) - set(known)):
        raise ChannelError(
            f"HARK_PII_THOROUGH_CHANNELS: no such channels: {', '.join(unknown)}; known: {', '.join(known)}"
        )
    return named


def report(kind: str, who: str, count: int) -> None:
    """Add what the audit found to the metrics."""
    metrics.AUDITED.labels(kind, who).inc(count)
