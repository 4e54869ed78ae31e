"""How long an answer may wait, with the reasons in words an operator reads."""

from __future__ import annotations

from collections.abc import Mapping

from models.topics.cues import UrgencyCue
from models.topics.signals import Signals

URGENT, NORMAL, LOW = "urgent", "normal", "low"
RESPONSE_HOURS: Mapping[str, float] = {URGENT: 1.0, NORMAL: 4.0, LOW: 24.0}
"""Response target by level, hours after the event; the product promises the first two."""

_DISSATISFIED = -0.3
_BAD_STARS = 2.0
_SEVERAL = 3


def judge_urgency(
    signals: Signals,
    kind: str,
    polarity: float,
    rating: float | None,
    cues: Mapping[str, UrgencyCue],
) -> tuple[str, list[str]]:
    """Return level and reasons.

    Danger, breaches and legal steps are urgent whatever the tone. Time pressure is urgent for whoever
    complains or asks for something. Money, outages, leaving and repeats are normal alone, urgent when
    three of them come together.

    Parameters
    ----------
    signals
        What phrases say.
    kind
        Of `judge_kind`.
    polarity, rating
        As in `judge_kind`.
    cues
        Urgency cues by name, in order of weight.

    Examples
    --------
    >>> from models.topics.cues import Cues
    >>> cues = Cues.shipped().urgency
    >>> judge_urgency(Signals([], [], [], ["safety"]), "complaint", -0.9, None, cues)
    ('urgent', ['mentions danger to health or property'])
    >>> judge_urgency(Signals([], [], [], []), "praise", 0.8, 5.0, cues)
    ('low', [])
    """
    found = signals.urgencies
    unhappy = polarity <= _DISSATISFIED or (rating is not None and rating <= _BAD_STARS)
    asks = kind in ("complaint", "request", "question")
    if not found:
        if unhappy and asks:
            return NORMAL, ["strong dissatisfaction"]
        return (NORMAL, ["waits for an answer"]) if kind in ("request", "question") else (LOW, [])
    present = [name for name in cues if name in found]
    reasons = [cues[name].reason for name in present]
    levels = [cues[name].level for name in present]
    if "urgent" in levels:
        # "No more smoke detector alarms, love it" praises: danger is then a topic, not an emergency.
        return (NORMAL if kind == "praise" and polarity > 0 else URGENT), reasons
    if not asks and not unhappy:
        return (NORMAL if kind == "suggestion" else LOW), reasons
    if "pressing" in levels or len(present) >= _SEVERAL:
        return URGENT, reasons
    return NORMAL, reasons
