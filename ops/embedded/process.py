"""A child process that stops with its parent, whatever kills the parent."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from ops.embedded.running import Running

LOOPBACK = "127.0.0.1"
MAX_PORT = 65535
GUARD = Path(__file__).with_name("guard.py")


class EmbeddedError(RuntimeError):
    """An embedded part could not start or died; the message is one sentence for the user."""


def listen(port: int, what: str) -> socket.socket:
    """Bind a loopback port (0: any free one) and hold it.

    Parameters
    ----------
    port
        TCP port, 0 to 65535.
    what
        Name of the part, for the message.

    Raises
    ------
    EmbeddedError
        The port is in use or not allowed.
    """
    if not 0 <= port <= MAX_PORT:
        raise EmbeddedError(f"{what}: {port} is no port; choose one from 1 to {MAX_PORT}, or 0 for any")
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((LOOPBACK, port))
        sock.listen(128)
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise EmbeddedError(
                f"{what}: port {port} on {LOOPBACK} is in use; choose another or stop what uses it"
            ) from error
        raise EmbeddedError(f"{what}: cannot listen on {LOOPBACK}:{port}: {error.strerror}") from error
    return sock


def free_port(port: int, what: str) -> int:
    """Return `port` if it is free, or any free port for 0; the port is released again."""
    with listen(port, what) as sock:
        return int(sock.getsockname()[1])


class Child(Running):
    """One child process: own session, log file, bounded stop, killed by the kernel when the parent dies.

    Its own session keeps Ctrl-C away from it: the parent gets the signal and stops its children in order.

    Parameters
    ----------
    name
        For messages ("broker").
    command
        Program (absolute path) and arguments; no shell.
    log
        File that takes standard output and standard error; appended to.
    stdin
        First bytes for its standard input, which stays open for the life of the child.
    fds
        File descriptors it inherits.
    environment
        The complete environment; the parent's without it.
    grace
        Seconds between SIGTERM and SIGKILL.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        *,
        stdin: bytes = b"",
        fds: Sequence[int] = (),
        environment: dict[str, str] | None = None,
        grace: float = 10.0,
    ) -> None:
        self.name = name
        self.log = log
        self._command = list(command)
        self._stdin = stdin
        self._fds = tuple(fds)
        self._environment = environment
        self._grace = grace
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """Process id, or None before start."""
        return self._process.pid if self._process else None

    @property
    def returncode(self) -> int | None:
        """Exit status, negative for a signal; None while it runs."""
        return self._process.returncode if self._process else None

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start the program."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        guard = [sys.executable, "-I", "-S", str(GUARD), str(os.getpid())]
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *guard,
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                pass_fds=self._fds,
                env=self._environment,
                start_new_session=True,
            )
        if self._stdin and self._process.stdin is not None:
            # A child that died already says so in its exit status.
            with contextlib.suppress(ConnectionError):
                self._process.stdin.write(self._stdin)
                await self._process.stdin.drain()

    async def ready(
        self, probe: Callable[[], Awaitable[bool]], timeout: float, interval: float = 0.02
    ) -> None:
        """Wait until `probe` says yes.

        Raises
        ------
        EmbeddedError
            The process ended, or `timeout` seconds passed; the message quotes the log's last line.
        """
        deadline = time.monotonic() + timeout
        while True:
            if not self.running:
                raise EmbeddedError(f"{self.name} ended with status {self.returncode}{self._last_words()}")
            if await probe():
                return
            if time.monotonic() > deadline:
                raise EmbeddedError(f"{self.name} gave no answer in {timeout:g} s{self._last_words()}")
            await asyncio.sleep(interval)

    async def wait(self) -> int:
        """Wait for the end and return the exit status."""
        if self._process is None:
            raise EmbeddedError(f"{self.name} was never started")
        return await self._process.wait()

    async def stop(self) -> None:
        """End it: SIGTERM, then SIGKILL to its whole process group after the grace time; repeatable."""
        if self._process is None:
            return
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), self._grace)
            except TimeoutError:
                self._kill_group()
                await self._process.wait()
        self._kill_group()
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _kill_group(self) -> None:
        """Kill what is left in the child's session."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _last_words(self) -> str:
        """Return the last line of the log, as the end of a sentence."""
        try:
            lines = self.log.read_text(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return f": {lines[-1].strip()[:300]} (log: {self.log})" if lines else f" (log: {self.log})"
