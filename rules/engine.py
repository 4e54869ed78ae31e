"""From one record of a customer's log to decisions: windows, conditions, arbitration, actions.

The engine keeps nothing of its own between records: everything it remembers is in the customer's and
the partition's state, so a restart, a rebalance or a replay decides the same.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, MutableMapping
from typing import Any

from models.clock import event_time
from rules.arbitration import Arbiter, Candidate, Circumstances, Verdict
from rules.conditions import Conditions
from rules.decided import Decided, actions_so_far, circumstances, decide, finding
from rules.environment import Environment
from rules.limits import Limits
from rules.loader import Catalog
from rules.plan import Json, Plan
from rules.rule import Absence
from rules.state import MAX_TIMERS, CustomerState, PartitionState, Timer, short
from rules.windows import Taken, Windows


class Engine:
    """Evaluates a catalogue over records.

    Parameters
    ----------
    catalog
        Rules; drafts are left out.
    limits
        Limits over all rules.

    Raises
    ------
    RuleError
        If a rule does not compile; nothing is changed then.

    Attributes
    ----------
    failures
        Expressions that had no value for a record, by rule id and exception name.
    """

    def __init__(self, catalog: Catalog, limits: Limits | None = None) -> None:
        self.failures: Counter[tuple[str, str]] = Counter()
        self.limits = limits or Limits()
        self.swap(catalog)

    def swap(self, catalog: Catalog, limits: Limits | None = None) -> None:
        """Exchange the catalogue; everything is compiled before anything takes effect.

        Windows belong to their definitions, not to rules, so unchanged ones keep what they hold.

        Raises
        ------
        RuleError
            If a rule does not compile; the old catalogue stays.
        """
        limits = limits or self.limits
        rules = [rule for rule in catalog.rules.values() if rule.status != "draft"]
        plans = {rule.id: Plan(rule, self._failed) for rule in rules}
        windows = Windows(rules, self._failed)
        conditions: dict[str, Conditions] = {
            trigger: Conditions(
                [(plan.rule.id, plan.condition) for plan in plans.values() if plan.rule.trigger == trigger],
                self._failed,
            )
            for trigger in {rule.trigger for rule in rules}
        }
        arbiter = Arbiter(limits, {rule.id: rule for rule in rules})
        self.limits, self.catalog, self.arbiter = limits, catalog, arbiter
        self._plans, self._windows, self._conditions = plans, windows, conditions
        self._kinds = windows.kinds | set(conditions)

    def _failed(self, rule_id: str, error: Exception) -> None:
        self.failures[rule_id, type(error).__name__] += 1

    def process(
        self,
        record: Mapping[str, Any],
        states: MutableMapping[str, CustomerState],
        partition: PartitionState,
        now_ms: int,
    ) -> list[Decided]:
        """Take one record of the partition's log, then whatever timers it makes due.

        Parameters
        ----------
        record
            A `ScoredFeedback` or `CustomerFact` as a dict.
        states
            Customer states; one is stored only when it changed, deleted when nothing is left of it.
        partition
            Changed in place.
        now_ms
            Wall clock, for `decided_at` alone.
        """
        customer_id: str = record["customer_id"]
        state = states.get(customer_id)
        if state is None:
            state = CustomerState()
        decided = self.step(record, state, partition, now_ms)
        if state.changed:
            _store(states, customer_id, state)
        partition.advance(event_time(record) - self.limits.patience)
        return decided + self._due(states, partition, now_ms) if partition.has_due else decided

    def tick(
        self, at: int, states: MutableMapping[str, CustomerState], partition: PartitionState, now_ms: int
    ) -> list[Decided]:
        """Let event time reach `at` (ms) without a record, for a partition that has gone quiet."""
        partition.advance(at - self.limits.patience)
        return self._due(states, partition, now_ms)

    def _due(
        self, states: MutableMapping[str, CustomerState], partition: PartitionState, now_ms: int
    ) -> list[Decided]:
        decided: list[Decided] = []
        while (due := partition.next_due()) is not None:
            waiting = states.get(due)
            if waiting is not None:
                decided += self.fire(due, waiting, partition, now_ms)
                if waiting.changed:
                    _store(states, due, waiting)
        return decided

    def step(
        self, record: Mapping[str, Any], state: CustomerState, partition: PartitionState, now_ms: int
    ) -> list[Decided]:
        """Take one record of one customer; timers are left to `fire`."""
        kind: str = record["event"]
        if kind not in self._kinds:
            return []
        at: int = record["occurred_at"]
        event = short(record["feedback_id"] if kind == "feedback" else record["id"])
        repeat = record.get("duplicate_of") is not None
        env, taken = self._enter(record, kind, state, at, event, repeat)
        if (taken is not None and taken.seen) or (state.decisions and state.decided(event)):
            return self._again(env, record, state, event, now_ms)
        if taken is not None and state.timers:
            self._answer(taken, state, at)
        conditions = self._conditions.get(kind)
        eligible = conditions.eligible(env) if conditions is not None else []
        if not eligible:
            return []
        return self._decide(eligible, env, record, state, partition, now_ms, event)

    def _enter(
        self, record: Mapping[str, Any], kind: str, state: CustomerState, at: int, event: int, repeat: bool
    ) -> tuple[Environment, Taken | None]:
        """Put a record into its windows and return what the conditions see of it."""
        taken: Taken | None = None

        # Handed over, not closed over: of a cycle a record the collector made pauses of 10–40 ms.
        def window(key: str, env: Environment) -> float | bool:
            return self._windows.value(key, state, at, taken, env)

        env = Environment(record, window, lambda: actions_so_far(state, self.limits.time_of(record)))
        taken = self._windows.take(env, kind, state, at, event, repeat)
        return env, taken

    def view(self, record: Mapping[str, Any], state: CustomerState) -> tuple[Environment, dict[str, Plan]]:
        """Return what the rules see of a record, and the rules it triggers; `state` is not changed."""
        kind, at = record["event"], record["occurred_at"]
        event = short(record["feedback_id"] if kind == "feedback" else record["id"])
        copy = CustomerState.load(json.loads(json.dumps(state.dump())))
        env, _ = self._enter(record, kind, copy, at, event, record.get("duplicate_of") is not None)
        return env, {key: plan for key, plan in self._plans.items() if plan.rule.trigger == kind}

    def _decide(
        self,
        eligible: list[str],
        env: Environment,
        record: Mapping[str, Any],
        state: CustomerState,
        partition: PartitionState,
        now_ms: int,
        event: int,
    ) -> list[Decided]:
        candidates: list[Candidate] = []
        found: dict[str, Json] = {}
        for rule_id in eligible:
            plan = self._plans[rule_id]
            seen = finding(plan, env, record)
            if plan.absence is not None:
                if env.window(plan.absence) is True:
                    self._wait(plan, seen, state, partition, record, event)
                continue
            found[rule_id] = seen
            candidates.append(Candidate(plan.rule, seen["subject"], seen["expected_value"]))
        if not candidates:
            return []
        where = circumstances(record, self.limits)
        verdicts = self.arbiter.arbitrate(candidates, where, state, partition)
        return [self._decided(v, found[v.candidate.rule.id], where.at, now_ms) for v in verdicts]

    def _wait(
        self,
        plan: Plan,
        found: Json,
        state: CustomerState,
        partition: PartitionState,
        record: Mapping[str, Any],
        event: int,
    ) -> None:
        """Begin to wait for an absence; a rule waits once at a time, a customer `MAX_TIMERS` times."""
        if plan.absence is None or len(state.timers) >= MAX_TIMERS:
            return
        if any(timer.rule == plan.rule.id for timer in state.timers):
            return
        due = record["occurred_at"] + self._windows.specs[plan.absence].within
        state.timers.append(Timer(due, plan.absence, plan.rule.id, event, found))
        state.changed = True
        partition.wait(due, record["customer_id"])

    def _answer(self, taken: Taken, state: CustomerState, at: int) -> None:
        """Drop the timers of absences that did not come true."""
        specs = self._windows.specs
        for timer in list(state.timers):
            spec = specs.get(timer.window)
            answered = taken.roles.get(timer.window) == 1 and isinstance(spec, Absence)
            if spec is not None and answered and timer.due - spec.within <= at < timer.due:
                state.timers.remove(timer)
                state.changed = True

    def fire(
        self, customer_id: str, state: CustomerState, partition: PartitionState, now_ms: int
    ) -> list[Decided]:
        """Decide on every absence of a customer that has come true by the partition's watermark."""
        due = sorted(
            (timer for timer in state.timers if timer.due <= partition.watermark),
            key=lambda timer: (timer.due, timer.rule),
        )
        decided: list[Decided] = []
        for timer in due:
            state.timers.remove(timer)
            state.changed = True
            plan = self._plans.get(timer.rule)
            if plan is None:
                continue
            found = timer.found
            at = timer.due if self.limits.clock == "occurred" else max(timer.due, found["received_at"])
            where = Circumstances(
                customer_id, at, found["received_at"] - found["occurred_at"], timer.event,
                found["time_zone"], found["repeat"],
            )  # fmt: skip
            candidate = Candidate(plan.rule, found["subject"], found["expected_value"])
            verdicts = self.arbiter.arbitrate([candidate], where, state, partition)
            decided += [self._decided(verdict, found, at, now_ms) for verdict in verdicts]
        return decided

    def _again(
        self, env: Environment, record: Mapping[str, Any], state: CustomerState, event: int, now_ms: int
    ) -> list[Decided]:
        """Repeat what was decided on a record seen before: same ids, same arms, nothing spent."""
        decided = []
        for past in state.decisions:
            plan = self._plans.get(past.rule)
            if past.event != event or plan is None:
                continue
            found = finding(plan, env, record)
            candidate = Candidate(plan.rule, found["subject"], found["expected_value"])
            propensity = self.arbiter.propensity(plan.rule, past.at)
            verdict = Verdict(candidate, past.arm, past.reason, propensity)
            decided.append(self._decided(verdict, found, past.at, now_ms))
        return decided

    def _decided(self, verdict: Verdict, found: Json, at: int, now_ms: int) -> Decided:
        plan = self._plans[verdict.candidate.rule.id]
        return decide(plan, verdict, found, at, now_ms, self.arbiter.holdout)

    def expire(self, state: CustomerState, now: int) -> None:
        """Forget what no rule of this catalogue can ask of a customer any more."""
        state.expire(now, self._windows.horizons, self.arbiter.keep)


def _store(states: MutableMapping[str, CustomerState], customer_id: str, state: CustomerState) -> None:
    state.changed = False
    if state:
        states[customer_id] = state
    else:
        states.pop(customer_id, None)
