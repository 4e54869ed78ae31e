"""The reference page of the command `hark`, from the same objects that parse its arguments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from typer.core import TyperGroup

from ops.docgen.markdown import code, page, table


def cli_page(commands: TyperGroup, root: Path) -> str:
    """Return `cli.md`: every command with its arguments and options.

    Parameters
    ----------
    root
        The repository, so that default paths inside it are written without the machine's own.
    """
    blocks = []
    for words, command in _commands(commands, "hark"):
        blocks.append(f"## {words}\n\n{_prose(command.help)}")
        blocks.append(f"```\n{' '.join([words, *_synopsis(command.params)])}\n```")
        if rows := [_row(param, root) for param in command.params if not getattr(param, "hidden", False)]:
            blocks.append(table(("argument or option", "default", "meaning"), rows))
    lead = (
        "Every command ends with 0 when it did what was asked, with another number and one sentence on "
        "standard error when it did not. `--help` prints the same."
    )
    return page("Command line", lead, *blocks)


def _commands(command: Any, words: str) -> Iterator[tuple[str, Any]]:
    if isinstance(command, TyperGroup):
        for name, child in sorted(command.commands.items()):
            yield from _commands(child, f"{words} {name}")
    else:
        yield words, command


def _prose(text: str | None) -> str:
    return "\n\n".join(" ".join(part.split()) for part in (text or "").split("\n\n")).strip()


def _is_option(param: Any) -> bool:
    return bool(param.opts[0].startswith("-"))


def _synopsis(params: Iterable[Any]) -> Iterator[str]:
    """Yield the arguments, in brackets where they may be missing, and the options that may not."""
    needed = []
    for param in params:
        name = param.name.upper()
        if not _is_option(param):
            several = f"{name}…" if param.nargs == -1 else name
            yield several if param.required else f"[{several}]"
        elif param.required:
            needed.append(f"{param.opts[0]} {name}")
    yield from needed


def _row(param: Any, root: Path) -> tuple[str, str, str]:
    name = ", ".join(code(word) for word in [*param.opts, *param.secondary_opts])
    meaning = param.help or ""
    if getattr(param, "multiple", False) and "repeatable" not in meaning.lower():
        meaning = f"{meaning} Repeatable.".strip()
    if param.envvar:
        meaning = f"{meaning} Also {code(str(param.envvar))}.".strip()
    return (
        name if _is_option(param) else code(param.name.upper()),
        "required" if param.required else _default(param.default, root),
        meaning,
    )


def _default(value: object, root: Path) -> str:
    if value is None or value is False or value == "":
        return ""
    if isinstance(value, Path):
        return code((value.relative_to(root) if value.is_relative_to(root) else value).as_posix())
    return code("on" if value is True else str(value))
