"""Who is left alone, so that what a rule achieves can be measured.

An assignment is a keyed hash of rule and customer, not a draw: it needs no memory, survives restarts
and rebalances, and any service that knows the salt can work it out. The salt makes arms of different
experiments independent.

References
----------
Kohavi, Tang, Xu: Trustworthy Online Controlled Experiments (2020), chapter 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

GLOBAL = "*"
"""Stands for "every rule" where the global holdout is assigned."""


def unit(salt: str, *parts: str) -> float:
    """Return a uniform number in [0, 1) that depends on nothing but the arguments.

    Parameters
    ----------
    salt
        Key of the hash, at most 64 bytes.
    parts
        What the number belongs to: rule, customer.

    Examples
    --------
    >>> unit("s", "rule", "c1") == unit("s", "rule", "c1") != unit("t", "rule", "c1")
    True
    """
    digest = blake2b("\x1f".join(parts).encode(), digest_size=8, key=salt.encode()[:64]).digest()
    return (int.from_bytes(digest, "big") >> 11) / 9007199254740992.0


@lru_cache(64)
def _digest(salt: str) -> str:
    return blake2b(salt.encode(), digest_size=6).hexdigest()


@dataclass(frozen=True, slots=True)
class Holdout:
    """Assigns customers to arms.

    Parameters
    ----------
    salt
        Key of every assignment; changing it draws new groups.
    share
        Part of all customers that no rule ever touches.
    """

    salt: str
    share: float = 0.0

    @property
    def salt_digest(self) -> str:
        """Return what names the salt without giving it away: equal digests, comparable arms."""
        return _digest(self.salt)

    def untouched(self, customer_id: str) -> bool:
        """Tell whether a customer is in the global holdout."""
        return self.share > 0 and unit(self.salt, GLOBAL, customer_id) < self.share

    def held_out(self, rule_id: str, subject: str, share: float) -> bool:
        """Tell whether a rule leaves this customer (or cluster) alone; sticky while the share stays."""
        return share > 0 and unit(self.salt, rule_id, subject) < share

    def ramped_in(self, rule_id: str, subject: str, share: float) -> bool:
        """Tell whether a growing rollout has reached this customer; once reached, always reached."""
        return share >= 1 or unit(self.salt, "ramp", rule_id, subject) < share
