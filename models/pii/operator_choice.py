"""Reads which operator each type gets from one line of text, as a setting has it."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from models.pii.operators import Encrypt, Keep, Mask, Operator, Pseudonym, Redact, Replace
from models.pii.span import TYPES

_PLAIN: dict[str, Callable[[], Operator]] = {
    "pseudonym": Pseudonym,
    "replace": Replace,
    "redact": Redact,
    "mask": Mask,
    "encrypt": Encrypt,
    "keep": Keep,
}


class OperatorError(ValueError):
    """The choice of operators names a type, an operator or a class there is not."""


def chosen(text: str) -> dict[str, Operator]:
    """Return the operators a text names by type; types it does not name are left out.

    Parameters
    ----------
    text
        `TYPE=operator`, separated by commas. Operators: `pseudonym`, `replace` or `replace:TEXT`, `redact`,
        `mask` or `mask:N` for the last N characters left, `encrypt`, `keep`, and `own:package.module:Name`
        for a class of your own, made without arguments, that turns a `Finding` into its replacement.

    Raises
    ------
    OperatorError
        If the text does not read so, or the class cannot be imported.

    Examples
    --------
    >>> chosen("PHONE=mask:4, IP=redact")
    {'PHONE': Mask(keep=4, char='*'), 'IP': Redact()}
    """
    found: dict[str, Operator] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        kind, equals, operator = (piece.strip() for piece in part.partition("="))
        if not equals or kind not in TYPES:
            raise OperatorError(f"HARK_PII_OPERATORS: {part!r} names no type; known: {', '.join(TYPES)}")
        found[kind] = _operator(operator)
    return found


def _operator(text: str) -> Operator:
    name, colon, rest = text.partition(":")
    if name == "own" and colon:
        return _own(rest)
    if name == "replace" and colon:
        return Replace(rest)
    if name == "mask" and rest.isascii() and rest.isdigit():
        return Mask(keep=int(rest))
    if name not in _PLAIN or colon:
        known = "pseudonym, replace[:TEXT], redact, mask[:N], encrypt, keep, own:module:Name"
        raise OperatorError(f"HARK_PII_OPERATORS: no operator {text!r}; known: {known}")
    return _PLAIN[name]()


def _own(path: str) -> Operator:
    module, _, name = path.partition(":")
    try:
        made: Operator = getattr(importlib.import_module(module), name)()
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise OperatorError(f"HARK_PII_OPERATORS: own:{path}: {error}") from error
    if not callable(made):
        raise OperatorError(f"HARK_PII_OPERATORS: own:{path} makes nothing that can be called")
    return made
