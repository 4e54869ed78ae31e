"""Postal addresses, Chinese and English, and usual forms of other European ones."""

from __future__ import annotations

from models.pii import address_chinese, address_western
from models.pii.span import Candidate
from models.pii.view import View

TYPE = "ADDRESS"
TRIGGERS = (*address_chinese.TRIGGERS, *address_western.TRIGGERS)


def find(view: View) -> list[Candidate]:
    """Return the addresses of a text; each language runs where its letters occur."""
    if view.text.isascii():
        return address_western.find(view)
    return address_chinese.find(view) + address_western.find(view)
