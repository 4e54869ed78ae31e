"""Compiled patterns, kept beside the byte code: compiling takes a second, loading half a millisecond.

The file is Hyperscan's own serialisation (no pickle), named after a digest of what it was compiled
from and of the library's version, and written in one step, so that a half-written or outdated one is
never read. Hyperscan itself checks its checksum and the processor it was made for; whatever is amiss,
the patterns are compiled anew. Like byte code it is trusted as the program is.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import hyperscan


class Pattern(NamedTuple):
    """One expression and its Hyperscan flags."""

    expression: str
    flags: int


def database(name: str, patterns: Sequence[Pattern], folder: Path | None = None) -> hyperscan.Database:
    """Return the compiled patterns; the identifier of each is its place.

    Parameters
    ----------
    name
        What the patterns are for; one file a name is kept.
    patterns
        The same in every process, or every process compiles its own.
    folder
        Where compiled patterns are kept; the folder of this module's byte code unless told.
    """
    folder = folder or Path(importlib.util.cache_from_source(__file__)).parent
    path = folder / f"{name}.{_digest(patterns)}.hs"
    try:
        return hyperscan.loadb(path.read_bytes(), hyperscan.HS_MODE_BLOCK)
    except (OSError, hyperscan.error):
        compiled = _compile(patterns)
    _keep(path, hyperscan.dumpb(compiled))
    return compiled


def _digest(patterns: Sequence[Pattern]) -> str:
    """Return a name for these patterns under this version of the library."""
    empty = hyperscan.Database()
    empty.compile(expressions=[b"a"], ids=[0], elements=1, flags=[0])
    said = repr((empty.info(), [tuple(one) for one in patterns]))
    return hashlib.blake2b(said.encode(), digest_size=12).hexdigest()


def _compile(patterns: Sequence[Pattern]) -> hyperscan.Database:
    compiled = hyperscan.Database()
    compiled.compile(
        expressions=[one.expression.encode() for one in patterns],
        ids=list(range(len(patterns))),
        elements=len(patterns),
        flags=[one.flags for one in patterns],
    )
    return compiled


def _keep(path: Path, data: bytes) -> None:
    """Write the file and drop its predecessors; a folder that may not be written is no error."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(data)
        os.replace(draft, path)
        for other in path.parent.glob(f"{path.name.split('.')[0]}.*.hs"):
            if other != path:
                other.unlink(missing_ok=True)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink()
