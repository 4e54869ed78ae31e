"""``python -m ops.kafka up``: run Apache Kafka on loopback until interrupted."""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from ops.kafka.cluster import Cluster
from ops.kafka.jars import VERSION, KafkaUnavailableError, fetch
from ops.kafka.node import NodeError


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and run.

    Parameters
    ----------
    arguments : sequence of str, optional
        Words after the command's name; those of the process when not given.
    """
    parser = argparse.ArgumentParser(prog="python -m ops.kafka", description="Apache Kafka on loopback.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, what in (("fetch", "fetch the jars only"), ("up", "run until interrupted")):
        command = commands.add_parser(name, help=what)
        command.add_argument("--cache", type=Path, help="folder for the jars")
        command.add_argument("--version", default=VERSION, help=f"Kafka's version ({VERSION})")
        if name == "up":
            command.add_argument("--nodes", type=int, choices=(1, 3), default=1)
            command.add_argument("--tls", action="store_true", help="encrypt the clients' listener")
            command.add_argument("--sasl", action="store_true", help="ask for SCRAM-SHA-512")
            command.add_argument("--acls", action="store_true", help="deny what no ACL allows (with --sasl)")
            command.add_argument("--user", action="append", default=[], help="SCRAM user besides admin")
    given = parser.parse_args(arguments)
    try:
        if given.command == "fetch":
            print(fetch(given.cache, given.version))
            return 0
        cluster = Cluster(
            given.nodes, given.tls, given.sasl, given.acls, given.user, given.cache, given.version
        )
        return _run(cluster)
    except (KafkaUnavailableError, NodeError, ValueError) as problem:
        print(problem, file=sys.stderr)
        return 1


def _run(cluster: Cluster) -> int:
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    with cluster:
        print(f"Apache Kafka {cluster.version} started in {cluster.start_seconds:.1f} s", flush=True)
        if cluster.ca_file:
            print(f"CA: {cluster.ca_file}")
        for user, password in cluster.passwords.items():
            print(f"user: {user} password: {password}")
        print(cluster.bootstrap, flush=True)
        while True:
            signal.pause()


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    # An exit unwinds the stack, also in the middle of a start, so that no node outlives the command.
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main())
