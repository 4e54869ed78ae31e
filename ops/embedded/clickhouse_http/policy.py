"""What the HTTP interface refuses before the engine sees it.

chDB is made for one trusted user: it runs several statements in one text, writes files with INTO OUTFILE even
in read-only mode, and reads any file of the machine. A ClickHouse server does none of that over HTTP.
"""

from __future__ import annotations

from ops.embedded.clickhouse_http.errors import (
    ACCESS_DENIED,
    INTO_OUTFILE_NOT_ALLOWED,
    READONLY,
    SYNTAX_ERROR,
    UNKNOWN_TYPE_OF_QUERY,
    refuse,
)
from ops.embedded.clickhouse_http.sql import Statement, tokens
from ops.embedded.clickhouse_http.users import User

READS = frozenset(
    ("SELECT", "WITH", "(", "FROM", "SHOW", "DESCRIBE", "DESC", "EXISTS", "EXPLAIN", "USE", "SET", "CHECK")
)
# Table functions that touch nothing outside the tables; every other one reads files, networks or programs.
PLAIN_FUNCTIONS = frozenset(
    (
        *("numbers", "numbers_mt", "zeros", "zeros_mt", "primes", "generateseries", "generate_series"),
        *("values", "sqlstandardvalues", "null", "view", "viewexplain", "viewifpermitted", "merge", "format"),
        *("input", "generaterandom", "fuzzjson", "fuzzquery", "loop", "dictionary", "eval"),
        *("mergetreeanalyzeindexes", "mergetreeindex", "mergetreeprojection", "mergetreetextindex"),
        *("timeseriesdata", "timeseriesmetrics", "timeseriestags", "timeseriessamples", "timeseriesselector"),
    )
)


def check(statement: Statement, user: User, reading: bool, table_functions: frozenset[str]) -> None:
    """Let a statement pass or refuse it.

    Parameters
    ----------
    statement
        Scanned statement.
    user
        Who sends it.
    reading
        Whether the request may only read: GET, or a read-only user.
    table_functions
        Names the engine knows, in lower case.

    Raises
    ------
    StoreError
        With the code a ClickHouse server answers with.
    """
    if statement.more:
        raise refuse(SYNTAX_ERROR, "Multi-statements are not allowed", "SYNTAX_ERROR")
    if "OUTFILE" in statement.clauses:
        raise refuse(INTO_OUTFILE_NOT_ALLOWED, "INTO OUTFILE is not allowed", "INTO_OUTFILE_NOT_ALLOWED")
    if "INFILE" in statement.clauses:
        raise refuse(
            UNKNOWN_TYPE_OF_QUERY, "Query has infile and was sent directly to server", "UNKNOWN_TYPE_OF_QUERY"
        )
    if reading and statement.kind not in READS:
        raise refuse(READONLY, f"{user.name}: Cannot execute query in readonly mode", "READONLY")
    if user.reads_only:
        outside = (statement.calls & table_functions) - PLAIN_FUNCTIONS
        if outside or names_a_file(statement.text):
            what = f"table function {min(outside)}" if outside else "files"
            raise refuse(ACCESS_DENIED, f"{user.name}: Not enough privileges for {what}", "ACCESS_DENIED")


def names_a_file(sql: bytes) -> bool:
    """Tell whether a FROM or JOIN names a path: chDB opens such names as files.

    Examples
    --------
    >>> names_a_file(b"SELECT * FROM `/etc/hosts`"), names_a_file(b"SELECT '/a' FROM t")
    (True, False)
    """
    before = ""
    for token in tokens(sql):
        if before in ("FROM", "JOIN") and token.kind in ("quoted", "literal") and set("/.") & set(token.text):
            return True
        before = token.text.upper()
    return False
