"""Windows over event time: what a customer did lately, without counting anything twice.

A window holds events, not totals, so that a replay adds nothing, a late event lands where it belongs
and an old one leaves exactly when its time is over. What a window holds at the end does not depend on
the order of arrival: it is the newest `limit` matching events of the span it may still be asked about.

References
----------
Akidau et al.: The Dataflow Model (VLDB 2015), event time and late data.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from rules.conditions import Expression, Failure, typed_getter
from rules.environment import Environment
from rules.expression import parse
from rules.network import Network
from rules.rule import DAY, Absence, Aggregate, Occurrence, Rule, Sequence, window_key
from rules.source import Problem, RuleError
from rules.state import CustomerState, short
from rules.tree import path_of

LATENESS = DAY
"""How late (ms) an event may be and still see everything around it."""


class Taken(NamedTuple):
    """What one record did to the windows: the role it has in each, and whether it was there before."""

    roles: dict[str, int]
    seen: bool


class _Intake:
    """One `event … where …` of one window, and the value an entry carries."""

    __slots__ = ("carries", "horizon", "key", "limit", "owner", "repeats", "role", "where")

    def __init__(self, rule: Rule, key: str, window: Any, role: int, occurrence: Occurrence) -> None:
        self.key = key
        self.role = role
        self.owner = rule.id
        self.repeats = rule.repeats
        self.limit: int = window.limit
        self.horizon: int = window.within + LATENESS
        self.where = Expression(occurrence.where)
        self.carries = _Carrier(window, role)


class _Carrier:
    """The third item of an entry: a number, the hash of a value, or the role in a sequence."""

    __slots__ = ("fetch", "hashed", "role")

    def __init__(self, window: Any, role: int) -> None:
        self.role = role if isinstance(window, Sequence | Absence) else None
        field = (window.of or window.same) if isinstance(window, Aggregate) else None
        path = path_of(parse(field)) if field else None
        self.fetch = typed_getter(path) if path else None
        self.hashed = isinstance(window, Aggregate) and window.kind in ("count", "distinct")

    def of(self, env: Environment) -> list[Any]:
        """Return what an entry carries beside time and event."""
        if self.role is not None:
            return [self.role]
        if self.fetch is None:
            return []
        value = self.fetch(env)
        return [_hash(value)] if self.hashed else [value]


def _hash(value: Any) -> int:
    first = (value[0] if value else "") if isinstance(value, list) else value
    return short(str(first))


class Windows:
    """Every distinct window of a catalogue.

    Parameters
    ----------
    rules
        Rules whose windows are kept up to date.
    failed
        Told of every `where` that has no value for a record.

    Raises
    ------
    RuleError
        If an expression of a window does not compile.
    """

    def __init__(self, rules: Iterable[Rule], failed: Failure) -> None:
        self._failed = failed
        self.specs: dict[str, Aggregate | Sequence | Absence] = {}
        self._carriers: dict[str, _Carrier] = {}
        self._intakes: dict[str, list[_Intake]] = {}
        for rule in rules:
            for window in rule.windows.values():
                key = window_key(window, rule.repeats)
                if key not in self.specs:
                    self._add(rule, key, window)
        self._networks = {
            kind: Network((intake, intake.where.guards) for intake in intakes)
            for kind, intakes in self._intakes.items()
        }
        self.horizons = {key: window.within + LATENESS for key, window in self.specs.items()}

    def _add(self, rule: Rule, key: str, window: Aggregate | Sequence | Absence) -> None:
        self.specs[key] = window
        try:
            self._carriers[key] = _Carrier(window, 0)
            for role, occurrence in enumerate(_occurrences(window)):
                intake = _Intake(rule, key, window, role, occurrence)
                self._intakes.setdefault(occurrence.event, []).append(intake)
        except (ValueError, KeyError, TypeError) as error:
            raise RuleError([Problem(rule.id, 1, "window", str(error))]) from error

    @property
    def kinds(self) -> set[str]:
        """Kinds of record that some window takes in."""
        return set(self._intakes)

    def take(
        self, env: Environment, kind: str, state: CustomerState, at: int, event: int, repeat: bool
    ) -> Taken | None:
        """Put a record into the windows it belongs to.

        Parameters
        ----------
        env
            The record.
        kind
            Its `event`.
        state
            The customer's, changed in place.
        at
            Event time in ms.
        event
            Hash of the record's id.
        repeat
            Whether it is the same words again; only windows of rules with `repeats` take it.

        Returns
        -------
        Taken or None
            None where no window wants it, the common case.
        """
        roles: dict[str, int] | None = None
        seen = False
        network = self._networks.get(kind)
        if network is None:
            return None
        found, doubtful = network.match(env)
        if doubtful:
            found += doubtful
        for intake in found:
            if (doubtful or intake.where.rest) and not self._judge(intake, env):
                continue
            if repeat and not intake.repeats:
                continue
            try:
                entry = [at, event, *intake.carries.of(env)]
            except Exception as error:
                self._failed(intake.owner, error)
                continue
            if roles is None:
                roles = {}
            roles[intake.key] = intake.role
            seen = self._insert(intake, state, entry) or seen
        return None if roles is None else Taken(roles, seen)

    def _judge(self, intake: _Intake, env: Environment) -> bool:
        """Let CEL say what closures left open."""
        try:
            return intake.where.holds(env)
        except Exception as error:
            self._failed(intake.owner, error)
            return False

    def _insert(self, intake: _Intake, state: CustomerState, entry: list[Any]) -> bool:
        """Add an entry in its place; return whether it was there before."""
        entries = state.windows.get(intake.key)
        if entries is None:
            state.windows[intake.key] = [entry]
            state.changed = True
            return False
        mine = entry[1:] if intake.carries.role is not None else entry[1:2]
        width = 1 + len(mine)
        for old in entries:
            if old[1:width] == mine:
                return True
        if entry[0] <= entries[-1][0] - intake.horizon:
            return False
        insort(entries, entry, key=_order)
        start = entries[-1][0] - intake.horizon
        while entries[0][0] <= start or len(entries) > intake.limit:
            del entries[0]
        if len(entries) > 16:
            state.bound()
        state.changed = True
        return False

    def value(
        self, key: str, state: CustomerState, at: int, taken: Taken | None, env: Environment
    ) -> float | bool:
        """Return what a window says at a record.

        A record later than all others sees the span that ends with it. A late record in the window
        sees the fullest span that contains it, so that the third of three complaints fires whichever
        arrives last. A record seen before sees the span that ends with it, as when it came in order.
        """
        window = self.specs[key]
        if taken is None and isinstance(window, Sequence | Absence):
            return False
        entries = state.windows.get(key, ())
        role = None if taken is None else taken.roles.get(key)
        member = role is not None and taken is not None and not taken.seen
        if isinstance(window, Sequence):
            return _completes(entries, at, role, window.within)
        if isinstance(window, Absence):
            return role == 0 and not _answered(entries, at, window.within)
        if window.same is not None:
            wanted = self._carriers[key].of(env)[0]
            entries = [entry for entry in entries if entry[2] == wanted]
        span = _span(entries, at, window.within, member)
        return _figure(window.kind, span)


def _occurrences(window: Aggregate | Sequence | Absence) -> tuple[Occurrence, ...]:
    if isinstance(window, Sequence):
        return window.first, window.then
    if isinstance(window, Absence):
        return window.after, window.without
    return (window,)


def _order(entry: list[Any]) -> tuple[int, int]:
    return entry[0], entry[1]


def _span(entries: Any, at: int, within: int, member: bool) -> list[list[Any]]:
    if not entries or entries[-1][0] <= at:
        start = at - within
        return [entry for entry in entries if entry[0] > start]
    ends = [at] if not member else [at, *(entry[0] for entry in entries if at < entry[0] < at + within)]
    spans = ([entry for entry in entries if end - within < entry[0] <= end] for end in ends)
    return max(spans, key=len)


def _figure(kind: str, span: list[list[Any]]) -> float | bool:
    if kind == "count":
        return len(span)
    if kind == "distinct":
        return len({entry[2] for entry in span})
    total = float(sum(entry[2] or 0.0 for entry in span))
    return total if kind == "sum" else total / len(span) if span else 0.0


def _completes(entries: Any, at: int, role: int | None, within: int) -> bool:
    if role == 1:
        return any(entry[2] == 0 and at - within <= entry[0] < at for entry in entries)
    if role == 0:
        return any(entry[2] == 1 and at < entry[0] <= at + within for entry in entries)
    return False


def _answered(entries: Any, at: int, within: int) -> bool:
    return any(entry[2] == 1 and at <= entry[0] < at + within for entry in entries)


def keys_of(rule: Rule) -> Mapping[str, str]:
    """Return the window keys of a rule by the names it uses."""
    return {name: window_key(window, rule.repeats) for name, window in rule.windows.items()}
