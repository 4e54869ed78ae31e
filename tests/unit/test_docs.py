"""Generated pages say what the code says, and links in the documents lead somewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY
from pydantic import SecretStr

from ops import docs_from_code
from ops.cli import whole
from ops.command_table import COMMANDS
from ops.docgen.examples import read_examples
from ops.docgen.markdown import fields_of, table, type_of
from rules.loader import load_rule
from rules.source import Source
from streams.settings import Settings
from streams.topics import CATALOG

ROOT = Path(__file__).parent.parent.parent
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(#[^)\s]*)?\)")
CODE = re.compile(r"`([^`\n]+)`")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "ops" / "docs").rglob("*.md")])


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return docs_from_code.documents()


@pytest.fixture(scope="module")
def asyncapi(made: dict[str, str]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(made["ops/docs/contracts/asyncapi.json"])
    return document


def test_committed_pages_agree_with_the_code(made: dict[str, str]) -> None:
    assert docs_from_code.differences(ROOT, made) == []


def test_pages_are_the_same_every_time(made: dict[str, str]) -> None:
    assert docs_from_code.documents() == made


def test_a_difference_is_named_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert docs_from_code.main([], tmp_path) == 0
    assert docs_from_code.main(["--check"], tmp_path) == 0
    (tmp_path / "ops/docs/topics.md").write_text("old", "utf-8")
    (tmp_path / "ops/docs/metrics.md").unlink()
    (tmp_path / "ops/docs/contracts/Gone.json").write_text("{}", "utf-8")
    assert docs_from_code.main(["--check"], tmp_path) == 1
    said = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in said] == [
        "ops/docs/topics.md differs from the code",
        "ops/docs/metrics.md is missing",
        "ops/docs/contracts/Gone.json describes nothing that is in the code",
    ]
    assert docs_from_code.main([], tmp_path) == 0
    assert docs_from_code.main(["--check"], tmp_path) == 0


def test_pages_name_every_setting_topic_metric_and_example(made: dict[str, str]) -> None:
    for name, field in Settings.model_fields.items():
        assert f"| `HARK_{name.upper()}` |" in made["ops/docs/settings.md"]
        assert field.description, f"{name} is not explained"
    for topic in CATALOG:
        assert f"`{topic.name}`" in made["ops/docs/topics.md"]
    for metric in REGISTRY.collect():
        if metric.name.startswith("hark_"):
            assert f"`{metric.name}" in made["ops/docs/metrics.md"]
    for cases in read_examples(ROOT / "tests" / "examples").values():
        for example in cases:
            assert example.note in made["ops/docs/topics.md"]


def test_no_secret_has_a_value_worth_hiding_in_the_pages() -> None:
    for field in Settings.model_fields.values():
        if isinstance(field.default, SecretStr):
            assert field.default.get_secret_value() in {"", "hark"}


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, part in value.items():
            if key == "$ref":
                yield part
            else:
                yield from _references(part)
    elif isinstance(value, list):
        for part in value:
            yield from _references(part)


def test_references_of_the_asyncapi_document_lead_somewhere(asyncapi: dict[str, Any]) -> None:
    references = set(_references(asyncapi))
    assert len(references) > len(CATALOG)
    for reference in references:
        found: Any = asyncapi
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
        assert found


def test_asyncapi_document_has_the_parts_version_3_asks_for(asyncapi: dict[str, Any]) -> None:
    assert asyncapi["asyncapi"] == "3.0.0"
    assert asyncapi["channels"].keys() == {topic.name for topic in CATALOG}
    for operation in asyncapi["operations"].values():
        assert operation["action"] in {"send", "receive"}
        channel = asyncapi["channels"][operation["channel"]["$ref"].rpartition("/")[2]]
        named = {reference["$ref"].rpartition("/")[2] for reference in operation["messages"]}
        assert named == channel["messages"].keys()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    for target, anchor in LINK.findall(text):
        place = (page.parent / target).resolve() if target else page
        assert place.exists(), f"{page.name} links to {target}, which is not there"
        if anchor and place.suffix == ".md":
            assert anchor[1:] in _anchors(place.read_text("utf-8")), f"{page.name} links to {target}{anchor}"


def _anchors(text: str) -> set[str]:
    """Return the anchors GitHub gives to headings."""
    heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def test_types_in_words() -> None:
    schema = {"type": "array", "items": {"$ref": "#/$defs/Part"}}
    assert type_of(schema, {"Part": {"type": "object", "properties": {}}}) == "list of Part"
    assert type_of({"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]}, {}) == (
        "[string, integer]"
    )
    assert type_of({"type": "number", "exclusiveMinimum": 0, "maximum": 1}, {}) == "number > 0 ≤ 1"
    fields = fields_of({"properties": {"a": {"enum": ["", "x"], "description": "b|c"}}, "required": ["a"]})
    assert fields.splitlines()[-1] == r"| `a` | empty, `x` | yes | b\|c |"
    assert table(("a",), []).count("\n") == 1


def _commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield words
    for name, child in getattr(command, "commands", {}).items():
        yield from _commands(child, (*words, name))


@pytest.mark.parametrize("page", ["README.md", "ops/docs/README.zh-CN.md"])
def test_commands_of_the_readme_exist(page: str) -> None:
    known = set(_commands(whole()))
    text = (ROOT / page).read_text("utf-8")
    said = re.findall(r"(?:^|`|bin/)hark ((?:[a-z]+ ?)+)", text, re.MULTILINE)
    assert len(said) > 8
    for line in said:
        words = tuple(line.split())
        assert words[:2] in known or words[:1] in known and not _is_group(words[0]), f"hark {line}"
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"^make ([a-z]+)", text, re.MULTILINE)) <= targets


def _is_group(name: str) -> bool:
    command: Any = whole()
    return hasattr(command.commands[name], "commands")


def _leaves(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Yield every command that does something, with its words."""
    children = getattr(command, "commands", {})
    if not children:
        yield " ".join(words), command
    for name, child in children.items():
        yield from _leaves(child, (*words, name))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_in_the_pages_can_be_given_as_they_stand(page: Path) -> None:
    """Options exist, and where arguments are given none that is required is missing."""
    leaves = dict(_leaves(whole()))
    text = page.read_text("utf-8")
    said = [line for block in re.findall(r"```\w*\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    for line in re.findall(r"(?:^|[\s/$])hark ([a-z][^#\n]*)", "\n".join([*said, *CODE.findall(text)]), re.M):
        assert line.split()[0] in whole().commands, f"hark {line}"
        name = next((name for name in leaves if f"{line.strip()} ".startswith(f"{name} ")), None)
        given = line.strip().removeprefix(name or "").split()
        if name is None or not given:
            continue
        known = {word: one for one in leaves[name].params for word in (*one.opts, *one.secondary_opts)}
        used = {word for word in given if re.fullmatch(r"--?[a-z][\w-]*", word)}
        assert used <= {*known, "--help"}, f"hark {line}"
        needed = {one.opts[0] for one in known.values() if one.required and one.opts[0].startswith("-")}
        assert needed <= used, f"hark {line}"


@pytest.mark.parametrize("page", ["README.md", "ops/docs/README.zh-CN.md"])
def test_rule_of_the_readme_is_a_rule(page: str) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL)
    rule = load_rule(Source("high_value_negatives.yaml", yaml.safe_load(block)))
    assert rule.id == "high_value_negatives"


def test_twin_readme_has_the_same_shape() -> None:
    shapes = []
    for page in ("README.md", "ops/docs/README.zh-CN.md"):
        text = (ROOT / page).read_text("utf-8")
        blocks = re.findall(r"^```\w*$", text, re.MULTILINE)
        shapes.append((len(re.findall(r"^## ", text, re.MULTILINE)), blocks, text.count("\n| ")))
    assert shapes[0] == shapes[1]


def test_overview_says_what_each_command_says_of_itself() -> None:
    for name, command in whole().commands.items():
        assert " ".join((command.help or "").split("\n\n")[0].split()) == COMMANDS[name].summary, name
