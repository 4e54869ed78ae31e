"""Writes the reference pages and schemas under `ops/docs` from the code, or checks that they agree.

Run it as `make docs`, and with `--check` as part of `make lint`: a page that says something else
than the code is then a failing build, named.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ops.cli import whole
from ops.docgen import asyncapi, pages
from ops.docgen.command_line import cli_page
from ops.docgen.contracts import contracts, schema_of
from ops.docgen.examples import read_examples
from streams.settings import Settings

ROOT = Path(__file__).resolve().parent.parent


def documents(root: Path = ROOT) -> dict[str, str]:
    """Return every generated file: path below the repository to its text."""
    examples = read_examples(root / "tests" / "examples")
    partitions = int(Settings.model_fields["partitions"].default)
    version = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    found = {
        "ops/docs/topics.md": pages.topics_page(examples, partitions),
        "ops/docs/settings.md": pages.settings_page(),
        "ops/docs/metrics.md": pages.metrics_page(),
        "ops/docs/cli.md": cli_page(whole(), root),
        "ops/docs/contracts/asyncapi.json": _json(asyncapi.document(version, partitions, examples)),
    }
    for name, model in contracts().items():
        found[f"ops/docs/contracts/{name}.json"] = _json(schema_of(model))
    return found


def differences(root: Path, wanted: Mapping[str, str]) -> list[str]:
    """Return what is missing, differs from the code or is left over, one sentence each."""
    said = []
    for name, text in wanted.items():
        path = root / name
        if not path.exists():
            said.append(f"{name} is missing")
        elif path.read_text(encoding="utf-8") != text:
            said.append(f"{name} differs from the code")
    for path in sorted((root / "ops" / "docs" / "contracts").glob("*.json")):
        name = path.relative_to(root).as_posix()
        if name not in wanted:
            said.append(f"{name} describes nothing that is in the code")
    return said


def write(root: Path, wanted: Mapping[str, str]) -> None:
    """Write every generated file and remove schemas of contracts that are gone."""
    for path in (root / "ops" / "docs" / "contracts").glob("*.json"):
        if path.relative_to(root).as_posix() not in wanted:
            path.unlink()
    for name, text in wanted.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Write the files, or with `--check` say what differs; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m ops.docs_from_code", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when something differs")
    check = parser.parse_args(arguments).check
    wanted = documents()
    if not check:
        write(root, wanted)
        return 0
    said = differences(root, wanted)
    for sentence in said:
        print(f"{sentence}: run `make docs`", file=sys.stderr)
    return 1 if said else 0


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    sys.exit(main())
