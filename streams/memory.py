"""Memory habits of a worker: the collector and the C allocator, set once at start."""

from __future__ import annotations

import ctypes
import ctypes.util
import gc

M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8
"""Of `mallopt(3)`, glibc."""
MMAP_BYTES = 256 * 1024
ARENAS = 2


def spare_the_collector() -> None:
    """Take what was built out of the garbage collector's sight and let it run seldom.

    Parsing JSON makes thousands of objects a slice, nearly all gone by its end without any cycle;
    with Python's own thresholds every few slices walk the whole heap: 30 % of the score agent's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def give_back_large_blocks() -> bool:
    """Have glibc map large blocks apart and use few arenas; False where another allocator is at work.

    glibc raises its threshold to the largest block ever freed, after which each new table of a model
    (20 MB, every few seconds) goes to a heap of its thread that cannot shrink: 730 MB resident after
    24,000 events, 536 MB with both settings.
    """
    name = ctypes.util.find_library("c")
    mallopt = getattr(ctypes.CDLL(name), "mallopt", None) if name else None
    if mallopt is None:
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, MMAP_BYTES)) and bool(mallopt(M_ARENA_MAX, ARENAS))
