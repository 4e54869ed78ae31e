"""How a text is meant (complaint, praise, …), and whether it asks for something concrete."""

from __future__ import annotations

from models.topics.signals import Signals

# A request or suggestion says outright what it is; praise and complaint words also appear inside
# everything else, so they weigh less each and lean on polarity.
_WEIGHT = {"complaint": 1.0, "suggestion": 2.2, "praise": 1.0, "question": 1.6, "request": 1.8}
_MOST = 2
_POLARITY = 1.6
_STARS = 1.2
_CLEAR = 0.75
_PROBLEM = 0.8
_REQUEST = "feature.request"


def judge_kind(signals: Signals, polarity: float, rating: float | None) -> str:
    """Return the kind that phrases, polarity and stars make likeliest.

    Parameters
    ----------
    signals
        What phrases say.
    polarity
        Sentiment in [-1, 1].
    rating
        Stars on the scale 1 to 5, or None.

    Examples
    --------
    >>> judge_kind(Signals([], ["suggestion", "praise"], [], []), 0.4, None)
    'suggestion'
    >>> judge_kind(Signals([], [], [], []), -0.5, 1.0), judge_kind(Signals([], [], [], []), 0.6, None)
    ('complaint', 'praise')
    """
    kinds = signals.kinds
    lean = _POLARITY * polarity
    if rating is not None:
        lean += _STARS * (rating - 3.0) / 2.0
    wish = _REQUEST in signals.topics
    if not kinds and not wish:
        return "complaint" if lean < 0 or (lean < _PROBLEM and signals.problems) else "praise"
    complaint = -lean if lean < 0 else 0.0
    praise = lean if lean > 0 else 0.0
    complaint += _WEIGHT["complaint"] * min(_MOST, kinds.count("complaint"))
    praise += _WEIGHT["praise"] * min(_MOST, kinds.count("praise"))
    complaint += _PROBLEM * min(_MOST, signals.problems)
    best, most = ("complaint", complaint) if complaint >= praise else ("praise", praise)
    for kind in ("suggestion", "request", "question"):
        count = kinds.count(kind) + (wish and kind == "suggestion")
        if count and (score := _WEIGHT[kind] + _CLEAR * (min(_MOST, count) - 1)) > most:
            best, most = kind, score
    return best


def states_demand(signals: Signals) -> bool:
    """Tell whether the text says what would satisfy its author.

    Strong dissatisfaction without a demand is worth an interview: nobody knows yet what would help.

    Examples
    --------
    >>> states_demand(Signals([], [], ["refund"], [])), states_demand(Signals([], ["complaint"], [], []))
    (True, False)
    """
    return bool(signals.demands)
