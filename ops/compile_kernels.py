"""Compiles numeric kernels and masking patterns once, at installation, so that no worker waits for it.

`python -m ops.compile_kernels`; the results lie beside the modules' byte code, as numba keeps them.
"""

from __future__ import annotations

import time

from models.fingerprint import fingerprint
from models.near_duplicate import ClusterIndex
from models.pii import Finder
from models.scoring.model_set import ModelSet, new_learner
from models.scoring.targets import CHURN, SENTIMENT, TOPICS
from models.topics.issues import Issues

EXAMPLES = 240


def compile_kernels() -> float:
    """Call everything that is compiled, masking and learning included; returns the seconds it took."""
    began = time.perf_counter()
    Finder()
    ModelSet().warm()
    sentiment, topics, churn = new_learner(SENTIMENT), new_learner(TOPICS), new_learner(CHURN)
    for number in range(EXAMPLES):
        good = number % 3 == 0
        text, lang = ("物流很快，很满意", "zh") if number % 2 else ("slow and broken", "en")
        sentiment.predict_learn(text, lang, good)
        topics.learn_one(text, lang, "logistics.delay" if good else "quality.defect", ())
        row = {"recency_days": float(number % 17), "tier": "gold" if good else "silver"}
        churn.predict_proba_one(row)
        churn.learn_one(row, good)
    mark = fingerprint("slow and broken")
    ClusterIndex(2).join(mark, "f", "c", 0.0)
    Issues(2).step("k", lambda: mark.minima, 0.0)
    sentiment.explain("slow and broken", "en")
    new_learner(SENTIMENT).restore(sentiment.state())
    churn.strongest(row, churn.row(row))
    return time.perf_counter() - began


if __name__ == "__main__":
    print(f"kernels compiled in {compile_kernels():.1f} s")
