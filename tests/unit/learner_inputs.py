"""What the conformance suite feeds learners, and how it reads what they say; everything by number."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

from models.champion import Champion
from models.drift.watch import ERROR, Watch
from models.fingerprint import fingerprint
from models.sentiment import Sentiment
from models.sentiment.linear import LinearModel
from models.topics.baseline import SeasonalCounts
from models.topics.emerging import Burst, BurstDetector
from models.topics.issues import Issues
from models.topics.spread import Spread
from models.topics.tags import TagBook

WORDS = ("好用", "卡顿", "退款", "客服", "物流", "垃圾", "good", "slow", "refund", "crash", "love", "not")
HOSTILE_TEXTS = (
    "\ud800 lone surrogate \udfff",
    "",
    " \u200b\ufeff",
    "a" * 20_000,
    "好" * 20_000,
    "\x00\x01\x02",
    "🤬" * 3_000,
    "ً" * 500,
    "\U000e0041\U0010ffff",
    "' OR 1=1 --",
)
STORED_TEXTS = HOSTILE_TEXTS[1:]
"""Those that JSON can hold: what comes from a log or is kept as an example."""

HOSTILE_ROWS: tuple[dict[str, Any], ...] = (
    {},
    {"logins": math.nan, "spend": math.inf, "tier": None},
    {"logins": -1e308, "tier": ""},
    {"logins": "text", "tier": 3.5, "new": "value"},
    {f"f{i}": float(i) for i in range(200)},
)
HOSTILE_NUMBERS = (math.nan, math.inf, -math.inf, 1e308, -1e308, 0.0)


@cache
def text(i: int) -> str:
    """Return six words of a few."""
    return " ".join(np.random.default_rng(i).choice(WORDS, 6))


def row(i: int) -> dict[str, Any]:
    """Return a customer."""
    rng = np.random.default_rng(i)
    return {"logins": float(rng.integers(10)), "tier": "abc"[rng.integers(3)], "spend": float(rng.normal())}


def lang(i: int) -> str:
    """Return a language tag, sometimes none."""
    return ("zh", "en", "fr", "")[i % 4]


def topic_scores(model: Any, words: str) -> list[float]:
    return [probability for _, probability in sorted(model.predict(words, "zh"))]


def mean_error(model: Any) -> float:
    return model.mean("error") or 0.0


def as_number(ident: str | None) -> float:
    return -1.0 if ident is None else float(int(ident[:12], 16))


def wave(i: int) -> float:
    """Return an error of 0 or 1 that is more often 1 from the 200th on."""
    return float(i % 10 < (1 if i < 200 else 6))


def moment(i: int) -> float:
    return 1_760_000_000.0 + 97.0 * i


def observed(i: int, words: str, number: float = 0.5) -> dict[str, Any]:
    at = int(moment(i) * 1000)
    seen = [i, at, f"c{i}", lang(i), "app", words[:160], len(words), True, False, True,
            f"{i % 7:016x}", number, number, i % 5, "service.attitude"]  # fmt: skip
    return {"from": [i % 2], "seen": [seen]}


def example(i: int, words: str) -> dict[str, Any]:
    return {
        "id": f"f{i}",
        "text": words,
        "lang": lang(i),
        "label": float(i % 3 > 0),
        "from": [0, i, 0],
        "score": None,
        "version": 0,
    }


def figures(model: Any) -> list[float]:
    return [float(value) for value in (model.n, model.accuracy, model.auc(), model.brier()) if value == value]


def burst(i: int, words: str) -> Burst:
    return Burst((words,), float(i), float(i), 9, 0.1, 1e-9, 8, (words,))


def suggest(model: TagBook, i: int, words: str) -> None:
    tag = model.suggest(burst(i, words))
    if tag is not None and i % 50 == 0:
        model.accept(tag.id, f"quality.n{i}", float(i))


def counted(model: BurstDetector, i: int) -> list[float]:
    counts = model.state()["counts"]
    assert isinstance(counts, dict)
    return [float(counts["slot"]), float(np.sum(counts["slot_total"])), float(np.sum(counts["everywhere"]))]


def spread(model: Spread, i: int, issue: str, polarity: float = -0.5) -> None:
    """Count the i-th of ever larger clusters of an issue, heard in one partition of two."""
    channel = ("app", "web")[i % 2]
    model.step(issue, f"{i % 2}:{issue}", 2 + i // 8, channel, polarity, "quality", moment(i))


def issues(model: Spread, i: int) -> list[float]:
    issues = model.state()["issues"]
    assert isinstance(issues, dict)
    return [
        number for ident, issue in sorted(issues.items()) for number in (as_number(ident), *issue["told"])
    ]


def heard(model: Issues, i: int, words: str) -> None:
    model.step(f"{i % 500:016x}", lambda: fingerprint(words).minima, moment(i))


def known(model: Issues, i: int) -> list[float]:
    state = model.state()
    return [float(len(state["aliases"])), *state["seqs"].tolist(), *state["last"].tolist()]


def tagged(model: TagBook, i: int) -> list[float]:
    return [as_number(tag.id) + len(tag.status) for tag in model.tags()]


def count_terms(model: SeasonalCounts, i: int, terms: list[int]) -> None:
    model.add(np.array(terms, np.int64))
    if i % 5 == 0:
        model.turn()


def taught(model: LinearModel, i: int, words: str) -> None:
    model.say(words)
    model.learn_said(float(i % 3 > 0), 1.0)


def new_champion() -> Champion[Sentiment, str]:
    def teach(model: Sentiment, words: str, label: float) -> float:
        return model.predict_learn(words, "zh", label).probability

    return Champion("sentiment", lambda: Sentiment(bits=12, prior="none"), teach, recent=20, patience=50)


def contested(model: Champion[Sentiment, str], i: int, words: str) -> None:
    model.learn(words, float(i % 3 > 0))
    if i % 40 == 20:
        found = Watch("sentiment", {"error": ERROR})
        for n in range(3000):
            drift = found.update("error", float(n % 10 < (1 if n < 2000 else 5)), float(n))
            if drift is not None:
                model.drifted(drift)


def new_words(model: Any, i: int) -> str:
    return f"new{i} {text(i)} 新{i}"
