"""Write the ``server.properties`` of one node of a loopback KRaft cluster."""

from dataclasses import dataclass
from pathlib import Path

from ops.kafka.certificates import NODE_NAME, Certificates

ADMIN = "admin"


@dataclass(frozen=True)
class Ports:
    """The three loopback ports of one node: clients, the other nodes, the KRaft quorum."""

    clients: int
    nodes: int
    quorum: int


@dataclass(frozen=True)
class Security:
    """What a client must do to get in.

    Attributes
    ----------
    certificates : Certificates or None
        Set when anything is encrypted or authenticated; nodes then talk mutual TLS among themselves.
    tls, sasl, acls : bool
        Encrypt the clients' listener; ask clients for SCRAM-SHA-512; deny what no ACL allows.
    """

    certificates: Certificates | None = None
    tls: bool = False
    sasl: bool = False
    acls: bool = False

    @property
    def protocol(self) -> str:
        """Kafka's name of the clients' security protocol.

        >>> Security(tls=True, sasl=True).protocol
        'SASL_SSL'
        """
        return {(0, 0): "PLAINTEXT", (1, 0): "SSL", (0, 1): "SASL_PLAINTEXT", (1, 1): "SASL_SSL"}[
            int(self.tls), int(self.sasl)
        ]


def server_properties(node: int, ports: dict[int, Ports], data: Path, security: Security) -> dict[str, str]:
    """Return the settings of one combined broker and controller.

    Replication follows the number of nodes (three copies, two in sync, as in production; one copy on one
    node), and joining a group does not wait for more members, since each test would pay for every wait again.
    A dead node is noticed after 3 s instead of 9 for the same reason.

    Parameters
    ----------
    node : int
        Node id, a key of `ports`.
    ports : dict of int to Ports
        Every node of the cluster.
    data : Path
        Folder for this node's log.
    security : Security
        Listener security of the whole cluster.
    """
    mine, copies = ports[node], str(min(3, len(ports)))
    between = "SSL" if security.certificates else "PLAINTEXT"
    settings = {
        "process.roles": "broker,controller",
        "node.id": str(node),
        "controller.quorum.voters": ",".join(f"{n}@127.0.0.1:{p.quorum}" for n, p in ports.items()),
        "listeners": f"CLIENTS://127.0.0.1:{mine.clients},NODES://127.0.0.1:{mine.nodes},"
        f"QUORUM://127.0.0.1:{mine.quorum}",
        "advertised.listeners": f"CLIENTS://127.0.0.1:{mine.clients},NODES://127.0.0.1:{mine.nodes}",
        "listener.security.protocol.map": f"CLIENTS:{security.protocol},NODES:{between},QUORUM:{between}",
        "inter.broker.listener.name": "NODES",
        "controller.listener.names": "QUORUM",
        "log.dirs": str(data),
        "offsets.topic.replication.factor": copies,
        "transaction.state.log.replication.factor": copies,
        "share.coordinator.state.topic.replication.factor": copies,
        "default.replication.factor": copies,
        "min.insync.replicas": "2" if len(ports) >= 3 else "1",
        "transaction.state.log.min.isr": "2" if len(ports) >= 3 else "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.num.partitions": "1",
        "num.partitions": "4",
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        "num.network.threads": "2",
        "num.io.threads": "4",
        "log.cleaner.dedupe.buffer.size": "16777216",
        "controlled.shutdown.enable": str(len(ports) > 1).lower(),
        "broker.heartbeat.interval.ms": "500",
        "broker.session.timeout.ms": "3000",
        "replica.lag.time.max.ms": "5000",
    }
    if security.certificates:
        settings |= {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(security.certificates.node),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(security.certificates.authority),
            "listener.name.nodes.ssl.client.auth": "required",
            "listener.name.quorum.ssl.client.auth": "required",
        }
    if security.sasl:
        module = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        settings |= {
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.clients.scram-sha-512.sasl.jaas.config": module,
        }
    if security.acls:
        settings |= {
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": f"User:CN={NODE_NAME};User:{ADMIN}",
            "allow.everyone.if.no.acl.found": "false",
        }
    return settings
