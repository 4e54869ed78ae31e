"""Tables made from a seed, of many kinds, to judge the propensity learner by: none needs a download.

They come in two sets. `CHOSEN` are looked at while settings are chosen; `HELD_BACK` are other kinds, other
sizes and, at other seeds, other worlds, from which nothing may be chosen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from models.learner import Array
from ops.evaluation.dressed import Row

Made = tuple[list[Row], list[bool]]
Maker = Callable[[int], Made]


def _rows(columns: dict[str, Any], labels: Any) -> Made:
    """Return columns as rows, empty words and NaN as missing."""
    names = list(columns)
    rows: list[Row] = []
    for values in zip(*columns.values(), strict=True):
        row: Row = {}
        for name, value in zip(names, values, strict=True):
            if isinstance(value, str):
                row[name] = value or None
            else:
                row[name] = float(value) if value == value else None
        rows.append(row)
    return rows, [bool(label) for label in labels]


def _numbers(x: Array, labels: Any) -> Made:
    return _rows({f"x{j}": x[:, j].tolist() for j in range(x.shape[1])}, labels)


def _classes(rows: int, columns: int, informative: int, **more: Any) -> Maker:
    """Return Guyon's generator (NIPS 2003 benchmark): clusters on a hypercube, redundant columns, noise."""
    return _sklearn(
        "classification",
        lambda y: y > 0,
        n_samples=rows,
        n_features=columns,
        n_informative=informative,
        n_redundant=columns // 10,
        **more,
    )


def _drawn(rng: np.random.Generator, log_odds: Array) -> Array:
    return np.asarray(rng.random(len(log_odds)) < 1.0 / (1.0 + np.exp(-log_odds)))


def _customers(rows: int, cities: int, missing: float, base: float, noise: int = 0) -> Maker:
    """Return customers as a shop knows them: contracts, habits, one cross, places that differ a little."""

    def make(seed: int) -> Made:
        rng = np.random.default_rng(seed)
        tenure, spend = rng.integers(0, 72, rows), rng.gamma(2.0, 35.0, rows)
        tickets, quiet = rng.poisson(0.7, rows), rng.exponential(20.0, rows)
        plan = rng.choice(["monthly", "yearly", "trial"], rows, p=[0.55, 0.35, 0.1])
        city = (rng.random(rows) ** 2 * cities).astype(int)
        taste = rng.normal(0.0, 0.6, cities)
        monthly = plan == "monthly"
        z = base - 0.03 * tenure + 0.8 * monthly + 0.35 * tickets + 0.02 * np.minimum(quiet, 60.0)
        z = z + 1.2 * (monthly & (spend > 90.0)) - 0.9 * (tickets > 1) * (tenure > 36) + taste[city]
        columns: dict[str, Any] = {
            "tenure": tenure.astype(float),
            "spend": np.where(rng.random(rows) < missing, np.nan, spend),
            "tickets": tickets.astype(float),
            "days_quiet": np.where(rng.random(rows) < missing, np.nan, quiet),
            "plan": np.where(rng.random(rows) < missing, "", plan).tolist(),
            "city": [f"city{number}" for number in city],
        }
        columns |= {f"noise{j}": rng.normal(size=rows) for j in range(noise)}
        return _rows(columns, _drawn(rng, z))

    return make


def _shaped(rows: int, columns: int, log_odds: Callable[[Array], Array]) -> Maker:
    """Return uniform columns whose label has the given log-odds."""

    def make(seed: int) -> Made:
        rng = np.random.default_rng(seed)
        x = rng.random((rows, columns))
        return _numbers(x, _drawn(rng, log_odds(x)))

    return make


def _friedman(x: Array) -> Array:
    """Friedman, "Multivariate adaptive regression splines", Annals of Statistics 1991, centred."""
    bent = 10.0 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20.0 * (x[:, 2] - 0.5) ** 2
    return np.asarray((bent + 10.0 * x[:, 3] + 5.0 * x[:, 4] - 14.4) / 2.5)


def _steps(x: Array) -> Array:
    corner = 2.5 * ((x[:, 0] > 0.6) & (x[:, 1] < 0.5))
    return np.asarray(corner - 2.0 * (x[:, 2] > 0.8) + 1.5 * (x[:, 3] > 0.3) * (x[:, 4] > 0.5) - 1.6)


def _words(rows: int, columns: int) -> Maker:
    """Return a survey: columns of a few words each, some of which matter, two only together."""

    def make(seed: int) -> Made:
        rng = np.random.default_rng(seed)
        answers = rng.integers(0, 5, (rows, columns))
        effect = rng.normal(0.0, 0.7, (columns, 5)) * (rng.random((columns, 1)) < 0.25)
        z = effect[np.arange(columns), answers].sum(axis=1) + 1.5 * (answers[:, 0] == answers[:, 1]) - 1.5
        return _rows({f"q{j}": [f"answer{a}" for a in answers[:, j]] for j in range(columns)}, _drawn(rng, z))

    return make


def _measured(name: str) -> Maker:
    """Return a table that scikit-learn carries with it; the seed changes nothing but the later shuffle."""

    def make(seed: int) -> Made:
        from sklearn import datasets

        found = getattr(datasets, f"load_{name}")()
        return _numbers(found.data, found.target == (3 if name == "digits" else 0))

    return make


def _sklearn(name: str, positive: Callable[[Array], Array], **more: Any) -> Maker:
    """Return one of scikit-learn's other generators."""

    def make(seed: int) -> Made:
        from sklearn import datasets

        x, y = getattr(datasets, f"make_{name}")(random_state=seed, **more)
        return _numbers(x, positive(y))

    return make


CHOSEN: dict[str, Maker] = {
    "classes_10": _classes(5000, 10, 6),
    "classes_20": _classes(5000, 20, 8, n_clusters_per_class=3, flip_y=0.05),
    "classes_small": _classes(1000, 20, 8, flip_y=0.03),
    "classes_40": _classes(4000, 40, 15, n_clusters_per_class=3),
    "classes_100": _classes(4000, 100, 15, flip_y=0.05),
    "classes_200": _classes(3000, 200, 20),
    "customers": _customers(6000, 400, 0.02, -1.0),
    "customers_small": _customers(2000, 40, 0.02, -0.5),
    "friedman": _shaped(4000, 10, _friedman),
    "breast_cancer": _measured("breast_cancer"),
}
HELD_BACK: dict[str, Maker] = {
    "classes_15": _classes(6000, 15, 5, weights=[0.8], class_sep=0.7),
    "classes_30": _classes(3000, 30, 10, n_clusters_per_class=4),
    "classes_60": _classes(5000, 60, 12, n_clusters_per_class=2, weights=[0.7]),
    "classes_150": _classes(4000, 150, 25, flip_y=0.02),
    "classes_250": _classes(2500, 250, 12, weights=[0.75], flip_y=0.05),
    "classes_few": _classes(1200, 12, 5, class_sep=0.8),
    "customers_rare": _customers(8000, 300, 0.05, -3.2),
    "customers_noise": _customers(5000, 1500, 0.2, -1.0, noise=30),
    "steps": _shaped(5000, 8, _steps),
    "words": _words(5000, 60),
    "hastie": _sklearn("hastie_10_2", lambda y: y > 0, n_samples=5000),
    "quantiles": _sklearn("gaussian_quantiles", lambda y: y > 0, n_samples=4000, n_features=6, n_classes=2),
    "moons": _sklearn("moons", lambda y: y > 0, n_samples=3000, noise=0.35),
    "digits": _measured("digits"),
    "wine": _measured("wine"),
}
