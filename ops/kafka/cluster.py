"""Apache Kafka itself on loopback: one node or three, open or locked down, for tests and benchmarks."""

import atexit
import base64
import secrets
import shutil
import socket
import ssl
import tempfile
import time
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ops.kafka import certificates, jars
from ops.kafka.node import Node
from ops.kafka.properties import ADMIN, Ports, Security, server_properties

START_SECONDS = 90.0


class Cluster:
    """Run Apache Kafka from its own jars in KRaft mode, every port on 127.0.0.1.

    Chaos tests need the real thing, with processes they may kill and freeze; a container would hide the
    process and needs Docker. Everything lies in one temporary folder, which `stop` removes.

    Parameters
    ----------
    nodes : int
        1, or 3 for replication and elections.
    tls : bool
        Encrypt the clients' listener with a certificate of a test CA.
    sasl : bool
        Ask clients for SCRAM-SHA-512; `users` and ``admin`` exist from the start with random passwords.
    acls : bool
        Turn on the StandardAuthorizer: what no ACL allows is denied, except to ``admin``. Needs `sasl`.
    users : iterable of str
        SCRAM users besides ``admin``.
    cache : Path, optional
        Where the jars are kept; see `ops.kafka.jars.fetch`.
    version : str
        Kafka's version.
    properties : mapping of str to str, optional
        Settings of every node that go before ours, such as seconds in place of days.

    Raises
    ------
    KafkaUnavailableError
        When Java or Maven is missing.
    NodeError
        When a node does not start.

    Examples
    --------
    ``with Cluster(nodes=3) as kafka: connect(kafka.bootstrap)``
    """

    def __init__(
        self,
        nodes: int = 1,
        tls: bool = False,
        sasl: bool = False,
        acls: bool = False,
        users: Iterable[str] = (),
        cache: Path | None = None,
        version: str = jars.VERSION,
        properties: Mapping[str, str] | None = None,
    ) -> None:
        if nodes not in (1, 3):
            raise ValueError(f"a cluster has 1 or 3 nodes, not {nodes}")
        if acls and not sasl:
            raise ValueError("ACLs name users, so they need sasl=True")
        self.version = version
        self.start_seconds = 0.0
        self.passwords: dict[str, str] = {}
        if sasl:
            self.passwords = {user: secrets.token_hex(12) for user in [ADMIN, *users]}
        self._count, self._cache = nodes, cache
        self._properties = dict(properties or {})
        self._tls, self._sasl, self._acls = tls, sasl, acls
        self._folder: Path | None = None
        self._security = Security()
        self._ports: dict[int, Ports] = {}
        self._nodes: dict[int, Node] = {}

    @property
    def bootstrap(self) -> str:
        """Addresses of all nodes, ``host:port`` separated by commas."""
        return ",".join(f"127.0.0.1:{p.clients}" for p in self._ports.values())

    @property
    def node_ids(self) -> list[int]:
        """Ids for `kill`, `pause`, `resume` and `restart`."""
        return list(self._nodes)

    @property
    def ca_file(self) -> Path | None:
        """PEM file of the test CA, when TLS is on."""
        return self._security.certificates.authority if self._security.certificates and self._tls else None

    def client_settings(self, user: str = ADMIN) -> dict[str, Any]:
        """Return the keyword arguments with which an aiokafka client connects.

        Parameters
        ----------
        user : str
            Whose name and password to use when `sasl` is on.
        """
        settings: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap,
            "security_protocol": self._security.protocol,
        }
        if self.ca_file:
            settings["ssl_context"] = ssl.create_default_context(cafile=str(self.ca_file))
        if self._sasl:
            settings |= {
                "sasl_mechanism": "SCRAM-SHA-512",
                "sasl_plain_username": user,
                "sasl_plain_password": self.passwords[user],
            }
        return settings

    def start(self) -> Self:
        """Fetch the jars if needed, format the storage, start every node and wait until all of them serve."""
        folder_of_jars = jars.fetch(self._cache, self.version)
        began = time.monotonic()
        self._folder = Path(tempfile.mkdtemp(prefix="hark-kafka-"))
        atexit.register(self.stop)
        made = certificates.make(self._folder) if self._tls or self._sasl else None
        self._security = Security(made, self._tls, self._sasl, self._acls)
        self._ports = dict(enumerate(_free_ports(self._count), start=1))
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        for number in self._ports:
            home = self._folder / f"node-{number}"
            home.mkdir()
            settings = (
                server_properties(number, self._ports, home / "data", self._security) | self._properties
            )
            path = home / "server.properties"
            path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
            node = Node(number, folder_of_jars, path, home / "node.log")
            self._nodes[number] = node
            node.format(cluster_id, self.passwords)
        for node in self._nodes.values():
            node.start()
        self._wait(self._nodes.values(), began)
        return self

    def stop(self) -> None:
        """End every node at once and remove its data with the folder; a second call does nothing."""
        for node in self._nodes.values():
            node.kill()
        self._nodes = {}
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
        atexit.unregister(self.stop)

    def log_bytes(self) -> int:
        """Return the bytes of the topics' logs on all nodes, those of Kafka's own topics left out."""
        if self._folder is None:
            return 0
        logs = self._folder.glob("node-*/data/[!_]*/*.log")
        return sum(log.stat().st_size for log in logs)

    def log_of(self, node: int) -> Path:
        """Return the file with the output of a node."""
        return self._nodes[node].log

    def kill(self, node: int) -> None:
        """End a node as a power cut would (SIGKILL); its data stays for `restart`."""
        self._nodes[node].kill()

    def pause(self, node: int) -> None:
        """Freeze a node (SIGSTOP)."""
        self._nodes[node].pause()

    def resume(self, node: int) -> None:
        """Let a frozen node go on (SIGCONT)."""
        self._nodes[node].resume()

    def restart(self, node: int) -> None:
        """Stop a node in an orderly way if it runs, start it again on its data, wait until it serves."""
        began = time.monotonic()
        self._nodes[node].stop()
        self._nodes[node].start()
        self._wait([self._nodes[node]], began)

    def _wait(self, nodes: Iterable[Node], began: float) -> None:
        for node in nodes:
            node.wait_started(began + START_SECONDS)
        self.start_seconds = time.monotonic() - began

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, whatever happened."""
        self.stop()


def _free_ports(nodes: int) -> list[Ports]:
    held = [socket.socket() for _ in range(3 * nodes)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        numbers = [int(one.getsockname()[1]) for one in held]
    finally:
        for one in held:
            one.close()
    return [Ports(*numbers[3 * n : 3 * n + 3]) for n in range(nodes)]
