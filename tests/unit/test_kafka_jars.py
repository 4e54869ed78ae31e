"""What can be told of ops/kafka without starting Java."""

import ssl
from pathlib import Path

import pytest

from ops.kafka import certificates, jars
from ops.kafka.cluster import Cluster
from ops.kafka.jars import KafkaUnavailableError
from ops.kafka.properties import Ports, Security, server_properties

PORTS = {n: Ports(10 * n, 10 * n + 1, 10 * n + 2) for n in (1, 2, 3)}


def fake_java(folder: Path, version: str) -> None:
    script = folder / "java"
    script.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-04-15' >&2\n")
    script.chmod(0o755)


def test_missing_java_is_said_in_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(KafkaUnavailableError, match=r"^Apache Kafka needs Java 17 or newer, and no java is"):
        jars.fetch(tmp_path / "cache")


def test_an_old_java_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_java(tmp_path, "11.0.2")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    assert jars.missing_tools(tmp_path) == "Apache Kafka needs Java 17 or newer, found 11."


def test_maven_is_needed_only_while_there_are_no_jars(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake_java(tmp_path, "17.0.15")
    monkeypatch.setenv("PATH", str(tmp_path))
    cache = tmp_path / "cache"
    cache.mkdir()
    assert "no mvn is on the PATH" in (jars.missing_tools(cache) or "")
    (cache / "kafka_2.13-4.3.0.jar").touch()
    assert jars.missing_tools(cache) is None
    assert jars.fetch(cache) == cache


def test_three_nodes_keep_three_copies_with_two_in_sync(tmp_path: Path) -> None:
    settings = server_properties(2, PORTS, tmp_path, Security())
    assert settings["controller.quorum.voters"] == "1@127.0.0.1:12,2@127.0.0.1:22,3@127.0.0.1:32"
    assert (settings["default.replication.factor"], settings["min.insync.replicas"]) == ("3", "2")
    assert "authorizer.class.name" not in settings
    one = server_properties(1, {1: PORTS[1]}, tmp_path, Security())
    assert (one["default.replication.factor"], one["min.insync.replicas"]) == ("1", "1")


def test_every_listener_stands_on_loopback_and_nodes_prove_themselves(tmp_path: Path) -> None:
    made = certificates.make(tmp_path)
    settings = server_properties(1, PORTS, tmp_path, Security(made, tls=True, sasl=True, acls=True))
    for listener in settings["listeners"].split(","):
        assert listener.split("://")[1].startswith("127.0.0.1:")
    assert settings["listener.security.protocol.map"] == "CLIENTS:SASL_SSL,NODES:SSL,QUORUM:SSL"
    assert settings["listener.name.nodes.ssl.client.auth"] == "required"
    assert settings["allow.everyone.if.no.acl.found"] == "false"


def test_the_node_certificate_is_private_and_signed_by_the_authority(tmp_path: Path) -> None:
    made = certificates.make(tmp_path)
    assert made.node.stat().st_mode & 0o077 == 0
    context = ssl.create_default_context(cafile=str(made.authority))
    context.load_cert_chain(str(made.node))
    assert [ca["subject"] for ca in context.get_ca_certs()] == [((("commonName", "hark-kafka-test-ca"),),)]


@pytest.mark.parametrize("nodes", [0, 2, 4])
def test_a_cluster_has_one_or_three_nodes(nodes: int) -> None:
    with pytest.raises(ValueError, match="1 or 3 nodes"):
        Cluster(nodes=nodes)


def test_acls_need_users() -> None:
    with pytest.raises(ValueError, match="sasl"):
        Cluster(acls=True)
