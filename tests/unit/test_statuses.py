"""What services answer reaches the customer's log, where rules that wait for an answer see it."""

from __future__ import annotations

import orjson
import pytest

from models.events import CustomerFact
from models.intake import FieldMask, StatusAdmission
from models.outcome import Drop, Emit
from models.pii import Finder, Masker
from models.pii.keyring import Keyring

NOW = 1_790_000_000_000
SAID = {"action_id": "a-1", "customer_id": "c-1", "status": "accepted", "by": "care", "reason": "ok"}


@pytest.fixture(scope="module")
def admission() -> StatusAdmission:
    return StatusAdmission(FieldMask(Masker(Finder(), {}, Keyring.new())))


def test_an_answer_is_a_fact_of_the_customers_log(admission: StatusAdmission) -> None:
    outcome = admission.step(orjson.dumps(SAID), ("actions.status", 0, 5), NOW)
    assert isinstance(outcome, Emit)
    fact = CustomerFact.model_validate(outcome.value)
    assert (fact.event, fact.kind, fact.status, fact.by) == ("action_status", "accepted", "accepted", "care")
    assert (fact.customer_id, fact.action_id, fact.occurred_at) == ("c-1", "a-1", NOW)


def test_the_same_answer_again_has_the_same_id(admission: StatusAdmission) -> None:
    ids = []
    for offset, said in enumerate((SAID, SAID, SAID | {"status": "resolved"})):
        outcome = admission.step(orjson.dumps(said), ("actions.status", 0, offset), NOW + offset)
        assert isinstance(outcome, Emit)
        ids.append(outcome.value["id"])
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize("value", [None, b"", b"{", b"[]", b"{}", orjson.dumps(SAID | {"status": "lost"})])
def test_what_breaks_the_contract_is_left_to_follow_up(
    admission: StatusAdmission, value: bytes | None
) -> None:
    assert isinstance(admission.step(value, ("actions.status", 0, 1), NOW), Drop)


def test_personal_data_in_it_is_masked(admission: StatusAdmission) -> None:
    outcome = admission.step(orjson.dumps(SAID | {"by": "13800138000"}), ("actions.status", 0, 1), NOW)
    assert isinstance(outcome, Emit) and "13800138000" not in str(outcome.value)
