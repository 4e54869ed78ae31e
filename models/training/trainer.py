"""One model's champion, challenger, figures and drift watch; everything they know is in the state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.champion import Champion, Step
from models.drift.watch import Drift, Watch
from models.learner import State
from models.scoring.model_set import new_learner, part
from models.scoring.targets import SENTIMENT, TOPICS
from models.topics.analyser import Analyser
from models.training.finding import Finding, of_change, of_drift
from models.training.prequential import WINDOW, Prequential

Example = Mapping[str, Any]
RECENT = 500
"""Newest examples a challenger starts on."""


class Trainer:
    """Learns one model from the records of its partition, in their order.

    Champion and challenger predict and learn the same examples. What people order (promote, retire, roll
    back) stands in the same partition, so a trainer that repeats its input repeats that too.

    Parameters
    ----------
    name
        One of `models.scoring.targets.MODELS`.
    automatic
        Promote a challenger on proof; otherwise wait for a person.

    Attributes
    ----------
    offset
        Offset of the last record taken, -1 before any.
    version
        Version of the last snapshot taken.
    """

    pause = 0.0

    def __init__(self, name: str, automatic: bool = True) -> None:
        self.name = name
        self.offset = -1
        self.version = 0
        self.figures = Prequential()
        self.rival = Prequential()
        self.champion: Champion[Any, Example] = Champion(
            name, lambda: new_learner(name), self._teach, automatic, recent=RECENT
        )
        self._watch = Watch(name)
        self._analyser = Analyser()
        self._seen: dict[str, list[int]] = {}

    @property
    def learner(self) -> Any:
        """The model that serves."""
        return self.champion.champion

    def step(self, record: Example, offset: int, at: float) -> list[Finding]:
        """Predict, judge, learn; return what people should know.

        Parameters
        ----------
        offset
            Of the record in its partition; records at or below `self.offset` change nothing.
        at
            Time of the append, seconds since the epoch.
        """
        if offset <= self.offset:
            return []
        self.offset = offset
        if not self._first_time(record["from"]):
            return []
        label = self._label(record)
        judged = self.champion.judge(record, label)
        found: list[Finding] = []
        if judged.champion is not None:
            found += self._judge(record, judged.champion, label > 0.5, at)
            if judged.challenger is not None:
                self.rival.add(judged.challenger, label > 0.5)
        if judged.change is not None:
            found.append(of_change(judged.change, at))
            self._succeed(judged.change.step)
        return found

    def order(self, order: Mapping[str, Any], offset: int, at: float, held: State | None) -> list[Finding]:
        """Do what a person asked for; an order that cannot be followed is told and changes nothing.

        Parameters
        ----------
        order
            `do` (promote, retire, rollback), `by`, and for a rollback `version` or None.
        held
            State of the version asked for, None when nobody holds it.
        """
        if offset <= self.offset:
            return []
        self.offset = offset
        by, wanted = str(order.get("by", "")), order.get("version")
        try:
            if order["do"] == "promote":
                change = self.champion.approve()
            elif order["do"] == "retire":
                change = self.champion.retire()
            elif order["do"] != "rollback":
                raise ValueError("no such order")
            elif wanted is None:
                change = self.champion.rollback()
            elif held is None:
                raise ValueError(f"version {wanted} of {self.name} is held no more")
            else:
                change = self.champion.install(part(held, "learner."), f"version {wanted} serves again")
        except (ValueError, KeyError) as error:
            message = f"{self.name}: {order.get('do')} refused: {error}"
            return [Finding("model", f"{self.name}/refused", message, "warning", at, 0.0, "nothing changed")]
        self._succeed(change.step)
        return [of_change(change, at, by)]

    def _succeed(self, step: Step) -> None:
        """Begin the challenger's figures again when it is gone, and the watch when another model serves."""
        if step is not Step.AWAITS_APPROVAL:
            self.rival = Prequential()
        if step in (Step.PROMOTED, Step.ROLLED_BACK):
            self._watch = Watch(self.name)

    def _judge(self, record: Example, chance: float, label: bool, at: float) -> list[Finding]:
        # Judge what was served, unless the score came from the untrained model as shipped.
        served = record.get("score")
        if served is not None and record["version"]:
            chance = float(served)
        self.figures.add(chance, label)
        if served is not None and not record["version"]:
            return []  # that the first learned version errs otherwise is no drift
        drifts = [self._watch.update("error", float((chance >= 0.5) != label), at)]
        if served is not None and self.name not in (SENTIMENT, TOPICS):  # sentiment's the observer watches
            drifts.append(self._watch.update("probability", chance, at))
        return [said for drift in drifts if drift is not None for said in self._answered(drift)]

    def _answered(self, drift: Drift) -> list[Finding]:
        """Start a challenger on the examples since the change, and say so."""
        started = self.champion.drifted(drift)
        if started is None:
            return [of_drift(drift, "a challenger was being tried already")]
        self.rival = Prequential()
        return [of_drift(drift, f"challenger started: {started.why.split('; ')[-1]}")]

    def _first_time(self, origin: list[int]) -> bool:
        """Tell whether an example of a scorer's partition is new; a restarted scorer sends some again."""
        partition, place = str(origin[0]), list(origin[1:])
        if place <= self._seen.get(partition, [-1, -1]):
            return False
        self._seen[partition] = place
        return True

    def _label(self, record: Example) -> float:
        if self.name == SENTIMENT:
            return float(record["label"])
        if self.name == TOPICS and not isinstance(record["label"], str):
            raise TypeError("a topic is a word")
        # For a many-class model the figure that matters is whether the first guess was right.
        return 1.0 if self.name == TOPICS else float(bool(record["y"]))

    def _teach(self, learner: Any, record: Example, label: float) -> float | None:
        """Teach one model and return the chance it gave before."""
        if self.name == SENTIMENT:
            said = learner.predict_learn(record["text"], record["lang"], label, _weight(record))
            return float(said.probability) if label != 0.5 else None
        if self.name == TOPICS:
            text, lang = record["text"], record["lang"]
            signals = self._analyser.signals(text)
            best = learner.predict(text, lang, signals)
            learner.learn_one(text, lang, record["label"], signals)
            return 1.0 if best and best[0][0] == record["label"] else 0.0
        chance: float = learner.predict_learn(record["x"], label > 0.5)
        return chance

    def metrics(self, at_ms: int) -> list[dict[str, Any]]:
        """Return the figures of champion and challenger as `models.events.ModelMetric`.

        Of topics only the share of right first guesses: a guess is no probability of anything.
        """
        likely = self.name != TOPICS
        roles = [("champion", self.figures)]
        if self.champion.challenger is not None:
            roles.append(("challenger", self.rival))
        return [
            {
                "model": self.name,
                "version": self.version,
                "role": role,
                "n": figures.n,
                "accuracy": figures.accuracy if figures.n else None,
                "auc": figures.auc() if likely else None,
                "log_loss": figures.log_loss() if likely else None,
                "brier": figures.brier() if likely else None,
                "window": min(figures.n, WINDOW),
                "at": at_ms,
            }
            for role, figures in roles
        ]

    def serving(self) -> State:
        """Return the serving model alone, as a checkpoint keeps it."""
        return {f"learner.{key}": value for key, value in self.learner.state().items()}

    def state(self) -> State:
        """Return the serving model's state and everything around it."""
        state = self.serving()
        champion = self.champion.state()
        del champion["champion"]  # stands under learner.
        state.update({f"champion.{key}": value for key, value in champion.items()})
        state.update({f"figures.{key}": value for key, value in self.figures.state().items()})
        state.update({f"rival.{key}": value for key, value in self.rival.state().items()})
        state["watch"] = dict(self._watch.state())
        state["seen"] = dict(self._seen)
        return state

    def restore(self, state: Mapping[str, Any], offset: int, version: int) -> None:
        """Continue from a snapshot; every later result is identical to never having stopped.

        Raises
        ------
        ValueError, KeyError
            When the state is of another build; the trainer is of no use then.
        """
        self.champion.restore({**part(state, "champion."), "champion": part(state, "learner.")})
        self.figures.restore(part(state, "figures."))
        self.rival.restore(part(state, "rival."))
        self._watch.restore(state["watch"])
        self._seen = {key: list(value) for key, value in state["seen"].items()}
        self.offset, self.version = offset, version


def _weight(record: Example) -> float:
    """Return 5 for a person's correction, which is rarer and surer than a star rating, else 1."""
    return 5.0 if record.get("correction") else 1.0
