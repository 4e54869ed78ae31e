"""What can go wrong is said in one sentence, by errors known by name."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from ops.failures import CLICKHOUSE, SAYABLE, sentence


@pytest.mark.parametrize("name", sorted(SAYABLE))
def test_every_name_is_an_error_that_is_said(name: str) -> None:
    module, kind = name.split(":")
    found = getattr(import_module(module), kind)
    assert issubclass(found, Exception)
    narrower = type(
        "Narrower", (found,), {"__init__": lambda self: None, "__str__": lambda self: "what to do"}
    )
    assert sentence(narrower()) == "what to do"


def test_the_stores_errors_are_said_and_ours_are_not() -> None:
    (name,) = CLICKHOUSE
    module, kind = name.split(":")
    assert issubclass(DatabaseError, getattr(import_module(module), kind))
    assert sentence(DatabaseError("no table\nstack")) == "ClickHouse: no table"
    assert sentence(RuntimeError("a fault of ours")) is None


def test_a_command_loads_no_models_to_name_its_failures() -> None:
    """Masking and compiled kernels were most of what `hark models` waited for."""
    said = "import sys, ops.commands.models; print(*sorted({'numba', 'models.pii'} & set(sys.modules)))"
    found = subprocess.run(
        [sys.executable, "-c", said], capture_output=True, text=True, check=True, timeout=60
    )
    assert found.stdout.strip() == ""
