"""Who may use the embedded store, and who may only read."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from ops.embedded.clickhouse_http.errors import AUTHENTICATION_FAILED, refuse


@dataclass(frozen=True, slots=True)
class User:
    """One user.

    Parameters
    ----------
    name
        As clients send it.
    password
        Compared in constant time; empty for none.
    reads_only
        Refuses writes, files, remote sources.
    """

    name: str
    password: str
    reads_only: bool = False

    def __repr__(self) -> str:
        """Leave the password out."""
        return f"User({self.name!r}, reads_only={self.reads_only})"


def credentials(headers: Mapping[str, str], query: Mapping[str, str]) -> tuple[str, str]:
    """Return name and password from the X-ClickHouse headers, HTTP basic authentication or the URL.

    Examples
    --------
    >>> credentials({"Authorization": "Basic YTpi"}, {})
    ('a', 'b')
    >>> credentials({}, {})
    ('default', '')
    """
    if "X-ClickHouse-User" in headers:
        return headers["X-ClickHouse-User"], headers.get("X-ClickHouse-Key", "")
    scheme, _, value = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            name, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            name, password = "", ""
        return name, password
    return query.get("user", "default"), query.get("password", "")


class Users:
    """The users of one store.

    Parameters
    ----------
    users
        All of them; nobody else gets in.
    """

    def __init__(self, users: list[User]) -> None:
        self._users = {user.name: user for user in users}

    def authenticate(self, headers: Mapping[str, str], query: Mapping[str, str]) -> User:
        """Return the user a request comes from.

        Raises
        ------
        StoreError
            Unknown name or wrong password; the message does not tell which.
        """
        name, password = credentials(headers, query)
        user = self._users.get(name)
        given = password.encode("utf-8", "surrogateescape")
        expected = (user.password if user else "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, expected) or user is None:
            raise refuse(
                AUTHENTICATION_FAILED,
                "Authentication failed: password is incorrect, or there is no user with such name",
                "AUTHENTICATION_FAILED",
            )
        return user
