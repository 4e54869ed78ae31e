"""A personal value of every type in every field of every producer's topic: none gets past intake."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from canaries import SAID, Canaries
from pydantic import BaseModel

from models.events import CustomerEvent, Feedback, Label, Link, Outcome
from models.identity import Links
from models.intake import Admission, FactAdmission, FieldMask, LinkAdmission
from models.pii import TYPES, Finder, Keyring, Masker

SEED = 20261122
NOW_MS = 1_760_000_000_000
MASK = FieldMask(Masker(Finder(), {}, Keyring({1: bytes(32)}, 1)))
BASES: dict[type[BaseModel], dict[str, Any]] = {
    Feedback: {"channel": "app", "customer_id": "c-1", "text": "不错，很满意"},
    CustomerEvent: {"customer_id": "c-1", "kind": "purchase"},
    Outcome: {"customer_id": "c-1", "kind": "retained", "value": 1},
    Label: {"feedback_id": "f-1", "customer_id": "c-1", "model": "topics", "value": "price.expensive"},
    Link: {"channel": "app", "author": "me", "customer_id": "c-1", "consent": "granted"},
}
STEPS = {
    Feedback: Admission(MASK, Links()).step,
    CustomerEvent: FactAdmission("customer", MASK).step,
    Outcome: FactAdmission("outcome", MASK).step,
    Label: FactAdmission("label", MASK).step,
    Link: LinkAdmission(MASK, Links()).step,
}


def _events(contract: type[BaseModel], kind: str, canaries: Canaries) -> list[dict[str, Any]]:
    """Return valid and invalid events that carry a fresh value in each place in turn."""
    base, said = BASES[contract], canaries.said
    events = [{**base, name: said(kind)} for name in contract.model_fields]
    events += [
        {**base, "unknown": said(kind)},
        {**base, said(kind): "as a key"},
        {**base, "unknown": {"deep": [{"er": said(kind)}], said(kind): 1}},
        {**base, "occurred_at": said(kind), "customer_id": said(kind)},
    ]
    if contract is Feedback:
        events += [
            {**base, "text": f"你好，{said(kind)}，谢谢"},
            {**base, "text": "x" * 20_001 + said(kind)},
            {**base, "text": said(kind), "rating": 99},
            {**base, "text": "", "attributes": {said(kind): said(kind)}},
            {**base, "attributes": {"note": said(kind), "deep": [{"er": said(kind)}], said(kind): [1]}},
            {**base, "attachments": [{"kind": "image", "uri": said(kind), "text": said(kind)}]},
            {key: value for key, value in {**base, "author": said(kind)}.items() if key != "customer_id"},
        ]
    return events


@pytest.mark.parametrize("contract", BASES, ids=lambda contract: contract.__name__)
@pytest.mark.parametrize("kind", SAID)
def test_no_value_passes_intake(
    kind: str, contract: type[BaseModel], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    canaries = Canaries(SEED)
    step, leaks = STEPS[contract], []
    for event in _events(contract, kind, canaries):
        whole = json.dumps(event, ensure_ascii=False).encode()
        for value in (whole, whole[:-1], b"\xff" + whole):
            shown = repr(step(value, ("feedback.raw", 0, 1), NOW_MS)) + caplog.text
            leaks += [(event, shown) for canary in canaries.values if canary in shown]
    assert leaks == []


def test_every_type_has_a_canary() -> None:
    assert set(SAID) == set(TYPES)
