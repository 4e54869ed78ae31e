"""Memory habits of a worker: the collector and the C allocator, set once at start."""

from __future__ import annotations

import ctypes
import gc
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

MADV_DONTNEED = 4
"""Of `madvise(2)`."""
COMPILER = "llvmlite"
M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8
"""Of `mallopt(3)`, glibc."""
MMAP_BYTES = 256 * 1024
ARENAS = 2


def spare_the_collector() -> None:
    """Take what was built out of the garbage collector's sight and let it run seldom.

    Parsing JSON makes thousands of objects a slice, nearly all gone by its end without any cycle;
    with Python's own thresholds every few slices walk the whole heap: 30 % of the score agent's time.
    A walk over the newest 10,000 takes 8 to 29 ms, over 100,000, no cheaper in all, up to 133; over 1,000
    it takes a millisecond, and what is older is walked as seldom as before.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(1_000, 5_000, 100)


def give_back_large_blocks() -> bool:
    """Have glibc map large blocks apart and use few arenas; False where another allocator is at work.

    glibc raises its threshold to the largest block ever freed, after which each new table of a model
    (20 MB, every few seconds) goes to a heap of its thread that cannot shrink: 730 MB resident after
    24,000 events, 536 MB with both settings.
    """
    mallopt = getattr(_libc(), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, MMAP_BYTES)) and bool(mallopt(M_ARENA_MAX, ARENAS))


def give_back_unused() -> bool:
    """Return free heap and the compiler's pages to the system; False where another allocator is at work.

    Kernels are loaded when they are first called, a learner's long after the start, and loading one reads
    10 MB of the compiler again.
    """
    give_back_compiler()
    return give_back_free_heap()


def give_back_free_heap() -> bool:
    """Return the heap's free pages to the system; False where another allocator is at work.

    Rounds of records leave holes all over the heap, of which glibc by itself returns only what lies at its
    end: 46–48 MB of a worker that has learned. 3 ms of processor time at first, .4 when repeated.
    """
    trim = getattr(_libc(), "malloc_trim", None)
    return trim is not None and bool(trim(0) >= 0)


def give_back_compiler() -> int:
    """Unmap the pages of the compiler's library, which has loaded the kernels and rests; returns their bytes.

    numba needs LLVM to link what is compiled already: 67 MB of its library were touched by then. Only
    pages that are as the file has them go, so whatever is called again is read again from the page cache.
    """
    libc = _libc()
    libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    given = 0
    for start, end, resident in _clean_mappings(COMPILER):
        if libc.madvise(start, end - start, MADV_DONTNEED) == 0:
            given += resident
    return given


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def _clean_mappings(name: str) -> Iterator[tuple[int, int, int]]:
    """Yield begin, end and resident bytes of read-only mappings of a file none of whose pages was changed."""
    try:
        found = Path("/proc/self/smaps").read_text()
    except OSError:  # not Linux
        return
    for one in re.split(r"\n(?=[0-9a-f]+-[0-9a-f]+ )", found):
        head, *facts = one.split("\n")
        place, access = head.split()[:2]
        if name not in head or "w" in access:
            continue
        sizes = {fact[0]: int(fact[1]) * 1024 for fact in map(str.split, facts) if fact and fact[-1] == "kB"}
        if sizes.get("Anonymous:", 1) == 0:
            start, end = (int(edge, 16) for edge in place.split("-"))
            yield start, end, sizes.get("Rss:", 0)
