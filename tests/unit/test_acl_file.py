"""The shipped access control file grants what agents need, and only intake reads raw feedback."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.kafka.acl_file import AclFileError, grants, load
from ops.kafka.acls import Operation, Resource
from streams.pipeline import AGENTS
from streams.topics import CATALOG


def test_the_file_says_what_the_catalogue_says() -> None:
    users = load().users
    wanted: dict[str, tuple[set[str], set[str]]] = {}
    for topic in CATALOG:
        for reader in topic.consumers:
            wanted.setdefault(f"hark-{reader}", (set(), set()))[0].add(topic.name)
        for writer in topic.producers:
            wanted.setdefault(f"hark-{writer}", (set(), set()))[1].add(topic.name)
    assert {name: (set(user.read), set(user.write)) for name, user in users.items()} == wanted


def test_every_agent_has_a_user_with_its_own_group() -> None:
    users = load().users
    assert {f"hark-{agent}" for agent in AGENTS} <= set(users)
    assert all(users[f"hark-{agent}"].groups == ["{client_id}-" + agent] for agent in AGENTS)


def test_only_intake_reads_raw_feedback() -> None:
    readers = {g.user for g in grants(load()) if g.name == "feedback.raw" and Operation.READ in g.operations}
    assert readers == {"hark-intake"}
    assert not [g for g in grants(load()) if g.prefixed and g.resource is Resource.TOPIC]


def test_agents_with_state_may_fence_their_partitions_and_nobody_elses() -> None:
    fences = {g.user: g.name for g in grants(load(), "acme") if g.resource is Resource.TRANSACTIONAL_ID}
    assert fences == {f"hark-{agent}": f"acme-{agent}/" for agent in ("score", "decide", "follow_up")}


def test_an_unknown_field_is_refused_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("users: {a: {reads: [x]}}")
    with pytest.raises(AclFileError, match="mine.yaml"):
        load(path)


@pytest.mark.parametrize("quota", ["{produce_bytes: 0}", "{produce_bytes: -1}", "{bytes: 5}", "5"])
def test_a_quota_that_would_mean_nothing_is_refused(tmp_path: Path, quota: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"users: {{a: {{quota: {quota}}}}}")
    with pytest.raises(AclFileError, match="mine.yaml"):
        load(path)
