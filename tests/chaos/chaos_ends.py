"""Workers and why they ended: by an incident, for a documented reason, or by a fault nobody would hear of."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

EXCUSED = {
    "Frozen": "lost its partitions",
    "PartitionLost": "lost its partitions",
}
"""Exceptions after which a restart is the documented way on (decision record 0002)."""

CRASHED = re.compile(r"Crashed reason=(\w+)\(")
"""What a service says first of all; later ones follow from it."""

HANGS = "the stop hangs after"
"""What the watchdog of an orderly stop says."""


@dataclass(frozen=True, slots=True)
class End:
    """One end of a worker's process.

    Parameters
    ----------
    worker
        Its name.
    cause
        In a few words.
    fault
        Whether neither an incident nor a documented reason explains it.
    """

    worker: str
    cause: str
    fault: bool

    def __str__(self) -> str:
        return f"{self.worker} {self.cause}"


def end_of(worker: str, status: int, sent: Set[signal.Signals], log: str) -> End:
    """Judge an end.

    Parameters
    ----------
    status
        Exit status, negative for a signal.
    sent
        Signals that incidents sent to this process.
    log
        What this process wrote.

    Examples
    --------
    >>> print(end_of("w1", -9, {signal.SIGKILL}, ""), end_of("w1", -11, {signal.SIGKILL}, "").fault)
    w1 ended by SIGKILL True
    """
    if status < 0:
        number = signal.Signals(-status)
        return End(worker, f"ended by {number.name}", number not in sent)
    if status == 0:
        return End(worker, "stopped", signal.SIGTERM not in sent)
    why = (*CRASHED.findall(log), *reversed(exceptions(log)), f"status {status}")[0]
    hung = " and hung while it stopped" if HANGS in log else ""
    if why in EXCUSED:
        return End(worker, EXCUSED[why] + hung, False)
    if hung and signal.SIGTERM in sent:
        return End(worker, "was told to stop" + hung, False)
    return End(worker, f"crashed with {why}", True)


def exceptions(log: str) -> list[str]:
    r"""Return the full name of the exception that each traceback of a log ends with.

    >>> exceptions("Traceback (most recent call last):\n  File …\nstreams.app.Frozen: gone\nmore")
    ['streams.app.Frozen']
    """
    found, inside = list[str](), False
    for line in log.splitlines():
        if line.startswith("Traceback (most recent call last):"):
            inside = True
        elif inside and line and not line[0].isspace():
            inside = False
            found.append(line.partition(":")[0])
    return found


class Ends:
    """Ends as they come, to be told after a round."""

    def __init__(self) -> None:
        self._new: list[End] = []

    def add(self, end: End) -> None:
        """Note one."""
        self._new.append(end)

    def told(self) -> tuple[str, list[str]]:
        """Return all since the last call in words, and those that nothing explains."""
        new, self._new = self._new, []
        return ", ".join(map(str, new)) or "none", [str(end) for end in new if end.fault]


@dataclass
class Worker:
    """One worker and what became of it."""

    name: str
    agents: Sequence[str]
    log: Path
    static: bool
    pid: int = 0
    wanted: bool = True
    exits: list[End] = field(default_factory=list)
    sent: set[signal.Signals] = field(default_factory=set)
    begins: int = 0

    @property
    def alive(self) -> bool:
        """Whether it runs or is frozen."""
        return self.pid != 0

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal; it may have ended since it was last polled."""
        if self.pid:
            self.sent.add(number)
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def begin(self, pid: int) -> None:
        """Note a new process."""
        self.pid, self.sent = pid, set()

    def end(self, status: int) -> None:
        """Note the end of its process and why."""
        with self.log.open(errors="replace") as log:
            log.seek(self.begins)
            self.exits.append(end_of(self.name, status, self.sent, log.read()))
            self.begins = log.tell()
        self.pid = 0
