"""chDB, the ClickHouse engine in process, served on the ClickHouse HTTP interface by a child process.

Sink, command line and dashboards use one HTTP client, be it this or a ClickHouse server that answers. Data
stay in the directory between runs. It listens on the loopback interface only.

By hand: `python -m ops.embedded.store DIRECTORY PORT` (user `default`, no password).
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import uvloop

from ops.embedded.clickhouse_http.errors import StoreError
from ops.embedded.part import Part
from ops.embedded.process import LOOPBACK, Child, EmbeddedError, listen

READY_SECONDS = 60.0
STOP_SECONDS = 15.0
PROBE_SECONDS = 2.0
LINE_BYTES = 1 << 20
READ_BYTES = 256 << 10
"""Of a request, before reading pauses: the default of 64 kB pauses at every other packet of an insert."""


def ping(url: str) -> bool:
    """Tell whether a ClickHouse HTTP interface answers at `url`."""
    try:
        with urlopen(f"{url}/ping", timeout=PROBE_SECONDS) as response:
            return bool(response.read() == b"Ok.\n")
    except (URLError, OSError):
        return False


class EmbeddedStore(Part):
    """The ClickHouse engine on a directory, behind HTTP, as an async context manager.

    Parameters
    ----------
    path
        Directory of the data, kept between runs; a temporary one, removed at the end, without it.
    port
        Loopback port; 0 takes a free one.
    user, password
        The user that may do everything.
    readers
        Names and passwords of users that may only read tables.

    Raises
    ------
    EmbeddedError
        Port or directory in use, or no answer.

    Examples
    --------
    >>> EmbeddedStore(port=18123).url
    'http://127.0.0.1:18123'
    """

    name = "store"

    def __init__(
        self,
        path: Path | None = None,
        port: int = 0,
        *,
        user: str = "default",
        password: str = "",
        readers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(port)
        self.user = user
        self._path = path
        self._users = {
            "users": [{"name": user, "password": password}],
            "readers": [{"name": name, "password": secret} for name, secret in (readers or {}).items()],
        }

    @property
    def url(self) -> str:
        """Address of the HTTP interface, without user and password."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def keeps_data(self) -> bool:
        """Whether tables survive a restart."""
        return self._path is not None

    async def _start(self) -> None:
        """Hand the listening socket to the child, so that nobody can take the port in between."""
        path = self._temporary() / "data" if self._path is None else self._path
        log = path.parent / f"{path.name}.log"
        with listen(self._wanted, "store") as sock:
            self.port = int(sock.getsockname()[1])
            command = [sys.executable, "-m", "ops.embedded.store", str(path), str(self.port)]
            command += ["--socket", str(sock.fileno()), "--users-from-stdin"]
            # Passwords travel on standard input: command lines and environments of processes can be read.
            self._child = Child(
                "store",
                command,
                log,
                stdin=json.dumps(self._users).encode() + b"\n",
                fds=(sock.fileno(),),
                grace=STOP_SECONDS,
            )
            await self._child.start()
        await self._child.ready(lambda: asyncio.to_thread(ping, self.url), READY_SECONDS)


@contextmanager
def own(path: Path) -> Iterator[None]:
    """Hold a directory of data: the engine refuses a second owner too, but does not say why.

    Raises
    ------
    EmbeddedError
        Another process holds it.
    """
    path.mkdir(parents=True, exist_ok=True)
    with (path / "owner.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise EmbeddedError(f"store: {path} is in use by another process; stop it first") from error
        yield


async def serve(path: Path, sock: socket.socket, accounts: Mapping[str, list[dict[str, str]]]) -> None:
    """Serve a directory until SIGTERM or SIGINT, then finish running statements and close the engine."""
    with own(path):
        await _serve(path, sock, accounts)


async def _serve(path: Path, sock: socket.socket, accounts: Mapping[str, list[dict[str, str]]]) -> None:
    """Serve a directory that is ours."""
    from aiohttp import web

    # The engine takes most of a second to load; the parent process never needs it.
    from ops.embedded.clickhouse_http.engine import Engine
    from ops.embedded.clickhouse_http.server import Server
    from ops.embedded.clickhouse_http.users import User, Users

    users = [User(each["name"], each["password"]) for each in accounts["users"]]
    users += [User(each["name"], each["password"], reads_only=True) for each in accounts["readers"]]
    engine = Engine(path)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    server = Server(engine, Users(users))
    runner = web.AppRunner(
        server.application(),
        access_log=None,
        handler_cancellation=True,
        shutdown_timeout=STOP_SECONDS / 3,
        auto_decompress=False,
        max_line_size=LINE_BYTES,
        max_field_size=LINE_BYTES,
        read_bufsize=READ_BYTES,
    )
    await runner.setup()
    try:
        await web.SockSite(runner, sock).start()
        await stopping.wait()
    finally:
        await runner.cleanup()
        server.close()
        engine.close()


def main(arguments: list[str] | None = None) -> int:
    """Run the store in this process."""
    parser = argparse.ArgumentParser(prog="python -m ops.embedded.store", description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("port", type=int)
    parser.add_argument("--socket", type=int, help="inherited listening socket")
    parser.add_argument("--users-from-stdin", action="store_true", help="accounts as one line of JSON")
    options = parser.parse_args(arguments)
    # The engine takes the machine's zone when it loads; a ClickHouse server in a container runs in UTC.
    os.environ["TZ"] = "UTC"
    accounts = {"users": [{"name": "default", "password": ""}], "readers": []}
    if options.users_from_stdin:
        accounts = json.loads(sys.stdin.readline())
    try:
        sock = (
            listen(options.port, "store") if options.socket is None else socket.socket(fileno=options.socket)
        )
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(options.directory, sock, accounts))
    except (EmbeddedError, StoreError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
