"""Compiled patterns are kept, read back, and made anew when the file is missing, broken or foreign."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import hyperscan
import pytest

from models.pii import database as module
from models.pii.database import Pattern, database

FLAGS = hyperscan.HS_FLAG_UTF8 | hyperscan.HS_FLAG_SINGLEMATCH
PATTERNS = [Pattern("电话[0-9]{3}", FLAGS), Pattern("mail", FLAGS | hyperscan.HS_FLAG_CASELESS)]


def _hits(compiled: hyperscan.Database, text: str) -> list[int]:
    hits: list[int] = []
    scratch = hyperscan.Scratch(compiled)
    compiled.scan(text.encode(), lambda which, *_: hits.append(which), 0, None, scratch)
    return hits


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count what is compiled."""
    seen: list[int] = []
    compile_patterns = module._compile

    def counted(patterns: list[Pattern]) -> hyperscan.Database:
        seen.append(len(patterns))
        return compile_patterns(patterns)

    monkeypatch.setattr(module, "_compile", counted)
    return seen


def test_second_process_loads(tmp_path: Path, compilations: list[int]) -> None:
    database("some", PATTERNS, tmp_path)
    assert _hits(database("some", PATTERNS, tmp_path), "电话138 MAIL") == [0, 1]
    assert compilations == [2]


@pytest.mark.parametrize("damage", [b"", b"junk", None])
def test_damaged_file_is_compiled_anew(damage: bytes | None, tmp_path: Path, compilations: list[int]) -> None:
    database("some", PATTERNS, tmp_path)
    (path,) = tmp_path.glob("some.*.hs")
    good = path.read_bytes()
    path.write_bytes(good[:-9] + bytes(9) + b"\1" if damage is None else damage)
    assert _hits(database("some", PATTERNS, tmp_path), "电话138") == [0]
    assert compilations == [2, 2]
    assert path.read_bytes() == good


def test_other_patterns_replace_the_file(tmp_path: Path, compilations: list[int]) -> None:
    database("some", PATTERNS, tmp_path)
    changed = database("some", [*PATTERNS, Pattern("qq", FLAGS)], tmp_path)
    assert _hits(changed, "qq") == [2]
    assert compilations == [2, 3]
    assert len(list(tmp_path.iterdir())) == 1


def test_folder_that_cannot_be_written(tmp_path: Path, compilations: list[int]) -> None:
    taken = tmp_path / "file"
    taken.write_text("")
    assert _hits(database("some", PATTERNS, taken), "mail") == [1]
    assert compilations == [2]


def test_patterns_do_not_depend_on_the_hash_seed() -> None:
    code = "from models.pii import finder; print(finder.expressions())"
    shown = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(shown) == 1
