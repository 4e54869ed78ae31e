"""After installation nothing is compiled any more: a worker that compiles stands still meanwhile."""

import subprocess
import sys

STREAM = """
import asyncio, gc
from numba.core.dispatcher import Dispatcher
from ops.compile_kernels import compile_kernels

def compiled():
    kernels = [found for found in gc.get_objects() if isinstance(found, Dispatcher)]
    return {f"{k.py_func.__module__}.{k.py_func.__name__} {s}" for k in kernels for s in k.overloads}

compile_kernels()
known = compiled()
from ops.bench.steps import Steps
from ops.bench.traffic import mix

async def stream():
    steps = Steps(snapshot_every=50)
    before, days = mix(1500)
    steps.feed(before)
    steps.feed(days)
    await steps.close()

asyncio.run(stream())
print(len(known), *sorted(compiled() - known), sep="\\n")
"""


def test_a_stream_with_learning_and_snapshots_calls_only_what_installation_compiled() -> None:
    run = subprocess.run([sys.executable, "-c", STREAM], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    known, *late = run.stdout.split("\n")[:-1]
    assert int(known) > 30
    assert late == []
