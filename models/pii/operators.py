"""What replaces a finding; one small class an operator, chosen per type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from models.pii.keyring import Keyring

_MOST_LEFT = 6


class Finding(NamedTuple):
    """What an operator may use.

    Parameters
    ----------
    type
        The type found.
    value
        Canonical form.
    text
        The characters as written.
    keyring
        Keys of this worker.
    """

    type: str
    value: str
    text: str
    keyring: Keyring


class Operator(Protocol):
    """Anything callable that turns a finding into its replacement.

    The replacement is taken as it is and not searched again, so that an own class may put in
    made-up values.
    """

    def __call__(self, finding: Finding) -> str:
        """Return the replacement."""
        ...


@dataclass(frozen=True, slots=True)
class Pseudonym:
    """`<PHONE:k3:…>`: the same for every spelling of a value under one key version."""

    def __call__(self, finding: Finding) -> str:
        """Return the token."""
        keyring = finding.keyring
        return f"<{finding.type}:k{keyring.current}:{keyring.digest(finding.type, finding.value)}>"


@dataclass(frozen=True, slots=True)
class Replace:
    """A fixed text, `[PHONE]` unless told otherwise.

    Examples
    --------
    >>> Replace("(hidden)")(Finding("PHONE", "1", "1", Keyring.new()))
    '(hidden)'
    """

    text: str = ""

    def __call__(self, finding: Finding) -> str:
        """Return the fixed text."""
        return self.text or f"[{finding.type}]"


@dataclass(frozen=True, slots=True)
class Redact:
    """Nothing: the finding is cut out."""

    def __call__(self, finding: Finding) -> str:
        """Return an empty string."""
        return ""


@dataclass(frozen=True, slots=True)
class Mask:
    """Stars, with the last `keep` letters or digits left: six at most, and never more than half.

    What is left must not read as a number itself, for which seven digits are enough.

    Examples
    --------
    >>> Mask(keep=3)(Finding("PHONE", "8613812345678", "138-1234-5678", Keyring.new()))
    '***-****-*678'
    >>> Mask(keep=2)(Finding("PHONE", "8613812345678", "138-1234-5678", Keyring.new()))
    '***-****-**78'
    >>> Mask(keep=9)(Finding("QQ", "87654321", "87654321", Keyring.new()))
    '****4321'
    """

    keep: int = 3
    char: str = "*"

    def __call__(self, finding: Finding) -> str:
        """Return the starred text, separators as written."""
        letters = sum(char.isalnum() for char in finding.text)
        hidden = letters - min(self.keep, letters // 2, _MOST_LEFT)
        out: list[str] = []
        for char in finding.text:
            if char.isalnum() and hidden > 0:
                out.append(self.char)
                hidden -= 1
            else:
                out.append(char)
        return "".join(out)


@dataclass(frozen=True, slots=True)
class Encrypt:
    """`<PHONE:e3:…>`: AES-SIV, reversible with `Keyring.decrypt`."""

    def __call__(self, finding: Finding) -> str:
        """Return the token."""
        return finding.keyring.encrypt(finding.type, finding.text)


@dataclass(frozen=True, slots=True)
class Keep:
    """The text as written: the finding is counted only."""

    def __call__(self, finding: Finding) -> str:
        """Return the text."""
        return finding.text
