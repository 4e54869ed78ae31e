"""The few calls of clickhouse-connect that Hark makes, and how its errors are read."""

from __future__ import annotations

import re
from typing import Any, Protocol
from urllib.parse import urlsplit

import clickhouse_connect
from clickhouse_connect.driver.exceptions import ClickHouseError

from sinks.base import SinkError

BAD_DATA = frozenset({6, 26, 27, 32, 33, 34, 38, 41, 43, 53, 69, 70, 72, 117, 130, 131, 190, 321, 457, 691})
"""ClickHouse error codes that a row's content causes: parsing, conversion, ranges, duplicate fields."""

NEEDS_A_PERSON = {
    16: "a column is missing: run `hark store migrate`",
    60: "a table is missing: run `hark store migrate`",
    81: "the database is missing: run `hark store migrate`",
    192: "the user is unknown: check HARK_CLICKHOUSE_USER",
    193: "the password is wrong: check HARK_CLICKHOUSE_PASSWORD",
    194: "the password is missing: check HARK_CLICKHOUSE_PASSWORD",
    497: "the user may not do this: grant it INSERT and SELECT",
    516: "the user or password is wrong: check HARK_CLICKHOUSE_USER and HARK_CLICKHOUSE_PASSWORD",
}
"""ClickHouse error codes that waiting does not cure, and what to do about each."""

_CODE = re.compile(r"\bCode:\s*(\d+)")


class Client(Protocol):
    """What Hark uses of a clickhouse-connect client, over HTTP or chDB in process."""

    database: Any

    def command(self, cmd: str, parameters: Any = None, settings: Any = None) -> Any:
        """Run a statement that returns little or nothing."""

    def query(self, query: str, parameters: Any = None, settings: Any = None) -> Any:
        """Run a SELECT; the result has `result_rows` and `column_names`."""

    def raw_insert(
        self, table: Any = None, *, insert_block: Any = None, settings: Any = None, fmt: Any = None
    ) -> Any:
        """Insert bytes in a format as they stand."""

    def close(self) -> None:
        """Release connections."""


def connect(url: str, user: str = "default", password: str = "", database: str = "") -> Client:
    """Connect to the ClickHouse HTTP interface at `url`.

    Parameters
    ----------
    url
        `http://host:port`, `https://host:port`, or `chdb:///directory` for the engine in process.
    database
        Default database, which must exist; empty for the server's own.

    Raises
    ------
    SinkError
        When `url` does not parse or names another scheme.
    clickhouse_connect.driver.exceptions.ClickHouseError
        When the server does not answer or refuses.
    """
    parts = urlsplit(url)
    if parts.scheme == "chdb":
        embedded: Client = clickhouse_connect.get_client(dsn=url)
        if database:
            embedded.database = database
        return embedded
    try:
        port = parts.port
    except ValueError:
        port = None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SinkError("the ClickHouse address must look like http://host:8123")
    secure = parts.scheme == "https"
    client: Client = clickhouse_connect.get_client(
        host=parts.hostname,
        port=port or (8443 if secure else 8123),
        interface=parts.scheme,
        username=user,
        password=password,
        database=database or None,
        compress=False,
        autogenerate_session_id=False,
        query_retries=0,
        dedicated_pool=True,
        connect_timeout=5,
        send_receive_timeout=120,
    )
    return client


def code_of(error: BaseException) -> int | None:
    """Return ClickHouse's error code, or None when the error came from the way there.

    Examples
    --------
    >>> code_of(ValueError("Code: 60. DB::Exception: no such table"))
    60
    >>> code_of(ConnectionError("refused")) is None
    True
    """
    code = getattr(error, "code", None)
    if isinstance(code, int) and code > 1:
        return code
    found = _CODE.search(str(error))
    return int(found[1]) if found else None


EXPECTED = (ClickHouseError, OSError)
"""What talking to a store may raise; urllib3's errors come wrapped in the first."""
