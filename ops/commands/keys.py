"""`hark keys`: make, rotate, destroy and list the keys of pseudonyms."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from models.pii.keyring import Keyring, KeyringError
from models.pii.view import TOKEN

_ENCRYPTED = re.compile("<[A-Z_]+:e[1-9]")
"""How a reversible token begins; the letters of a pseudonym may begin with "e" too."""

app = typer.Typer(help="Keys of pseudonyms.", no_args_is_help=True)

File = Annotated[
    Path, typer.Option("--file", "-f", envvar=["HARK_PII_KEYS_FILE", "HARK_KEYS_FILE"], help="The key file.")
]


def _load(file: Path) -> Keyring:
    try:
        return Keyring.load(file)
    except KeyringError as error:
        raise _refuse(error) from None


def _refuse(error: Exception) -> typer.Exit:
    typer.echo(str(error), err=True)
    return typer.Exit(1)


@app.command()
def new(file: File) -> None:
    """Make a key file with version 1; an existing file is never overwritten."""
    if file.exists():
        raise _refuse(KeyringError("the key file exists already; `hark keys rotate` adds a version"))
    Keyring.new().save(file)
    typer.echo("version 1 made and in use")


@app.command()
def rotate(file: File) -> None:
    """Add a fresh version and use it for new pseudonyms."""
    ring = _load(file).rotate()
    ring.save(file)
    typer.echo(f"version {ring.current} made and in use")


@app.command()
def destroy(
    file: File,
    version: Annotated[int, typer.Argument(min=1, help="The version to forget.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Destroy a version: its pseudonyms can never be tied to anybody again."""
    ring = _load(file)
    if not yes:
        typer.confirm(f"Destroy version {version} for good?", abort=True)
    try:
        ring.destroy(version).save(file)
    except KeyringError as error:
        raise _refuse(error) from None
    typer.echo(f"version {version} destroyed")


@app.command("list")
def list_(file: File) -> None:
    """List the versions, never the keys."""
    ring = _load(file)
    for version in sorted({*ring.versions, *ring.destroyed}):
        state = "in use" if version == ring.current else "kept" if version in ring.versions else "destroyed"
        typer.echo(f"{version}\t{state}")


@app.command()
def decrypt(
    file: File,
    text: Annotated[str | None, typer.Argument(help="The text; standard input unless given.")] = None,
) -> None:
    """Print a text with what `HARK_PII_OPERATORS=TYPE=encrypt` encrypted in it; pseudonyms stay."""
    ring = _load(file)

    def revealed(match: re.Match[str]) -> str:
        token = match.group()
        return ring.decrypt(token) if _ENCRYPTED.match(token) else token

    try:
        typer.echo(TOKEN.sub(revealed, sys.stdin.read() if text is None else text), nl=text is not None)
    except KeyringError as error:
        raise _refuse(error) from None
