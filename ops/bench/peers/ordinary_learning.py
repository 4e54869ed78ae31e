"""What the ordinary peer learns: sentiment from ratings, propensities from what happens later, drift of both.

River as its manual has it: a pipeline a target, `predict_proba_one` before `learn_one`, ADWIN on the errors.
"""

from __future__ import annotations

from typing import Any

from river import compose, drift, feature_extraction, linear_model, preprocessing

from models.scoring.targets import targets

DAY, WEEK = 86_400.0, 7 * 86_400.0
TARGETS = targets(14.0)
LONGEST = max(target.horizon_days for target in TARGETS) * DAY
"""Seconds after which a score is learned from: by then every target's horizon has passed."""

MOST_WAITING, MOST_KINDS = 2, 32

SENTIMENT = compose.Pipeline(feature_extraction.TFIDF(lowercase=True), linear_model.LogisticRegression())
MODELS = {
    target.name: compose.Pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression())
    for target in TARGETS
}
ERRORS = {name: drift.ADWIN() for name in ("sentiment", *MODELS)}


def read(text: str) -> float:
    """Return the learned chance that a text is positive."""
    return float(SENTIMENT.predict_proba_one(text).get(True, 0.5))


def watch(wrong: dict[str, bool]) -> list[str]:
    """Tell the models' detectors which were wrong; returns those whose error has drifted."""
    for name, error in wrong.items():
        ERRORS[name].update(error)
    return [name for name in wrong if ERRORS[name].drift_detected]


def note(profile: dict[str, Any], kind: str, amount: float, at: float) -> None:
    """Count an event in a customer's profile."""
    counts = profile.setdefault("counts", {})
    if kind in counts or len(counts) < MOST_KINDS:
        counts[kind] = counts.get(kind, 0) + 1
    profile["spend"] = profile.get("spend", 0.0) + amount
    profile["first"] = min(profile.get("first", at), at)


def features(profile: dict[str, Any], polarity: float, at: float) -> dict[str, float]:
    """Return what the propensities are predicted from."""
    counts = profile["counts"]
    kinds = ("feedback", "purchase", "renewal", "refund", "login", "delivery", "cancellation")
    return {
        **{kind: float(counts.get(kind, 0)) for kind in kinds},
        "polarity": polarity,
        "negatives": float(len(profile["negatives"])),
        "spend": profile["spend"],
        "tenure": max(0.0, at - profile["first"]) / DAY,
    }


def chances(x: dict[str, float]) -> dict[str, float]:
    """Return every target's chance."""
    return {name: float(model.predict_proba_one(x).get(True, 0.5)) for name, model in MODELS.items()}


def keep(scores: list[dict[str, Any]], at: float, x: dict[str, float], found: dict[str, float]) -> bool:
    """Keep a score until its horizon has passed, one a week and customer; returns whether it was kept."""
    if len(scores) >= MOST_WAITING or any(abs(at - score["at"]) < WEEK for score in scores):
        return False
    scores.append({"at": at, "x": x, "chances": found, "happened": []})
    return True


def happened(scores: list[dict[str, Any]], kind: str, at: float) -> bool:
    """Note an outcome on the scores within whose horizon it falls; returns whether there are any."""
    found = False
    for target in TARGETS.meant_by(kind):
        for score in scores:
            if score["at"] < at <= score["at"] + target.horizon_days * DAY:
                score["happened"].append(target.name)
                found = True
    return found


def learn(score: dict[str, Any]) -> dict[str, bool]:
    """Teach every target what came of a score; returns which had told it wrong."""
    wrong: dict[str, bool] = {}
    for name, model in MODELS.items():
        label = name in score["happened"]
        wrong[name] = (score["chances"][name] >= 0.5) != label
        model.learn_one(score["x"], label)
    return wrong


def learn_rating(text: str, chance: float, label: bool) -> dict[str, bool]:
    """Teach the sentiment model a rated text; returns whether it had told it wrong."""
    SENTIMENT.learn_one(text, label)
    return {"sentiment": (chance >= 0.5) != label}
