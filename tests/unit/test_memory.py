"""What a worker gives back of its memory can still be used."""

import subprocess
import sys

PROGRAM = """
import re
from pathlib import Path
import numba
import numpy as np
from streams.memory import give_back_compiler, give_back_unused

def resident():
    return int(re.search(r"RssFile:\\s+(\\d+)", Path("/proc/self/status").read_text()).group(1)) * 1024

@numba.njit
def first(x):
    return x.sum() + 1

@numba.njit
def second(x):
    return x.sum() + 2

assert first(np.ones(3)) == 4
before = resident()
given = give_back_compiler()
print(given, before - resident())
assert first(np.ones(3)) == 4 and second(np.ones(3)) == 5 and first(np.ones(3, np.int32)) == 4
before = resident()
assert give_back_unused()
print(before - resident())
assert first(np.ones(3)) == 4
"""


def test_the_compiler_is_given_back_compiles_again_when_asked_and_is_given_back_again() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    given, fell, fell_again = map(int, done.stdout.split())
    assert given > 20_000_000 and fell > 0.8 * given
    assert fell_again > 5_000_000


HOLES = """
import re
from pathlib import Path
from streams.memory import give_back_free_heap

def resident():
    return int(re.search(r"RssAnon:\\s+(\\d+)", Path("/proc/self/status").read_text()).group(1)) * 1024

blocks = [bytes(2_000) for _ in range(40_000)]
kept = blocks[::20]
del blocks
before = resident()
assert give_back_free_heap()
print(before - resident(), len(kept))
"""


def test_holes_in_the_heap_are_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", HOLES], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    fell, _ = map(int, done.stdout.split())
    assert fell > 40_000_000
