"""The command `hark`."""

from __future__ import annotations

import gc
import logging
from importlib import import_module
from typing import Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

from ops.command_table import COMMANDS


class CommandLine(TyperGroup):
    """Lists every command from the table and imports the one that is asked for."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, entry in COMMANDS.items():
            self.commands[name] = TyperCommand(name, help=entry.summary)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command the arguments begin with, loaded."""
        if args and args[0] in COMMANDS:
            self.commands[args[0]] = load(args[0])
        return super().resolve_command(ctx, args)


def load(name: str) -> Any:
    """Import a command of the table and return what parses its arguments."""
    module, attribute = COMMANDS[name].target.split(":")
    # The collector finds nothing in half-loaded modules and takes a fifth of the time of loading them.
    gc.disable()
    try:
        target = getattr(import_module(module), attribute)
    finally:
        gc.enable()
    if not isinstance(target, typer.Typer):
        single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        single.command(name)(target)
        return typer.main.get_command(single)
    group = typer.main.get_group(target)
    group.name = name
    return group


def whole() -> CommandLine:
    """Return the command line with every command loaded, for its reference page."""
    group = cast(CommandLine, typer.main.get_group(app))
    group.commands.update({name: load(name) for name in COMMANDS})
    return group


app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, cls=CommandLine)


@app.callback()
def hark() -> None:
    """From what customers say to what a company does, and whether it helped."""


def main() -> None:
    """Run the command line."""
    # What a client logs of a failure, `ops.failures` says in one sentence; where logs are configured, they
    # get it all the same.
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())
    app()


if __name__ == "__main__":
    main()
