"""Stars, NPS, CSAT, percent and thumbs on one scale."""

from __future__ import annotations

from models.events.feedback import SCALES

_CUTS: dict[str, tuple[float, float]] = {
    "stars": (2.0, 4.0),
    "csat": (2.0, 4.0),
    "nps": (6.0, 9.0),
    "percent": (40.0, 60.0),
    "thumbs": (0.0, 1.0),
}
"""At or below the first it states dissatisfaction, at or above the second satisfaction.

NPS: detractors 0–6, promoters 9–10 (Reichheld 2003)."""


def in_scale(value: float, scale: str) -> bool:
    """Tell whether `value` lies on `scale`."""
    low, high = SCALES[scale]
    return low <= value <= high


def to_unit(value: float, scale: str) -> float:
    """Return `value` mapped linearly to -1 (worst) … 1 (best).

    Examples
    --------
    >>> to_unit(3, "stars"), to_unit(10, "nps"), to_unit(0, "thumbs")
    (0.0, 1.0, -1.0)
    """
    low, high = SCALES[scale]
    return round(2.0 * (value - low) / (high - low) - 1.0, 4)


def polarity_of(value: float, scale: str) -> bool | None:
    """Return the polarity a rating states, None for the middle.

    Examples
    --------
    >>> polarity_of(2, "stars"), polarity_of(7, "nps"), polarity_of(9, "nps")
    (False, None, True)
    """
    low, high = _CUTS[scale]
    if value <= low:
        return False
    return True if value >= high else None
