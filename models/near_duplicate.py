"""Give near-identical texts one cluster id and count the different voices in it.

Bounded: a ring of clusters, in the order they were founded, and a table of bands that points into it. A
cluster is one row of plain values, so that a changed one can be written to a compacted topic and a
restarted worker, given the rows, goes on exactly as if it had never stopped.
"""

from __future__ import annotations

import hashlib
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from models.fingerprint import LANES, U32, Fingerprint, fingerprint
from models.learner import State
from models.sentiment.compiled import compiled

U8 = npt.NDArray[np.uint8]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

BANDS = 24
_SLOTS_PER_CLUSTER = 2
_MOST_VOICES = 256
_MOST_CHANNELS = 16
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@compiled
def band_place(minima: U32, band: int, slots: int) -> int:
    """Return where a band of a text leads, one of `slots` places (a power of two)."""
    pair = (np.uint64(minima[2 * band]) << np.uint64(32)) | np.uint64(minima[2 * band + 1])
    return int(((pair * _MULTIPLIER) >> np.uint64(32)) & np.uint64(slots - 1))


@compiled
def nearest(
    minima: U32, at: float, window: float, least: int, bands: I32, bytes_: U8, seqs: I64, last: F64
) -> int:
    """Return the slot of the most similar live cluster (the oldest among equals), or -1."""
    best, most = -1, least - 1
    for band in range(bands.shape[0]):
        slot = int(bands[band, band_place(minima, band, bands.shape[1])])
        if slot < 0 or slot == best or abs(at - last[slot]) > window:
            continue
        agree = 0
        for lane in range(64):
            agree += bytes_[slot, lane] == minima[lane] & 0xFF
        if agree > most or (agree == most and best >= 0 and seqs[slot] < seqs[best]):
            best, most = slot, agree
    return best


@compiled
def _settle(minima: U32, seq: int, held: U32, bytes_: U8, seqs: I64, bands: I32) -> int:
    """Found cluster number `seq` in its slot of the ring, forgetting the one that was there."""
    slot = seq % seqs.shape[0]
    slots = bands.shape[1]
    if seqs[slot] >= 0:
        for band in range(bands.shape[0]):
            place = band_place(held[slot], band, slots)
            if bands[band, place] == slot:
                bands[band, place] = -1
    for band in range(bands.shape[0]):
        bands[band, band_place(minima, band, slots)] = slot
    for lane in range(64):
        held[slot, lane] = minima[lane]
        bytes_[slot, lane] = minima[lane] & 0xFF
    seqs[slot] = seq
    return int(slot)


@compiled
def _enter(
    minima: U32,
    at: float,
    window: float,
    least: int,
    seq: int,
    held: U32,
    bytes_: U8,
    seqs: I64,
    last: F64,
    bands: I32,
) -> int:
    """Put a text into its cluster; returns the slot, or -1 - slot where it founded cluster `seq`."""
    slot = nearest(minima, at, window, least, bands, bytes_, seqs, last)
    if slot >= 0:
        last[slot] = max(last[slot], at)
        return slot
    slot = _settle(minima, seq, held, bytes_, seqs, bands)
    last[slot] = at
    return -1 - slot


class Cluster(NamedTuple):
    """The cluster a text belongs to.

    Parameters
    ----------
    cluster_id
        Made from the founding text's fingerprint: partitions that meet the same text first agree on it.
    size
        Different customers so far; past 256 every event counts.
    channels
        Different channels so far, at least 1.
    first
        Feedback that founded it.
    words
        Hash of the text's words in their order, for `models.dedup.SameWords`.
    slot
        Its row, for `ClusterIndex.row`.
    """

    cluster_id: str
    size: int
    channels: int
    first: str
    words: str
    slot: int


class ClusterIndex:
    """Near-identical texts of one partition within a window of event time.

    Parameters
    ----------
    capacity
        Clusters kept, a power of two; founding one more forgets the oldest. A row takes about 700 bytes.
    window
        Seconds of event time after its latest member within which a cluster takes another.
    threshold
        Estimated share of common word pairs that makes two texts near-identical.

    Examples
    --------
    >>> index = ClusterIndex(capacity=64)
    >>> one = index.step("这批杯子全是裂的，一倒热水就漏", "f1", "c1", 0.0, "app")
    >>> two = index.step("这批杯子都是裂的,一倒热水就漏！", "f2", "c2", 60.0, "web")
    >>> one.cluster_id == two.cluster_id, two.size, two.channels, two.first
    (True, 2, 2, 'f1')
    """

    name = "clusters"

    def __init__(self, capacity: int = 16_384, window: float = 7 * 86_400.0, threshold: float = 0.45) -> None:
        if capacity < 2 or capacity & (capacity - 1):
            raise ValueError(f"capacity must be a power of two, not {capacity}")
        if not 0 < threshold <= 1:
            raise ValueError(f"threshold must be in (0, 1], not {threshold}")
        self.capacity = capacity
        self.window = window
        self._least = max(1, round(threshold * LANES))
        self._clear()

    def _clear(self) -> None:
        self._founded = 0
        self._minima = np.zeros((self.capacity, LANES), dtype=np.uint32)
        self._bytes = np.zeros((self.capacity, LANES), dtype=np.uint8)
        self._seqs = np.full(self.capacity, -1, dtype=np.int64)
        self._last = np.zeros(self.capacity, dtype=np.float64)
        self._bands = np.full((BANDS, self.capacity * _SLOTS_PER_CLUSTER), -1, dtype=np.int32)
        self._ids: dict[int, str] = {}
        self._voices: dict[int, set[int]] = {}
        self._sizes: dict[int, int] = {}
        self._channels: dict[int, list[str]] = {}
        self._firsts: dict[int, str] = {}

    def step(self, text: str, feedback_id: str, customer_id: str, at: float, channel: str = "") -> Cluster:
        """Put a masked text into its cluster, founding one where none is near; returns it with this voice.

        Parameters
        ----------
        text
            Only its fingerprint is kept.
        feedback_id, customer_id, channel
            Whose words they are and where they were said.
        at
            Event time, seconds since the epoch; late events may come in any order.
        """
        return self.join(fingerprint(text), feedback_id, customer_id, at, channel)

    def join(
        self, print_: Fingerprint, feedback_id: str, customer_id: str, at: float, channel: str = ""
    ) -> Cluster:
        """Do as `step` with a fingerprint already made."""
        minima = print_.minima
        slot = int(
            _enter(
                minima,
                at,
                self.window,
                self._least,
                self._founded,
                self._minima,
                self._bytes,
                self._seqs,
                self._last,
                self._bands,
            )
        )
        if slot < 0:
            slot = -1 - slot
            self._founded += 1
            self._ids[slot] = hashlib.blake2b(minima.tobytes(), digest_size=8).hexdigest()
            self._voices[slot] = set()
            self._sizes[slot] = 0
            self._channels[slot] = []
            self._firsts[slot] = feedback_id
        voice = int.from_bytes(hashlib.blake2b(customer_id.encode(), digest_size=6).digest())
        voices = self._voices[slot]
        if voice not in voices:
            if len(voices) < _MOST_VOICES:
                voices.add(voice)
            self._sizes[slot] += 1
        channels = self._channels[slot]
        if channel not in channels and len(channels) < _MOST_CHANNELS:
            channels.append(channel)
        return Cluster(
            self._ids[slot], self._sizes[slot], len(channels), self._firsts[slot], print_.words, slot
        )

    def find(self, print_: Fingerprint, at: float) -> str | None:
        """Return the id of the cluster a text would join, changing nothing; None if it would found one."""
        slot = self._nearest(print_.minima, at)
        return self._ids[slot] if slot >= 0 else None

    def _nearest(self, minima: U32, at: float) -> int:
        return int(
            nearest(minima, at, self.window, self._least, self._bands, self._bytes, self._seqs, self._last)
        )

    def row(self, slot: int) -> list[Any]:
        """Return one cluster as JSON: [seq, id, minima, last, size, voices, channels, first]."""
        minima = b2a_base64(self._minima[slot].tobytes(), newline=False).decode()  # 0.5 µs; base85 took 57
        return [
            int(self._seqs[slot]),
            self._ids[slot],
            minima,
            float(self._last[slot]),
            self._sizes[slot],
            sorted(self._voices[slot]),
            list(self._channels[slot]),
            self._firsts[slot],
        ]

    def load(self, rows: Iterable[list[Any]]) -> None:
        """Replace everything by these rows, the newest of each slot, in any order."""
        self._clear()
        for seq, cluster_id, minima, last, size, voices, channels, first in sorted(
            rows, key=lambda row: row[0]
        ):
            own = np.frombuffer(a2b_base64(minima), dtype=np.uint32).copy()  # kernels take writable arrays
            slot = int(_settle(own, seq, self._minima, self._bytes, self._seqs, self._bands))
            self._founded = seq + 1
            self._ids[slot] = cluster_id
            self._last[slot] = last
            self._sizes[slot] = size
            self._voices[slot] = set(voices)
            self._channels[slot] = list(channels)
            self._firsts[slot] = first

    def state(self) -> State:
        """Return all rows."""
        return {"capacity": self.capacity, "rows": [self.row(slot) for slot in sorted(self._ids)]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`; raises ValueError when it was taken at another capacity."""
        if state.get("capacity") != self.capacity:
            raise ValueError(f"state holds {state.get('capacity')} clusters, this index {self.capacity}")
        self.load(state["rows"])
