"""Masks every field a producer controls, not only the text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import orjson

_KEY_CONTEXT = 48


class Masked(Protocol):
    """A masked text and what was found in it."""

    @property
    def text(self) -> str:
        """The text without personal data."""
        ...

    @property
    def counts(self) -> Mapping[str, int]:
        """Findings by type."""
        ...


class TextMask(Protocol):
    """The part of `models.pii.Masker` that intake needs."""

    def mask(self, text: str) -> Masked:
        """Mask one text."""
        ...

    def pseudonym(self, kind: str, value: str) -> str:
        """Return the keyed pseudonym of `value`."""
        ...


class FieldMask:
    """Masks fields beside the text: identifiers, names of products, nested attributes."""

    def __init__(self, masker: TextMask) -> None:
        self._masker = masker

    def text(self, text: str) -> Masked:
        """Mask the free text."""
        return self._masker.mask(text)

    def clean(self, joined: str) -> bool:
        """Tell whether nothing is found in several fields joined by line breaks: one scan."""
        return not self._masker.mask(joined).counts

    def field(self, value: str, counts: dict[str, int]) -> str:
        """Mask a short field; what was found is added to `counts`."""
        masked = self._masker.mask(value)
        _add(counts, masked.counts)
        return masked.text

    def identifier(self, kind: str, value: str, counts: dict[str, int]) -> str:
        """Return an identifier as it is, or its pseudonym when personal data hides in it."""
        found = self._masker.mask(value).counts
        if not found:
            return value
        _add(counts, found)
        return self._masker.pseudonym(kind, value)

    def handle(self, channel: str, author: str) -> str:
        """Return the stable pseudonym of a channel handle."""
        return self._masker.pseudonym("HANDLE", f"{channel}:{author}")

    def attributes(self, attributes: dict[str, Any], counts: dict[str, int]) -> dict[str, Any]:
        """Mask keys and leaves at any depth; numbers too, since a phone number may come as one."""
        text = _flat(attributes)
        if self.clean(text):
            return attributes
        masked = self._walk(attributes, "", counts)
        # What still reads as personal data only when put together is not worth keeping.
        return masked if self.clean(_flat(masked)) else {"masked": True}

    def _walk(self, value: Any, key: str, counts: dict[str, int]) -> Any:
        if isinstance(value, dict):
            return {self.field(str(k), counts): self._walk(v, str(k), counts) for k, v in value.items()}
        if isinstance(value, list):
            return [self._walk(item, key, counts) for item in value]
        if value is None or isinstance(value, bool):
            return value
        # The key is context ("card": "6222…"), so it is read with the value.
        prefix = f"{key[:_KEY_CONTEXT]}: "
        masked = self._masker.mask(prefix + str(value))
        if not masked.counts:
            return value
        _add(counts, masked.counts)
        text = masked.text
        return text[len(prefix) :] if text.startswith(prefix) else text


def _flat(attributes: dict[str, Any]) -> str:
    return orjson.dumps(attributes, option=orjson.OPT_NON_STR_KEYS, default=str).decode()


def _add(counts: dict[str, int], more: Mapping[str, int]) -> None:
    for kind, n in more.items():
        counts[kind] = counts.get(kind, 0) + n
