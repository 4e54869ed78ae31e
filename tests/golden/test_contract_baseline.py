"""Contracts still keep the word they gave in version 1."""

from __future__ import annotations

import json

import pytest
from golden_files import FOLDER, writing

from ops.docgen.compatibility import breakages
from ops.docgen.contracts import contracts, direction_of, schema_of

BASELINE = FOLDER / "contracts" / "v1"


@pytest.mark.parametrize("name", contracts())
def test_contract_is_compatible_with_its_baseline(name: str) -> None:
    """`make golden` records what a contract gained; what would break somebody it refuses as well."""
    model, path = contracts()[name], BASELINE / f"{name}.json"
    current = schema_of(model)
    if path.exists():
        broken = breakages(name, json.loads(path.read_text("utf-8")), current, direction_of(model))
        assert not broken, broken[0]
    if writing():
        BASELINE.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(current, ensure_ascii=False, indent=2) + "\n", "utf-8")
    assert path.exists(), f"{name} has no baseline yet: run `make golden`"
    assert json.loads(path.read_text("utf-8")) == current, f"{name} has grown: run `make golden` to record it"


def test_no_contract_of_the_baseline_is_gone() -> None:
    gone = {path.stem for path in BASELINE.glob("*.json")} - contracts().keys()
    assert not gone, f"{', '.join(sorted(gone))} was removed, but others write or read it"
