"""Tell an event from a repeat of it, by id, within a week and within bounds, per customer.

Producers retry, exports are imported twice, a gateway times out after the broker took the event: the
same id comes again, hours later, perhaps to another worker. The memory lives in the customer's own state
(which moves with the partition), so the answer does not depend on which worker asks. Ids are kept as
64-bit digests: 32 bytes of JSON each instead of up to a few hundred.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

WINDOW_SECONDS = 7 * 86_400.0
MOST_IDS = 1_024
"""Ids remembered per customer; a customer sending more within the window loses the oldest."""


def digest(feedback_id: str) -> str:
    """Return what stands for an id: 64 bits of BLAKE2b in hex, 16 characters.

    Two of 1,024 ids of one customer agree by chance with probability 3e-14.

    Examples
    --------
    >>> digest("a") == digest("a"), digest("a") == digest("b"), len(digest("a"))
    (True, False, 16)
    """
    return hashlib.blake2b(feedback_id.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


class SeenIds:
    """The ids one customer's events had lately, on a plain dict that can be stored as it is.

    Parameters
    ----------
    entries
        Digest → time of first sight, seconds, in order of sight: what `entries` of an earlier
        instance held. The dict is taken over, not copied.
    window
        Seconds an id is remembered, counted in event time from its first sight.
    most
        Bound on the number of ids; one too many, and the tenth seen longest ago is forgotten.

    Examples
    --------
    >>> seen = SeenIds()
    >>> seen.step("f1", 0.0), seen.step("f1", 3600.0), seen.step("f1", 8 * 86_400.0)
    (True, False, True)
    """

    __slots__ = ("entries", "_most", "_window")

    def __init__(
        self,
        entries: dict[str, float] | None = None,
        window: float = WINDOW_SECONDS,
        most: int = MOST_IDS,
    ) -> None:
        self.entries: dict[str, float] = {} if entries is None else entries
        self._window = window
        self._most = most

    def step(self, feedback_id: str, at: float) -> bool:
        """Return True the first time an id comes, False for a repeat.

        Parameters
        ----------
        feedback_id
            The event's deterministic id.
        at
            Event time, seconds since the epoch; late events may come in any order.
        """
        key = digest(feedback_id)
        entries = self.entries
        since = entries.get(key)
        if since is not None and abs(at - since) < self._window:
            return False
        entries.pop(key, None)
        entries[key] = at
        self._forget()
        return True

    def merge(self, entries: Mapping[str, float]) -> None:
        """Take over digests and times of ids another log has seen; those known stay as they are.

        Of too many the earliest events' go: what was said there last month must not push out this week's.
        """
        own = self.entries
        for key, at in entries.items():
            own.setdefault(key, at)
        for key in sorted(own, key=own.__getitem__)[: max(0, len(own) - self._most)]:
            del own[key]

    def _forget(self) -> None:
        entries = self.entries
        if len(entries) > self._most:
            # By sight: a repeat comes soon after, however late the event itself is.
            for old in list(islice(entries, max(1, self._most // 10))):
                del entries[old]


class SameWords:
    """The words one customer used within a day: said again through another channel, they are linked.

    People who get no answer paste the same text into the next channel. It is one complaint: counted in
    both places, acted upon once.

    Parameters
    ----------
    entries
        Words → [feedback id, channel, time], as an earlier instance left them; taken over, not copied.
    window
        Seconds of event time after the first mention.
    most
        Bound on the number of texts.
    lateness
        Seconds an event may be behind the customer's newest one and still be compared: older texts go.

    Examples
    --------
    >>> said = SameWords()
    >>> said.step("9f0c", "app", "f1", 0.0), said.step("9f0c", "social", "f2", 600.0)
    (None, 'f1')
    >>> said.step("9f0c", "app", "f3", 700.0), said.step("9f0c", "call", "f4", 90_000.0)
    (None, None)
    """

    __slots__ = ("entries", "_kept", "_most", "_window")

    def __init__(
        self,
        entries: dict[str, list[Any]] | None = None,
        window: float = 86_400.0,
        most: int = 64,
        lateness: float = WINDOW_SECONDS,
    ) -> None:
        self.entries: dict[str, list[Any]] = {} if entries is None else entries
        self._window = window
        self._most = most
        self._kept = lateness + window

    def step(self, words: str, channel: str, feedback_id: str, at: float) -> str | None:
        """Return the id of the first event with these words if it came through another channel, else None.

        Parameters
        ----------
        words
            `Fingerprint.words` of the text.
        channel, feedback_id, at
            Of this event; `at` in seconds since the epoch.
        """
        entries = self.entries
        first = entries.get(words)
        if first is not None and abs(at - first[2]) < self._window:
            return None if first[1] == channel or first[0] == feedback_id else str(first[0])
        entries.pop(words, None)
        entries[words] = [feedback_id, channel, at]
        self._forget()
        return None

    def merge(self, entries: Mapping[str, Sequence[Any]]) -> None:
        """Take over what another log has heard; of two mentions within the window the earlier stays."""
        for words, entry in entries.items():
            held = self.entries.get(words)
            apart = entry[2] - held[2] if held is not None else 0.0
            if held is None or -self._window < apart < 0.0 or apart >= self._window:
                self.entries[words] = list(entry)
                self._forget()

    def _forget(self) -> None:
        entries = self.entries
        oldest = max(entry[2] for entry in entries.values()) - self._kept
        for key in [key for key, entry in entries.items() if entry[2] <= oldest]:
            del entries[key]
        if len(entries) > self._most:
            del entries[min(entries, key=lambda key: (entries[key][2], key))]
