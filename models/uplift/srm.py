"""Sample-ratio mismatch: arms whose sizes do not fit the plan make every difference suspect.

References
----------
Fabijan et al.: Diagnosing sample ratio mismatch in online controlled experiments, KDD 2019.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.uplift.distributions import chi2_tail

BLOCKS = 0.001
"""p-value below which no verdict is given."""


@dataclass(frozen=True, slots=True)
class Srm:
    """The test of the arms' sizes."""

    chi2: float
    p: float

    @property
    def blocked(self) -> bool:
        """Whether a verdict must not be given."""
        return self.p < BLOCKS


def check(counts: Sequence[float], shares: Sequence[float] | None = None) -> Srm:
    """Compare the arms' sizes with the planned shares.

    Parameters
    ----------
    counts
        Customers of each arm.
    shares
        Planned weights in the same order, any scale; equal when None.

    Raises
    ------
    ValueError
        When shares and counts differ in number or a share is not positive.

    Examples
    --------
    >>> found = check([21307, 21387, 21306])
    >>> round(found.chi2, 4), round(found.p, 4)
    (0.2025, 0.9037)
    """
    weights = [1.0] * len(counts) if shares is None else list(shares)
    if len(weights) != len(counts) or not all(weight > 0 for weight in weights):
        raise ValueError("shares must be positive, one for each arm")
    total, whole = sum(counts), sum(weights)
    if len(counts) < 2 or not total:
        return Srm(0.0, 1.0)
    expected = [total * weight / whole for weight in weights]
    chi2 = sum((count - plan) ** 2 / plan for count, plan in zip(counts, expected, strict=True))
    return Srm(chi2, chi2_tail(chi2, len(counts) - 1))
