"""Person names, Chinese and English."""

from __future__ import annotations

from models.pii import name_chinese, name_english
from models.pii.span import Candidate
from models.pii.view import View

TYPE = "NAME"
TRIGGERS = (*name_chinese.TRIGGERS, *name_english.TRIGGERS)


def find(view: View) -> list[Candidate]:
    """Return the names of a text; each language runs where its letters occur."""
    if view.text.isascii():
        return name_english.find(view)
    return name_chinese.find(view) + name_english.find(view)
