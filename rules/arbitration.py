"""Which of the eligible rules act: ranking, then every limit in turn, then the random arm.

The order matters for measuring. Every limit is asked before the arm is drawn, so customers who were
held out are those who would otherwise have been acted on, and the two arms differ in nothing else. A
held-out customer keeps the cooldown and the place in the exclusive group, so that no other rule steps
in, but spends no budget and counts as no contact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from models.events.decision import ActionKind, Arm, Suppression
from rules.holdout import Holdout, unit
from rules.limits import Limits
from rules.rule import CONTACTS, DAY, Rule
from rules.state import BINDING, CustomerState, PartitionState, Past

_SMALLEST = 1e-9
_INWARD = frozenset({ActionKind.ESCALATION, ActionKind.NOTIFY})
"""Kinds that alert colleagues and touch no customer: the global holdout is not about them."""


class Candidate(NamedTuple):
    """A rule whose condition holds for a record.

    Parameters
    ----------
    rule
        The rule.
    subject
        Customer or cluster the arm and the cooldown belong to.
    expected_value
        Money the action is expected to bring.
    """

    rule: Rule
    subject: str
    expected_value: float

    @property
    def net(self) -> float:
        """Expected value less cost."""
        return self.expected_value - (self.rule.cost or 0.0)


class Circumstances(NamedTuple):
    """What arbitration has to know of the record.

    Parameters
    ----------
    customer_id
        Whom it is about.
    at
        Decision time in ms, by the limits' clock.
    age
        Time from occurrence to receipt in ms.
    event
        Hash of the record's id.
    time_zone
        The customer's, empty if not known.
    repeat
        Whether it says the same words again.
    """

    customer_id: str
    at: int
    age: int
    event: int
    time_zone: str
    repeat: bool


class Verdict(NamedTuple):
    """What becomes of a candidate."""

    candidate: Candidate
    arm: Arm
    reason: Suppression
    propensity: float


class Arbiter:
    """Ranks candidates and applies the limits.

    Parameters
    ----------
    limits
        Limits over all rules.
    rules
        Every rule of the catalogue by id; past decisions are looked up in it.
    """

    def __init__(self, limits: Limits, rules: Mapping[str, Rule]) -> None:
        self.limits = limits
        self.holdout = Holdout(limits.salt, limits.global_holdout)
        self._rules = rules
        self.keep = max([limits.keep, *(rule.cooldown for rule in rules.values())])
        self._channels = {kind.value: limits.channel(kind) for kind in ActionKind}
        self._checks: tuple[tuple[Suppression, _Check], ...] = (
            (Suppression.PAUSED, lambda c, w, s, p: c.rule.status == "paused"),
            (Suppression.DUPLICATE, lambda c, w, s, p: w.repeat and not c.rule.repeats),
            (Suppression.LATE, lambda c, w, s, p: c.rule.max_age is not None and w.age > c.rule.max_age),
            (Suppression.GLOBAL_HOLDOUT, self._untouched),
            (Suppression.RAMP, self._not_ramped),
            (Suppression.COOLDOWN, self._cooling),
            (Suppression.CONTACT_CAP, self._capped),
            (Suppression.QUIET_HOURS, self._quiet),
            (Suppression.EXCLUSIVE_GROUP, self._group_taken),
            (Suppression.BUDGET, self._spent),
        )

    def arbitrate(
        self,
        candidates: Sequence[Candidate],
        where: Circumstances,
        state: CustomerState,
        partition: PartitionState,
    ) -> list[Verdict]:
        """Decide on every candidate of one record, best first.

        Parameters
        ----------
        candidates
            Rules whose condition holds.
        where
            The record's circumstances.
        state, partition
            Changed in place: decisions, budgets, clusters.

        Returns
        -------
        list of Verdict
            One for each candidate, highest priority, then highest net value first.
        """
        ranked = sorted(candidates, key=lambda c: (-c.rule.priority, -c.net, c.rule.id))
        return [self._decide(candidate, where, state, partition) for candidate in ranked]

    @staticmethod
    def propensity(rule: Rule, at: int) -> float:
        """Return the probability that an eligible customer whom no limit stops is acted on."""
        ramp = 1.0 if rule.ramp is None else rule.ramp.share(at)
        return max(_SMALLEST, ramp * (1.0 - rule.holdout))

    def _decide(
        self, candidate: Candidate, where: Circumstances, state: CustomerState, partition: PartitionState
    ) -> Verdict:
        rule = candidate.rule
        reason = Suppression.NONE
        for limit, stops in self._checks:
            if stops(candidate, where, state, partition):
                reason = limit
                break
        if rule.status == "shadow":
            arm = Arm.SHADOW
        elif reason is not Suppression.NONE:
            arm = Arm.SUPPRESSED
        elif self.holdout.held_out(rule.id, candidate.subject, rule.holdout):
            arm = Arm.HOLDOUT
        else:
            arm = Arm.ACTED
            self._spend(rule, where.at, partition)
        state.remember(Past(where.at, where.event, rule.id, arm, reason, rule.action.kind), self.keep)
        if rule.subject == "cluster" and arm in BINDING:
            partition.decide_cluster(f"{rule.id}\x1f{candidate.subject}", where.at, where.event)
        return Verdict(candidate, arm, reason, self.propensity(rule, where.at))

    def _untouched(self, c: Candidate, w: Circumstances, s: CustomerState, p: PartitionState) -> bool:
        return c.rule.action.kind not in _INWARD and self.holdout.untouched(w.customer_id)

    def _not_ramped(self, c: Candidate, w: Circumstances, s: CustomerState, p: PartitionState) -> bool:
        ramp = c.rule.ramp
        return ramp is not None and not self.holdout.ramped_in(c.rule.id, c.subject, ramp.share(w.at))

    def _cooling(self, c: Candidate, w: Circumstances, s: CustomerState, p: PartitionState) -> bool:
        if c.rule.subject == "cluster":
            last = p.clusters.get(f"{c.rule.id}\x1f{c.subject}")
            return last is not None and w.at - last[0] < c.rule.cooldown
        return any(
            past.rule == c.rule.id and past.arm in BINDING and w.at - past.at < c.rule.cooldown
            for past in s.decisions
        )

    def _capped(self, c: Candidate, w: Circumstances, s: CustomerState, p: PartitionState) -> bool:
        if not c.rule.contacts or c.rule.contact_caps == "ignore":
            return False
        contacts = [past for past in s.decisions if past.arm is Arm.ACTED and past.kind in CONTACTS]
        if not contacts:
            return False
        mine = self._channels[c.rule.action.kind]
        for cap in self.limits.caps:
            if cap.channel not in (None, mine):
                continue
            recent = [past for past in contacts if w.at - past.at < cap.within]
            if cap.channel is not None:
                recent = [past for past in recent if self._channels[past.kind] == mine]
            if len(recent) >= cap.count:
                return True
        return False

    def _quiet(self, c: Candidate, w: Circumstances, s: CustomerState, p: PartitionState) -> bool:
        if not c.rule.contacts or c.rule.quiet_hours == "ignore":
            return False
        return self.limits.quiet_hours.holds(w.at, w.time_zone)

    def _group_taken(self, c: Candidate, w: Circumstances, s: CustomerState, p: PartitionState) -> bool:
        group = c.rule.exclusive_group
        if group is None:
            return False
        return any(
            past.arm in BINDING
            and past.rule != c.rule.id
            and w.at - past.at < self.limits.group_period
            and (other := self._rules.get(past.rule)) is not None
            and other.exclusive_group == group
            for past in s.decisions
        )

    def _spent(self, c: Candidate, w: Circumstances, s: CustomerState, p: PartitionState) -> bool:
        if c.rule.budget_per_day is None or not c.rule.cost:
            return False
        day, bought = _bought(c.rule, w.at, p)
        return bought >= allowance(c.rule, day, p.partition, p.partitions)

    @staticmethod
    def _spend(rule: Rule, at: int, partition: PartitionState) -> None:
        if rule.budget_per_day is not None:
            day, bought = _bought(rule, at, partition)
            partition.spent[rule.id] = [day, bought + 1]


def _bought(rule: Rule, at: int, partition: PartitionState) -> tuple[int, int]:
    """Return the day to charge and what was bought on it; a late record charges the newest day."""
    day = at // DAY
    spent = partition.spent.get(rule.id)
    if spent is None or spent[0] < day:
        return day, 0
    return spent[0], spent[1]


_Check = Callable[[Candidate, Circumstances, CustomerState, PartitionState], bool]


def allowance(rule: Rule, day: int, partition: int, partitions: int) -> int:
    """Return how many actions a partition may buy on a day.

    The day's budget buys a whole number of actions. They are dealt out evenly and what is left over
    goes to partitions that change from day to day, so the sum over partitions is exact without any
    partition asking another.

    Parameters
    ----------
    rule
        A rule with a budget and a cost above 0.
    day
        Days since the epoch, UTC.
    partition, partitions
        Which part of how many.
    """
    if not rule.budget_per_day or not rule.cost:
        return 0
    affordable = int(rule.budget_per_day / rule.cost + 1e-9)
    first = int(unit("budget", rule.id, str(day)) * partitions)
    each, over = divmod(affordable, partitions)
    return each + ((partition - first) % partitions < over)
