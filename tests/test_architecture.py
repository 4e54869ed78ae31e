"""What the design fixes about the shape of the code: imports, sizes, environment, dependencies."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parent.parent
PACKAGES = ("streams", "models", "rules", "sinks", "ops")
LONGEST = 300

ENVIRONMENT = {
    "streams/settings.py": "reads HARK_* variables, the one place that does",
    "ops/bench/compare.py": "hands the environment on to the peers it starts",
    "ops/bench/state_load.py": "hands the environment on to the loader it starts",
    "ops/local.py": "hands the environment on to the workers it starts",
    "ops/embedded/store.py": "sets TZ for the engine inside its own process",
    "ops/commands/keys.py": "HARK_KEYS_FILE instead of --file, on the command line",
}
"""Modules that touch environment variables, and why they may; tests may as they like."""


@cache
def _files() -> tuple[Path, ...]:
    """Return the files under version control."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    paths = (ROOT / name for name in listed.stdout.decode().split("\0") if name)
    return tuple(path for path in paths if path.is_file())


@cache
def _modules() -> dict[str, ast.Module]:
    """Return the syntax trees of the product's modules and the tests, by path."""
    found = {}
    for path in _files():
        name = path.relative_to(ROOT).as_posix()
        if name.endswith(".py") and name.split("/")[0] in {*PACKAGES, "tests"}:
            found[name] = ast.parse(path.read_text("utf-8"), name)
    return found


def _product() -> Iterator[tuple[str, ast.Module]]:
    return ((name, tree) for name, tree in _modules().items() if not name.startswith("tests/"))


def _imports(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def test_imports_keep_the_contracts_of_pyproject(capsys: pytest.CaptureFixture[str]) -> None:
    status = lint_imports(str(ROOT / "pyproject.toml"), no_cache=True)
    assert status == 0, capsys.readouterr().out


def test_events_and_outcomes_stand_on_nothing_else_of_models() -> None:
    ground = ("models.events", "models.outcome")
    for name, tree in _product():
        if name.startswith(("models/events/", "models/outcome.py")):
            strange = {n for n in _imports(tree) if n.startswith("models.") and not n.startswith(ground)}
            assert not strange, f"{name} imports {', '.join(sorted(strange))}"


def test_modules_are_short() -> None:
    long = {
        name: lines
        for name in _modules()
        if (lines := len((ROOT / name).read_text("utf-8").splitlines())) > LONGEST
    }
    assert not long, f"longer than {LONGEST} lines: {long}"


def test_no_module_is_a_drawer() -> None:
    drawers = {"utils.py", "util.py", "helpers.py", "misc.py", "common.py"}
    assert [name for name in _modules() if Path(name).name in drawers] == []


def _environment(tree: ast.Module) -> Iterator[int]:
    """Yield the lines that touch environment variables."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv", "putenv"}:
            yield node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            names = {alias.name for alias in node.names}
            if names & {"environ", "environb", "getenv", "putenv"}:
                yield node.lineno
        elif isinstance(node, ast.keyword) and node.arg == "envvar":
            yield node.value.lineno


def test_the_environment_is_read_in_settings_alone() -> None:
    touching = {name for name, tree in _product() if any(_environment(tree))}
    settings = {"streams/settings.py"}
    assert touching - ENVIRONMENT.keys() == set(), (
        "read it in streams/settings.py, or list it here with a reason"
    )
    assert ENVIRONMENT.keys() - touching - settings == set(), "listed here but no longer needed"
    readers = {name for name, tree in _product() if "pydantic_settings" in _imports(tree)}
    assert readers == settings


def test_reading_the_environment_is_seen() -> None:
    planted = "import os\nfrom os import getenv\nos.environ['A']\nos.getenv('B')\nOption(envvar='C')\n"
    assert sorted(_environment(ast.parse(planted))) == [2, 3, 4, 5]


def test_nothing_is_evaluated_or_unpickled() -> None:
    for name, tree in _product():
        loaders = _imports(tree) & {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
        assert not loaders, f"{name} imports {loaders}"
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in {"eval", "exec"}, f"{name}:{node.lineno}"


def test_no_other_distribution_supplies_our_packages() -> None:
    installed = packages_distributions()
    foreign = {package: set(installed.get(package, ())) - {"hark"} for package in PACKAGES}
    assert foreign == {package: set() for package in PACKAGES}


def _direct_dependencies() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = [
        *project["dependencies"],
        *(line for extra in project["optional-dependencies"].values() for line in extra),
    ]
    names = {re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0].lower() for line in lines}
    return names - {project["name"]}


def test_every_direct_dependency_is_justified() -> None:
    text = (ROOT / "ops" / "docs" / "dependencies.md").read_text("utf-8")
    rows = re.findall(r"^\| `([^`]+)` \| (.+?) \| (.+?) \|$", text, re.MULTILINE)
    assert all(len(why) > 10 and replaces for _, why, replaces in rows)
    justified = [name.lower() for name, _, _ in rows]
    direct = _direct_dependencies()
    assert len(justified) == len(set(justified))
    assert direct - set(justified) == set(), "justify it in ops/docs/dependencies.md"
    assert set(justified) - direct == set(), "in ops/docs/dependencies.md, but no dependency"


HOSTS = (
    "pypi" + ".org", "python" + "hosted.org", "npmjs" + ".org", "proxy.golang" + ".org",
    "repo.maven" + ".apache", "repo1.maven" + ".org", "tuna." + "tsinghua", "mirrors.ali" + "yun",
)  # fmt: skip
MACHINE = re.compile(r"(?<![\w.:}>])/(?:" + "|".join(("work", "root", "home", "Users")) + r")/\w")


def test_no_registry_host_and_no_path_of_a_machine() -> None:
    found = []
    for path in _files():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        name = path.relative_to(ROOT).as_posix()
        found += [f"{name} names {host}" for host in HOSTS if host in text]
        found += [f"{name} names {match.group()}…" for match in MACHINE.finditer(text)]
    assert found == []


def test_no_waivers() -> None:
    waivers = re.compile("# (" + "type" + ": ignore|" + "no" + "qa)|(flake8|ruff): no" + "qa|my" + "py: ")
    found = [
        f"{path.relative_to(ROOT)} has {match.group()}"
        for path in _files()
        if path.suffix == ".py"
        for match in waivers.finditer(path.read_text("utf-8"))
    ]
    assert found == []
