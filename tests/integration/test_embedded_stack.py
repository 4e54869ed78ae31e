"""Broker and store together: health, failures, signals, and nothing left behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from ops.embedded.process import EmbeddedError, listen
from ops.embedded.stack import Stack

PROGRAM = """
import asyncio, json, signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs begin by ignoring it
from ops.embedded.stack import Stack

async def main():
    async with Stack() as stack:
        facts = {"pids": [stack.broker.pid, stack.store.pid], "ports": [stack.broker.port, stack.store.port]}
        print(json.dumps({**facts, "data": str(stack.data)}), flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@contextmanager
def program(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, Any]]]:
    """Run a stack in a process of its own and read what it says about itself."""
    environment = {**os.environ, "TMPDIR": str(folder)}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout is not None
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


def gone(pid: int) -> bool:
    """Tell whether a process ended; one that waits to be reaped has."""
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True


def closed(port: int) -> bool:
    """Tell whether nobody listens on a loopback port."""
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) != 0


def test_both_start_answer_and_stop() -> None:
    async def scenario() -> Stack:
        async with Stack(signals=False) as stack:
            assert await stack.health() == {"broker": True, "store": True}
            assert stack.start_seconds > 0
            assert stack.data.exists()
        assert await stack.health() == {"broker": False, "store": False}
        return stack

    stack = asyncio.run(scenario())
    assert not stack.data.exists()
    assert closed(stack.broker.port)
    assert closed(stack.store.port)


def test_tables_and_logs_stay_in_a_given_folder(tmp_path: Path) -> None:
    def ask(stack: Stack, sql: str) -> bytes:
        with urlopen(stack.store.url, data=sql.encode(), timeout=10) as response:
            return bytes(response.read())

    async def scenario() -> None:
        async with Stack(tmp_path) as stack:
            await asyncio.to_thread(ask, stack, "CREATE TABLE kept (a UInt8) ENGINE = MergeTree ORDER BY a")
            await asyncio.to_thread(ask, stack, "INSERT INTO kept VALUES (5)")
        async with Stack(tmp_path) as stack:
            assert await asyncio.to_thread(ask, stack, "SELECT a FROM kept") == b"5\n"

    asyncio.run(scenario())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broker.log", "store", "store.log"]


def test_one_that_cannot_start_stops_the_other() -> None:
    async def scenario() -> None:
        with listen(0, "somebody") as taken:
            stack = Stack(store_port=taken.getsockname()[1])
            with pytest.raises(EmbeddedError, match="store: port .* is in use"):
                async with stack:
                    pass
            assert not stack.broker.running
            assert not stack.data.exists()

    asyncio.run(scenario())


def test_an_exception_in_the_block_cleans_up() -> None:
    async def scenario(stack: Stack) -> None:
        async with stack:
            raise KeyError("mine")

    async def outer() -> Stack:
        stack = Stack()
        with pytest.raises(KeyError, match="mine"):
            await scenario(stack)
        return stack

    stack = asyncio.run(outer())
    assert not stack.broker.running
    assert not stack.store.running
    assert not stack.data.exists()


@pytest.mark.parametrize("part", ["broker", "store"])
def test_a_part_that_dies_is_named(part: str) -> None:
    async def scenario() -> None:
        async with Stack() as stack:
            pid = {"broker": stack.broker, "store": stack.store}[part].pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            assert f"the embedded {part} ended by itself" in await asyncio.wait_for(stack.failed(), 10)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("number", "status", "folder_left"),
    [
        (signal.SIGTERM, 128 + signal.SIGTERM, False),
        (signal.SIGINT, -signal.SIGINT, False),
        # Nobody cleans up after SIGKILL but the kernel, and it knows nothing of folders.
        (signal.SIGKILL, -signal.SIGKILL, True),
    ],
)
def test_signals_leave_no_process_and_no_port(
    tmp_path: Path, number: signal.Signals, status: int, folder_left: bool
) -> None:
    with program(tmp_path) as (process, facts):
        assert str(facts["data"]).startswith(str(tmp_path))
        process.send_signal(number)
        assert process.wait(30) == status
        deadline = time.monotonic() + 10
        # A killed process is a zombie before the last of its threads lets go of the socket.
        while not all(map(gone, facts["pids"])) or not all(map(closed, facts["ports"])):
            assert time.monotonic() < deadline, "a child outlived its parent"
            time.sleep(0.02)
        assert Path(str(facts["data"])).exists() is folder_left
        assert process.stderr is not None
        if number is signal.SIGTERM:
            assert process.stderr.read() == b""
