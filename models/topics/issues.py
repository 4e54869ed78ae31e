"""One id for an issue over all partitions.

Partitions found clusters alone, so other wordings of one fault get one id here and another there. Who hears
all of them, in the order of one log, compares the first text of every cluster with the issues there are, by
the same rule as a partition does: near enough, it is the same issue, and the cluster's id an alias of it.
Also of what was said only once: twelve voices may be single in twelve partitions.

An issue's id is that of the first cluster heard of it. An alias names it directly, and right before it is
told that the issue is its own, so that aliases of different times make chains but never a circle, however
late what is heard: of a circle's aliases one would be the newest, and what it points to was its own then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from models.fingerprint import LANES, U32
from models.learner import State
from models.near_duplicate import BANDS, I32, U8, band_place, nearest
from models.sentiment.compiled import compiled

CAPACITY = 8192
"""Issues kept; a snapshot holds 156 bytes of each."""

_SLOTS_PER_ISSUE = 2
_DAY = 86_400.0
_HEX = 16


class Alias(NamedTuple):
    """A cluster's id and the issue it belongs to, as told at `at` (event time, seconds)."""

    cluster_id: str
    issue_id: str
    at: float


@compiled
def _claim(hand: int, heard: U8) -> int:
    """Return the next slot whose issue was heard of but once since the hand last came by."""
    while heard[hand]:
        heard[hand] = 0
        hand = (hand + 1) % heard.shape[0]
    return hand


@compiled
def _found(slot: int, minima: U32, bytes_: U8, places: I32, bands: I32, taken: bool) -> None:
    """Put a text into a slot, forgetting the one that was there."""
    for band in range(bands.shape[0]):
        if taken and bands[band, places[slot, band]] == slot:
            bands[band, places[slot, band]] = -1
        places[slot, band] = band_place(minima, band, bands.shape[1])
        bands[band, places[slot, band]] = slot
    for lane in range(64):
        bytes_[slot, lane] = minima[lane] & 0xFF


class Issues:
    """Issues by their first texts, within a window of event time.

    Parameters
    ----------
    capacity
        Issues kept, a power of two up to 32,768. A new one takes the place of the oldest that
        was not heard of again lately.
    window, threshold
        As of `models.near_duplicate.ClusterIndex`.

    Examples
    --------
    >>> from models.fingerprint import fingerprint
    >>> one = fingerprint("the cup from the new batch is cracked and leaks").minima
    >>> two = fingerprint("The cup from the new batch is cracked, it leaks!").minima
    >>> issues = Issues(capacity=64)
    >>> issues.step("a1", lambda: one, 0.0), issues.step("b2", lambda: two, 60.0)
    (('a1', False), ('a1', True))
    >>> [(alias.cluster_id, alias.issue_id) for alias in issues.taken()]
    [('a1', 'a1'), ('b2', 'a1')]
    """

    def __init__(self, capacity: int = CAPACITY, window: float = 7 * _DAY, threshold: float = 0.45) -> None:
        if not 2 <= capacity <= 32_768 or capacity & (capacity - 1):
            raise ValueError(f"capacity must be a power of two up to 32,768, not {capacity}")
        self.capacity = capacity
        self.window = window
        self._least = max(1, round(threshold * LANES))
        self._clear()

    def _clear(self) -> None:
        shape = self.capacity
        self._founded = self._hand = 0
        self._bytes = np.zeros((shape, LANES), dtype=np.uint8)
        self._places = np.zeros((shape, BANDS), dtype=np.int32)
        self._bands = np.full((BANDS, shape * _SLOTS_PER_ISSUE), -1, dtype=np.int32)
        self._seqs = np.full(shape, -1, dtype=np.int64)
        self._last = np.zeros(shape, dtype=np.float64)
        self._heard = np.zeros(shape, dtype=np.uint8)
        self._ids: list[str] = []
        self._slots: dict[str, int] = {}
        self._aliases: dict[str, tuple[int, int, float]] = {}
        self._fresh: list[Alias] = []

    def step(self, cluster_id: str, minima: Callable[[], U32], at: float) -> tuple[str, bool]:
        """Return the issue a cluster belongs to, and whether that issue was heard of before.

        Parameters
        ----------
        cluster_id
            As the partition has it: from the text that founded the cluster there.
        minima
            Of this text; asked for where the cluster is heard of for the first time.
        at
            Event time, seconds since the epoch.
        """
        slot, told = self._known(cluster_id, at)
        if slot < 0:
            own = minima()
            slot = int(
                nearest(own, at, self.window, self._least, self._bands, self._bytes, self._seqs, self._last)
            )
            if slot < 0:
                self._found(cluster_id, own, at)
                return cluster_id, False
        if self._ids[slot] == cluster_id:
            self._own(cluster_id, slot, at)
        elif at - told > _DAY:
            # Told again every day, so that who reads them may forget those of the last week.
            self._tell(cluster_id, slot, at)
        self._last[slot] = max(float(self._last[slot]), at)
        self._heard[slot] = 1
        return self._ids[slot], True

    def _known(self, cluster_id: str, at: float) -> tuple[int, float]:
        """Return the slot of a cluster's living issue, or -1, and when that was told."""
        told = -np.inf
        slot = self._slots.get(cluster_id, -1)
        if slot < 0 and (alias := self._aliases.get(cluster_id)) is not None:
            slot, seq, told = alias
            if self._seqs[slot] != seq:
                return -1, -np.inf
        return (-1, -np.inf) if slot < 0 or abs(at - self._last[slot]) > self.window else (slot, told)

    def _found(self, cluster_id: str, minima: U32, at: float) -> None:
        slot = self._hand = int(_claim(self._hand, self._heard))
        taken = bool(self._seqs[slot] >= 0)
        if taken:
            if self._slots.get(self._ids[slot]) == slot:
                del self._slots[self._ids[slot]]
            self._ids[slot] = cluster_id
        else:
            self._ids.append(cluster_id)
        _found(slot, minima, self._bytes, self._places, self._bands, taken)
        self._seqs[slot], self._last[slot] = self._founded, at
        self._slots[cluster_id] = slot
        self._own(cluster_id, slot, at)
        self._founded += 1
        self._hand = (slot + 1) % self.capacity

    def _own(self, cluster_id: str, slot: int, at: float) -> None:
        """Take back that an issue was part of another."""
        if self._aliases.pop(cluster_id, None) is not None:
            self._slots[cluster_id] = slot
            self._fresh.append(Alias(cluster_id, cluster_id, at))

    def _tell(self, cluster_id: str, slot: int, at: float) -> None:
        issue_id = self._ids[slot]
        self._aliases.pop(issue_id, None)
        self._slots[issue_id] = slot
        self._fresh += [Alias(issue_id, issue_id, at), Alias(cluster_id, issue_id, at)]
        self._slots.pop(cluster_id, None)
        self._aliases.pop(cluster_id, None)
        self._aliases[cluster_id] = (slot, int(self._seqs[slot]), at)
        if len(self._aliases) > self.capacity:
            del self._aliases[next(iter(self._aliases))]

    def taken(self) -> list[Alias]:
        """Return what is to be told since the last call, in order."""
        fresh, self._fresh = self._fresh, []
        return fresh

    def state(self) -> State:
        """Return issues and aliases, without what is yet to be told: `restore` tells all of them again."""
        used = len(self._ids)
        return {
            "capacity": self.capacity,
            "founded": self._founded,
            "hand": self._hand,
            "bytes": self._bytes[:used].copy(),
            "places": self._places[:used].astype(np.uint16),
            "leads": np.packbits(self._leads(used), axis=1),
            "seqs": self._seqs[:used].copy(),
            "last": self._last[:used].copy(),
            "heard": self._heard[:used].copy(),
            "ids": np.array(self._ids, dtype=f"S{_HEX}"),
            "aliases": np.array(list(self._aliases), dtype=f"S{_HEX}"),
            "alias_slots": np.array([slot for slot, _, _ in self._aliases.values()], dtype=np.int32),
            "alias_seqs": np.array([seq for _, seq, _ in self._aliases.values()], dtype=np.int64),
            "alias_told": np.array([told for _, _, told in self._aliases.values()], dtype=np.float64),
        }

    def _leads(self, used: int) -> npt.NDArray[np.bool_]:
        """Tell which bands lead to which issue, shape (used, 24): of two at one place the newer has it."""
        held = self._bands[np.arange(BANDS), self._places[:used]]
        return np.asarray(held == np.arange(used)[:, None])

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`; raises ValueError when it was taken at another capacity."""
        if state.get("capacity") != self.capacity:
            raise ValueError(f"state holds {state.get('capacity')} issues, this one {self.capacity}")
        self._clear()
        self._founded, self._hand = int(state["founded"]), int(state["hand"])
        self._ids = [ident.decode() for ident in state["ids"].tolist()]
        used = len(self._ids)
        for mine, name in (
            (self._bytes, "bytes"), (self._places, "places"), (self._seqs, "seqs"), (self._last, "last"),
            (self._heard, "heard"),
        ):  # fmt: skip
            mine[:used] = state[name]
        slots, bands = np.nonzero(np.unpackbits(state["leads"], axis=1)[:, :BANDS])
        self._bands[bands, self._places[slots, bands]] = slots
        for slot in np.argsort(self._seqs[:used], kind="stable").tolist():
            self._slots[self._ids[slot]] = slot
        names = [ident.decode() for ident in state["aliases"].tolist()]
        rows = zip(
            state["alias_slots"].tolist(),
            state["alias_seqs"].tolist(),
            state["alias_told"].tolist(),
            strict=True,
        )
        self._aliases = dict(zip(names, rows, strict=True))
        for cluster_id, (slot, seq, told) in self._aliases.items():
            self._slots.pop(cluster_id, None)
            if self._seqs[slot] == seq:
                issue_id = self._ids[slot]
                self._fresh += [Alias(issue_id, issue_id, told), Alias(cluster_id, issue_id, told)]
