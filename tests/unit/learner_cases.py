"""How the conformance suite drives each learner: deterministic inputs by number, outputs as floats.

`test_every_learner_has_a_case` finds the classes of `models` that give their state away and take it back:
a new one joins by one entry in LEARNERS, and the suite fails until it has it.
"""

from __future__ import annotations

import numpy as np
from learner_case import Case
from learner_inputs import (
    HOSTILE_NUMBERS,
    HOSTILE_ROWS,
    HOSTILE_TEXTS,
    STORED_TEXTS,
    as_number,
    burst,
    contested,
    count_terms,
    counted,
    example,
    figures,
    heard,
    issues,
    known,
    lang,
    mean_error,
    moment,
    new_champion,
    new_words,
    observed,
    row,
    spread,
    suggest,
    tagged,
    taught,
    text,
    topic_scores,
    wave,
)

from models.champion import Champion
from models.churn.blend import Blend
from models.churn.calibration import Calibration
from models.churn.newest import NewestLabels
from models.churn.propensity import Propensity
from models.churn.table import Table
from models.drift.adwin import Adwin
from models.drift.watch import Series, Watch
from models.duel import Duel
from models.fingerprint import fingerprint
from models.near_duplicate import ClusterIndex
from models.scoring.targets import SENTIMENT
from models.sentiment import Sentiment
from models.sentiment.linear import LinearModel
from models.topics.baseline import SeasonalCounts
from models.topics.classifier import TopicClassifier
from models.topics.emerging import BurstDetector
from models.topics.issues import Issues
from models.topics.spread import Spread
from models.topics.tags import MOST_SUGGESTIONS, TagBook
from models.training import Observer, Trainer
from models.training.prequential import Prequential

LEARNERS: dict[type, Case] = {
    Sentiment: Case(
        make=lambda: Sentiment(bits=16),
        learn=lambda m, i: m.learn_one(text(i), lang(i), i % 3 > 0, 0.5 + (i % 2)),
        predict=lambda m, i: list(m.predict(text(i), lang(i))),
        flood=lambda m, i: m.learn_one(new_words(m, i), lang(i), i % 3 > 0),
        hostile=len(HOSTILE_TEXTS),
        learn_hostile=lambda m, i: m.learn_one(HOSTILE_TEXTS[i], lang(i), 0.5),
        predict_hostile=lambda m, i: list(m.predict(HOSTILE_TEXTS[i], lang(i))),
        reordered=lambda m, i: list(m.predict_many([(text(i + 1), ""), (text(i), lang(i))])[1]),
        budget_us=2_000.0,
        most_bytes=2_000_000,
    ),
    LinearModel: Case(
        make=lambda: LinearModel(True, bits=14),
        learn=lambda m, i: taught(m, i, text(i)),
        predict=lambda m, i: list(m.say(text(i))),
        flood=lambda m, i: taught(m, i, new_words(m, i)),
        hostile=len(HOSTILE_TEXTS),
        learn_hostile=lambda m, i: taught(m, i, HOSTILE_TEXTS[i]),
        predict_hostile=lambda m, i: list(m.say(HOSTILE_TEXTS[i])),
        most_bytes=1_000_000,
    ),
    Propensity: Case(
        make=lambda: Propensity("churn", rows=512),
        learn=lambda m, i: m.learn_one(row(i), row(i)["logins"] < 3),
        predict=lambda m, i: [m.predict_proba_one(row(i))],
        flood=lambda m, i: m.learn_one(row(i) | {f"new{i}": i, "tier": f"word{i}"}, i % 3 == 0),
        hostile=len(HOSTILE_ROWS),
        learn_hostile=lambda m, i: m.learn_one(HOSTILE_ROWS[i], bool(i % 2)),
        predict_hostile=lambda m, i: [m.predict_proba_one(HOSTILE_ROWS[i])],
        reordered=lambda m, i: [m.predict_proba_one(dict(reversed(row(i).items())))],
        most_bytes=2_000_000,
    ),
    Table: Case(
        make=lambda: Table(rows=256),
        learn=lambda m, i: m.add(m.meet(row(i)), i % 3 == 0),
        predict=lambda m, i: [float(m.n), *np.nan_to_num(m.row(row(i)), nan=-1.0).tolist()],
        flood=lambda m, i: m.add(m.meet({f"new{i}": i, "tier": f"word{i}"}), False),
        hostile=len(HOSTILE_ROWS),
        learn_hostile=lambda m, i: m.add(m.meet(HOSTILE_ROWS[i]), True),
        predict_hostile=lambda m, i: np.nan_to_num(m.row(HOSTILE_ROWS[i]), nan=-1.0).tolist(),
        reordered=lambda m, i: [
            float(m.n),
            *np.nan_to_num(m.row(dict(reversed(row(i).items()))), nan=-1.0).tolist(),
        ],
        most_bytes=600_000,
    ),
    Blend: Case(
        make=lambda: Blend(np.array([0.6, 0.4]), window=200, every=20),
        learn=lambda m, i: m.learn(np.array([row(i)["spend"], row(i)["logins"] - 4.0]), i % 3 == 0),
        predict=lambda m, i: [m.score(np.array([0.5, row(i)["spend"]]))],
        hostile=len(HOSTILE_NUMBERS) - 1,
        learn_hostile=lambda m, i: m.learn(np.array([HOSTILE_NUMBERS[i + 1], 0.0]), i % 2 == 0),
        predict_hostile=lambda m, i: [m.score(np.array([HOSTILE_NUMBERS[i + 1], 1.0]))],
        most_bytes=20_000,
    ),
    Calibration: Case(
        make=lambda: Calibration(window=200, every=20),
        learn=lambda m, i: m.learn(row(i)["spend"], i % 3 == 0),
        predict=lambda m, i: [m.scaled(row(i)["spend"])],
        most_bytes=20_000,
    ),
    NewestLabels: Case(
        make=lambda: NewestLabels(200, every=20),
        learn=lambda m, i: m.add(row(i)["spend"], i % 3 == 0),
        predict=lambda m, i: [float(m.n), *m.kept()[0].tolist(), *m.kept()[1].tolist()],
        most_bytes=20_000,
    ),
    TopicClassifier: Case(
        make=lambda: TopicClassifier(bits=12, most_topics=16, memory=128),
        learn=lambda m, i: m.learn_one(text(i), "zh", f"topic.{i % 3}"),
        predict=lambda m, i: topic_scores(m, text(i)),
        flood=lambda m, i: m.learn_one(new_words(m, i), "zh", f"topic.{i}"),
        hostile=len(HOSTILE_TEXTS),
        learn_hostile=lambda m, i: m.learn_one(HOSTILE_TEXTS[i], "en", "topic.1"),
        predict_hostile=lambda m, i: topic_scores(m, HOSTILE_TEXTS[i]),
        most_bytes=4_000_000,
    ),
    BurstDetector: Case(
        make=lambda: BurstDetector(bits=10, recent=100),
        learn=lambda m, i: m.step(text(i), lang(i), f"c{i}", moment(i), f"k{i % 5}"),
        predict=counted,
        flood=lambda m, i: m.step(new_words(m, i), lang(i), f"c{i}", moment(i), f"k{i}"),
        hostile=len(HOSTILE_TEXTS),
        learn_hostile=lambda m, i: m.step(HOSTILE_TEXTS[i][:160], lang(i), "c", moment(-i * 900)),
        predict_hostile=counted,
        most_bytes=250_000,
    ),
    SeasonalCounts: Case(
        make=lambda: SeasonalCounts(64),
        learn=lambda m, i: count_terms(m, i, [i % 64, i % 7]),
        predict=lambda m, i: m.expected(np.array([i % 64])).tolist() if m.slot >= 0 else [-1.0],
        most_bytes=40_000,
    ),
    Spread: Case(
        make=lambda: Spread(capacity=32),
        learn=lambda m, i: spread(m, i, f"{i % 9:016x}"),
        predict=issues,
        flood=lambda m, i: spread(m, i, f"{i:016x}"),
        hostile=len(HOSTILE_NUMBERS),
        learn_hostile=lambda m, i: spread(m, i, f"{i % 9:016x}", HOSTILE_NUMBERS[i]),
        predict_hostile=issues,
        most_bytes=60_000,
    ),
    Issues: Case(
        make=lambda: Issues(capacity=32),
        learn=lambda m, i: heard(m, i, text(i % 9)),
        predict=known,
        flood=lambda m, i: heard(m, i, new_words(m, i)),
        hostile=len(HOSTILE_TEXTS),
        learn_hostile=lambda m, i: heard(m, i, HOSTILE_TEXTS[i]),
        predict_hostile=known,
        most_bytes=20_000,
    ),
    ClusterIndex: Case(
        make=lambda: ClusterIndex(capacity=32),
        learn=lambda m, i: m.step(text(i % 40), f"f{i}", f"c{i}", moment(i), "app"),
        predict=lambda m, i: [as_number(m.find(fingerprint(text(i % 40)), moment(100)))],
        flood=lambda m, i: m.step(new_words(m, i % 300), f"f{i}", f"c{i}", moment(i), f"channel{i}"),
        hostile=len(HOSTILE_TEXTS),
        learn_hostile=lambda m, i: m.step(HOSTILE_TEXTS[i], "f", "c", moment(-i * 9000), ""),
        predict_hostile=lambda m, i: [as_number(m.find(fingerprint(HOSTILE_TEXTS[i]), moment(0)))],
        most_bytes=100_000,
    ),
    TagBook: Case(
        make=TagBook,
        learn=lambda m, i: suggest(m, i, f"phrase {i}"),
        predict=tagged,
        hostile=len(STORED_TEXTS),
        learn_hostile=lambda m, i: m.suggest(burst(i, STORED_TEXTS[i])),
        predict_hostile=tagged,
        most_bytes=3_000 * MOST_SUGGESTIONS,
    ),
    Adwin: Case(
        make=Adwin,
        learn=lambda m, i: m.update(wave(i)),
        predict=lambda m, i: [m.estimation, float(m.width), m.variance],
        most_bytes=10_000,
    ),
    Watch: Case(
        make=lambda: Watch("sentiment", {"error": Series()}, limit=8),
        learn=lambda m, i: m.update("error", wave(i * 3), moment(i)),
        predict=lambda m, i: [mean_error(m)],
        flood=lambda m, i: m.update(f"language:{i}", 0.5, moment(i)),
        hostile=len(HOSTILE_NUMBERS),
        learn_hostile=lambda m, i: m.update("error", HOSTILE_NUMBERS[i], moment(i)),
        predict_hostile=lambda m, i: [mean_error(m)],
        most_bytes=20_000,
    ),
    Duel: Case(
        make=Duel,
        learn=lambda m, i: m.add(wave(i), 0.2),
        predict=lambda m, i: [m.mean_gain, m.p],
        hostile=len(HOSTILE_NUMBERS),
        learn_hostile=lambda m, i: m.add(HOSTILE_NUMBERS[i], 0.1),
        predict_hostile=lambda m, i: [m.mean_gain, m.p],
        most_bytes=5_000,
    ),
    Champion: Case(
        make=new_champion,
        learn=lambda m, i: contested(m, i, text(i)),
        predict=lambda m, i: [*m.champion.predict(text(i), "zh"), float(m.duel.n)],
        flood=lambda m, i: m.learn(new_words(m, i), float(i % 3 > 0)),
        hostile=len(STORED_TEXTS),
        learn_hostile=lambda m, i: m.learn(STORED_TEXTS[i], 1.0),
        predict_hostile=lambda m, i: list(m.champion.predict(STORED_TEXTS[i], "zh")),
        most_bytes=2_000_000,
    ),
    Prequential: Case(
        make=lambda: Prequential(window=100),
        learn=lambda m, i: m.add((i % 11) / 10.0, i % 3 == 0),
        predict=lambda m, i: figures(m) if m.n else [0.0],
        most_bytes=10_000,
    ),
    Trainer: Case(
        make=lambda: Trainer(SENTIMENT),
        learn=lambda m, i: m.step(example(i, text(i)), i, moment(i)),
        predict=lambda m, i: [*m.learner.predict(text(i), "zh"), float(m.figures.n)],
        flood=lambda m, i: m.step(example(i, new_words(m, i)), i, moment(i)),
        hostile=len(STORED_TEXTS),
        learn_hostile=lambda m, i: m.step(example(i + 10**6, STORED_TEXTS[i]), i + 10**6, moment(i)),
        predict_hostile=lambda m, i: list(m.learner.predict(STORED_TEXTS[i], "zh")),
        most_bytes=2_000_000,
        restore=lambda m, state: m.restore(state, 0, 1),
    ),
    Observer: Case(
        make=lambda: Observer(BurstDetector(bits=10, recent=100)),
        learn=lambda m, i: m.step(observed(i, text(i)), i, moment(i)),
        predict=lambda m, i: counted(m.bursts, i) + issues(m.spread, i),
        flood=lambda m, i: m.step(observed(i, new_words(m, i)), i, moment(i)),
        hostile=len(STORED_TEXTS),
        learn_hostile=lambda m, i: m.step(
            observed(i + 10**4, STORED_TEXTS[i], HOSTILE_NUMBERS[i % 6]), i + 10**4, moment(i)
        ),
        predict_hostile=lambda m, i: counted(m.bursts, i),
        most_bytes=400_000,
        restore=lambda m, state: m.restore(state, 0, 1),
    ),
}
