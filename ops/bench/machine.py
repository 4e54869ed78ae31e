"""What a measurement was taken on, and what processes used, read from /proc."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_MEASURED = ("hark", "faust-streaming", "aiokafka", "orjson", "numba", "numpy", "river", "uvloop", "chdb")
_LOOP = 400_000


def cpu_seconds(pid: int) -> float:
    """Return the user and system CPU seconds of a process, all threads, ended children not."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def rss_mb(pid: int, peak: bool = False) -> float:
    """Return the resident memory of a process in MB, or the most it ever had.

    The peak `getrusage` tells begins with that of the process it was forked from.
    """
    wanted = "VmHWM:" if peak else "VmRSS:"
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(wanted):
            return round(int(line.split()[1]) / 1024.0, 1)
    return 0.0


def pin(pids: Iterable[int], cores: Iterable[int]) -> None:
    """Bind every thread of the processes to these cores; what has ended meanwhile is passed over."""
    wanted = set(cores)
    for pid in pids:
        tasks = Path(f"/proc/{pid}/task")
        for task in tasks.iterdir() if tasks.exists() else ():
            try:
                os.sched_setaffinity(int(task.name), wanted)
            except ProcessLookupError:
                continue


def family(pid: int) -> list[int]:
    """Return a process and everything it started, directly or not, that still lives."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def speed() -> float:
    """Return ns a turn of a plain Python loop, the median of five: what a busy machine costs right now.

    On one machine, figures taken at different speeds compare by their ratio to this.
    """
    found = []
    for _ in range(5):
        began, total = time.thread_time(), 0
        for i in range(_LOOP):
            total += i
        found.append((time.thread_time() - began) / _LOOP * 1e9)
    return round(statistics.median(found), 1)


def describe() -> dict[str, object]:
    """Return processor, cores, memory, load and speed."""
    model = next(
        (line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor(),
    )
    memory = next(
        (int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0
    )
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(memory / 1024 / 1024, 1),
        "system": f"{platform.system()} {platform.release()}",
        "load": round(os.getloadavg()[0], 2),
        "python_loop_ns": speed(),
    }


def versions(names: Iterable[str] = _MEASURED) -> dict[str, str]:
    """Return the versions of the packages that are measured."""
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []
