"""Workers by fork: a real process each, that can be killed for real, without seconds of imports each time.

The argument is a key file. Reads one JSON order a line from standard input and answers with one line:
`{"spawn": {environment}, "agents": […], "log": path}` → `{"pid": …}`; `{"poll": pid}` →
`{"status": null | exit status}`; `{"clock": seconds}` → the same, once the wall clock of every worker is
that far ahead of the true time. A dead worker keeps its process id until it was polled, so that nobody
ever signals a stranger.
"""

from __future__ import annotations

import asyncio
import gc
import json
import mmap
import os
import signal
import struct
import sys
import time
import traceback
from typing import Any
from unittest import mock

from aiokafka.consumer.subscription_state import SubscriptionState
from chaos_oracle import Oracle
from memory_broker import Record

from ops.embedded.guard import die_with_parent
from streams.agents.intake import IntakeStep
from streams.outbox import Outbox
from streams.settings import Settings
from streams.step import Slice
from streams.topics import FEEDBACK_RAW
from streams.worker import run_worker

TEXTS = (("zh", "物流太慢了，要退款"), ("en", "Delivery was late and nobody answers."))


AHEAD = mmap.mmap(-1, 8)
"""Seconds the workers' wall clock is ahead, a double that all forks share."""


def share_a_clock() -> None:
    """Let the wall clock of this process and its forks be moved; the monotonic one stays."""
    true, read = time.time, struct.Struct("d").unpack_from

    def now() -> float:
        return true() + float(read(AHEAD)[0])

    mock.patch.object(time, "time", now).start()


def move_clock(seconds: float) -> dict[str, float]:
    """Set how far the shared clock is ahead."""
    struct.pack_into("d", AHEAD, 0, seconds)
    return {"clock": seconds}


def warm(keys: str) -> None:
    """Run two events through the chain, so that forks find everything compiled."""
    oracle = Oracle(Settings.model_validate({"pii_keys_file": keys, "partitions": 1}))
    values = [
        json.dumps({"channel": "app", "customer_id": f"cust-{n}", "text": text, "lang": lang}).encode()
        for n, (lang, text) in enumerate(TEXTS)
    ]
    records = [Record(n, value, None, 1_700_000_000_000) for n, value in enumerate(values)]
    asyncio.run(oracle.run(FEEDBACK_RAW, {0: records}))
    gc.collect()
    gc.freeze()


def spawn(order: dict[str, Any]) -> int:
    """Fork a worker and return its process id."""
    nursery = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        die_with_parent(nursery)
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for standard in (1, 2):
            os.dup2(log, standard)
        # Standard input stays taken: uvloop ends the process when a socket gets its number.
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.environ.update(order["spawn"])
        signal.signal(signal.SIGUSR1, tell)
        if marker := order.get("poison"):
            poison(marker.encode())
        if pace := order.get("pace"):
            hurry(pace)
        run_worker(Settings(), order["agents"])
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def poison(marker: bytes) -> None:
    """Make intake end the process at records with a marker, as a fault in compiled code would."""
    work = IntakeStep.process

    def process(step: IntakeStep, piece: Slice, out: Outbox) -> None:
        if any(marker in (record.value or b"") for record in piece.records):
            os.kill(os.getpid(), signal.SIGKILL)
        work(step, piece, out)

    mock.patch.object(IntakeStep, "process", process).start()


def hurry(pace: float) -> None:
    """Have every second without a poll count as so many."""
    idle = SubscriptionState.fetcher_idle_time.fget

    def hurried(subscription: SubscriptionState) -> float:
        return pace * float(idle(subscription))

    mock.patch.object(SubscriptionState, "fetcher_idle_time", property(hurried)).start()


def tell(number: int, frame: object) -> None:
    """Write down what every task waits for: a worker that hangs must say where."""
    for task in asyncio.all_tasks(asyncio.get_event_loop()):
        task.print_stack(limit=4, file=sys.stderr)


def poll(pid: int) -> int | None:
    """Return the exit status of a worker, negative for a signal, None while it lives."""
    gone, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if gone else None


def answer(order: dict[str, Any]) -> dict[str, Any]:
    """Do what an order says and return what to answer."""
    if "clock" in order:
        return move_clock(order["clock"])
    return {"pid": spawn(order)} if "spawn" in order else {"status": poll(order["poll"])}


def main() -> None:
    """Serve orders until standard input ends."""
    share_a_clock()
    warm(sys.argv[1])
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(answer(order)), flush=True)


if __name__ == "__main__":
    main()
