"""Look at a statement as far as HTTP needs it: its kind, its FORMAT, where the rows of an INSERT begin.

The engine parses SQL; this scanner only tells comments and literals from words, so that a FORMAT inside a
string is not taken for a clause, and rows behind an INSERT are never looked at.

Source: ClickHouse documentation, "Syntax" and "INSERT INTO"; rows begin after FORMAT, its name, blanks and
one line feed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

TOKEN = re.compile(
    rb"""(?P<blank>\s+|--[^\n]*|\#[!\ ][^\n]*|/\*.*?\*/)
    |(?P<literal>'(?:[^'\\]|\\.|'')*'|[0-9][A-Za-z0-9_.]*)
    |(?P<quoted>`(?:[^`\\]|\\.|``)*`|"(?:[^"\\]|\\.|"")*")
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<sign>.)""",
    re.DOTALL | re.VERBOSE,
)
DATA_START = re.compile(rb"[ \t\f]*\r?\n?")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement.

    Parameters
    ----------
    kind
        First keyword in capitals, "(" for a bracketed SELECT, "" for nothing.
    text
        The statement without semicolon and FORMAT clause; for an INSERT with rows the part before them.
    format
        Named in a FORMAT clause ("Values" for VALUES), else None.
    rows
        Offset of the first byte of rows in the source; None where no rows can follow.
    more
        Whether another statement follows.
    calls
        Every name followed by a bracket, in lower case: functions, table functions, tables of an INSERT.
    clauses
        Every bare word outside brackets, in capitals.
    """

    kind: str
    text: bytes
    format: str | None = None
    rows: int | None = None
    more: bool = False
    calls: frozenset[str] = frozenset()
    clauses: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Token:
    """A word, quoted name, literal or sign of the source, with its place."""

    kind: str
    text: str
    start: int
    end: int
    depth: int

    @property
    def keyword(self) -> str:
        """The word in capitals if it stands outside brackets, else nothing."""
        return self.text.upper() if self.kind == "word" and self.depth == 0 else ""


def tokens(source: bytes) -> Iterator[Token]:
    """Yield what is neither blank nor comment."""
    depth = 0
    for match in TOKEN.finditer(source):
        kind = match.lastgroup or "sign"
        if kind == "blank":
            continue
        # Latin-1 keeps one character a byte; only ASCII words are compared.
        text = match[0].decode("latin-1")
        depth -= text == ")"
        yield Token(kind, text, match.start(), match.end(), depth)
        depth += text == "("


def parse(source: bytes) -> Statement:
    """Scan the text of a request, with or without rows behind it.

    Examples
    --------
    >>> query = parse(b"SELECT 'FORMAT CSV' FORMAT JSON SETTINGS max_threads = 1")
    >>> query.text, query.format
    (b"SELECT 'FORMAT CSV'  SETTINGS max_threads = 1", 'JSON')
    >>> insert = parse(b'INSERT INTO t (a) FORMAT JSONEachRow {"a": 1}')
    >>> insert.text, insert.format, insert.rows
    (b'INSERT INTO t (a)', 'JSONEachRow', 37)
    >>> parse(b"SELECT 1; DROP TABLE t").more
    True
    """
    seen: list[Token] = []
    scan = tokens(source)
    end, more = len(source), False
    for token in scan:
        if token.text == ";":
            end, more = token.start, any(later.text != ";" for later in scan)
            break
        seen.append(token)
        if seen[0].keyword == "INSERT":
            found = _rows(source, seen)
            if found is not None:
                return found
    if not seen:
        return Statement("", b"")
    clause = _format(seen)
    text = source[:end] if clause is None else source[: clause[0].start] + source[clause[1].end : end]
    return Statement(
        seen[0].keyword or seen[0].text,
        text,
        None if clause is None else clause[1].text,
        more=more,
        calls=_calls(seen),
        clauses=_clauses(seen),
    )


def _rows(source: bytes, seen: list[Token]) -> Statement | None:
    """Return the INSERT if its last token so far is what rows follow."""
    last, before = seen[-1], seen[-2] if len(seen) > 1 else seen[-1]
    if any(token.keyword in ("SELECT", "WITH") for token in seen):
        return None
    if before.keyword == "FORMAT" and last.kind == "word":
        gap = DATA_START.match(source, last.end)
        head, form, start = before.start, last.text, gap.end() if gap else last.end
    elif last.keyword == "VALUES" and before.keyword not in ("INTO", "TABLE"):
        head, form, start = last.start, "Values", last.end
    else:
        return None
    return Statement(
        "INSERT", source[:head].rstrip(), form, start, calls=_calls(seen), clauses=_clauses(seen)
    )


def _format(seen: list[Token]) -> tuple[Token, Token] | None:
    """Return the FORMAT clause: the last thing but SETTINGS or INTO OUTFILE."""
    for clause, name, after in zip(seen, seen[1:], [*seen[2:], None], strict=False):
        ends = after is None or after.keyword in ("SETTINGS", "INTO")
        if clause.keyword == "FORMAT" and name.kind == "word" and ends:
            return clause, name
    return None


def _clauses(seen: list[Token]) -> frozenset[str]:
    """Return the bare words outside brackets."""
    return frozenset(token.keyword for token in seen)


def _calls(seen: list[Token]) -> frozenset[str]:
    """Return the names followed by a bracket."""
    return frozenset(
        name.text.strip('`"').lower()
        for name, sign in zip(seen, seen[1:], strict=False)
        if sign.text == "(" and name.kind in ("word", "quoted")
    )
