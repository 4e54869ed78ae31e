"""Bytes of attachments: from the event itself or from one folder, never from the network.

A URI comes from whoever sends events. Fetching what it names would let them reach inside the network
(server-side request forgery); so a service that has the media puts the file into the folder.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

MOST_BYTES = 20_000_000


class Refused(Exception):
    """The URI is not read; the text says which kind of reason, never the URI."""


class Folder:
    """Reads `data:` URIs, and files by relative path or `file:` URI inside one folder.

    Parameters
    ----------
    root
        The folder; None reads `data:` URIs alone.
    """

    def __init__(self, root: Path | None, most: int = MOST_BYTES) -> None:
        self._root = root.resolve() if root else None
        self._most = most

    def read(self, uri: str) -> bytes:
        """Return the bytes behind a URI.

        Raises
        ------
        Refused
            When it points elsewhere, is not there, or is too large.

        Examples
        --------
        >>> Folder(None).read("data:text/plain;base64,aGk=")
        b'hi'
        """
        if uri.startswith("data:"):
            return self._inline(uri)
        try:
            parts = urlsplit(uri)
        except ValueError:
            raise Refused("not a URI") from None
        if parts.scheme not in ("", "file") or parts.netloc:
            raise Refused("only files of the media folder are read")
        if self._root is None:
            raise Refused("no media folder is set")
        name = unquote_to_bytes(parts.path).decode("utf-8", "replace")
        if "\0" in name:
            raise Refused("not a file name")
        try:
            path = (self._root / name.removeprefix(f"{self._root}/")).resolve()
            if not path.is_relative_to(self._root) or not path.is_file():
                raise Refused("not a file of the media folder")
            if path.stat().st_size > self._most:
                raise Refused("too large")
            return path.read_bytes()
        except OSError:
            raise Refused("cannot be read") from None

    def _inline(self, uri: str) -> bytes:
        head, comma, body = uri.partition(",")
        if not comma:
            raise Refused("not a data URI")
        if not head.endswith(";base64"):
            return unquote_to_bytes(body)
        try:
            return base64.b64decode(unquote_to_bytes(body), validate=True)
        except (binascii.Error, ValueError):
            raise Refused("not base64") from None
