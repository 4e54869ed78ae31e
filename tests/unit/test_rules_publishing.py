"""Rules on their way into force: published, approved, paused, rolled back, applied."""

from __future__ import annotations

from typing import Any

import pytest
from rules_records import BASE, rule

from rules.loader import Catalog
from rules.publish import CatalogRecord, MemoryPublisher, PublishError, Publishing, apply
from rules.source import RuleError, Source


def source(**changes: Any) -> Source:
    return Source("demo.yaml", BASE | changes)


def test_publish_approve_pause_rollback() -> None:
    publisher = MemoryPublisher()
    service = Publishing(publisher, needs_approval=True)
    assert service.publish(source(), "ann", 1).state == "proposed"
    assert service.in_force() == {}
    with pytest.raises(PublishError, match="cannot approve"):
        service.approve("demo", "ann", 2)
    service.approve("demo", "bob", 3)
    with pytest.raises(PublishError, match="nothing waits"):
        service.approve("demo", "bob", 4)
    with pytest.raises(PublishError, match="must be higher"):
        service.publish(source(), "ann", 5)
    service.publish(source(version=2, cooldown="3d"), "ann", 6)
    assert service.in_force()["demo"].version == 1
    approved = service.approve("demo", "bob", 7)
    assert (approved.author, approved.approver, approved.version) == ("ann", "bob", 2)
    assert service.pause("demo", "cid", 8).load().status == "paused"
    assert service.rollback("demo", "cid", 9).version == 1
    assert service.rollback("demo", "cid", 10, version=2).load().status == "live"
    with pytest.raises(PublishError, match="not known"):
        service.rollback("demo", "cid", 11, version=7)
    with pytest.raises(PublishError, match="not in force"):
        service.pause("nobody", "cid", 12)
    assert [record.key for record in publisher.records()][:2] == ["demo/proposed", "demo"]


def test_a_shadow_rule_that_was_paused_goes_on_as_a_shadow() -> None:
    service = Publishing(MemoryPublisher())
    service.publish(source(status="shadow"), "ann", 1)
    service.pause("demo", "cid", 2)
    assert service.resume("demo", "ann", 3).load().status == "shadow"


def test_a_bad_rule_is_not_published_and_a_bad_record_not_applied() -> None:
    service = Publishing(MemoryPublisher())
    with pytest.raises(RuleError, match="unknown-field"):
        service.publish(source(condition="scores.nothing > 1.0"), "ann", 1)
    record = service.publish(source(), "ann", 2)
    catalog = apply(Catalog.of([rule(id="other")]), record)
    assert set(catalog.rules) == {"demo", "other"}
    broken = record.model_copy(update={"rule": record.rule | {"condition": "scores.nothing > 1.0"}})
    with pytest.raises(RuleError):
        apply(catalog, broken)
    proposal = record.model_copy(update={"state": "proposed", "rule": record.rule | {"version": 9}})
    assert apply(catalog, proposal) is catalog
    round_trip = CatalogRecord.model_validate_json(record.model_dump_json())
    assert apply(catalog, round_trip).version == catalog.version
