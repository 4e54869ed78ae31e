"""What masking left in a text stands for nothing a model should learn from."""

from __future__ import annotations

import re

_PLACEHOLDER = re.compile(r"<[A-Z][A-Z_]+(?::[^<>]{0,120})?>")


def without_placeholders(text: str) -> str:
    """Return a masked text with a blank for each `<TYPE>` or `<TYPE:…>`.

    The letters of a pseudonym are a hash: to a model of characters they are noise that moves a score.

    Examples
    --------
    >>> without_placeholders("请回电 <PHONE:k1:dddlihgecnoehpdn>，急")
    '请回电  ，急'
    >>> without_placeholders("a < b > c")
    'a < b > c'
    """
    return _PLACEHOLDER.sub(" ", text) if "<" in text else text
