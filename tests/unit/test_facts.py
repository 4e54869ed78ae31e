"""Facts at the door: fields nobody declared."""

from __future__ import annotations

import json
from typing import Any

import pytest

from models.intake import FactAdmission
from models.outcome import Emit
from streams.masking import field_mask
from streams.settings import Settings

FACTS: dict[str, dict[str, Any]] = {
    "customer": {"customer_id": "c", "kind": "visit"},
    "outcome": {"customer_id": "c", "kind": "visit", "value": 1.0},
    "label": {"customer_id": "c", "feedback_id": "f", "model": "sentiment", "value": 0.5},
}


@pytest.mark.parametrize("event", FACTS)
@pytest.mark.parametrize("name", ["since", "value", "tier", "mood"])
@pytest.mark.parametrize("said", ["2020", 5, {"a": []}])
def test_a_field_nobody_declared_changes_nothing(event: str, name: str, said: Any) -> None:
    admit = FactAdmission(event, field_mask(Settings(pii_keys="ab" * 32)))
    fact = {**FACTS[event], "id": "i"}
    declared = name in fact or (event == "customer" and name in ("since", "tier"))
    more = fact if declared else {**fact, name: said}

    assert isinstance(expected := admit.step(json.dumps(fact).encode(), ("t", 0, 0), 1_790_000_000_000), Emit)
    assert admit.step(json.dumps(more).encode(), ("t", 0, 0), 1_790_000_000_000) == expected
