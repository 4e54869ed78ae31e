"""The syntax tree of a CEL condition: what static checks, the prefilter and `hark rules why` read.

The CEL engine compiles an expression but does not show its tree, and three things need one: which
fields a condition reads (so that only those are converted), which parts decide it early, and which
part was false. This parser covers the CEL language definition's expressions, without byte strings,
unsigned numbers and messages, which no rule needs; the CEL engine stays the judge of everything else.

References
----------
CEL language definition, section Syntax: https://github.com/google/cel-spec/blob/master/doc/langdef.md
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from rules.nodes import (
    Binary,
    Call,
    Index,
    ListOf,
    Literal,
    MapOf,
    Member,
    Name,
    Node,
    Ternary,
    Unary,
)
from rules.tree import path_of

MAX_DEPTH = 60
"""Deepest nesting accepted; deeper input is refused instead of exhausting the stack."""

_TOKEN = re.compile(
    r"""(?P<space>[\s]+|//[^\n]*)
    |(?P<float>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+)
    |(?P<int>0[xX][0-9a-fA-F]+|\d+)
    |(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<op>\|\||&&|==|!=|<=|>=|[-+*/%!<>?:.,()\[\]{}])""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))")
_PLAIN = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'", "`": "`", "?": "?"}
_LEVELS: tuple[tuple[str, ...], ...] = (
    ("||",), ("&&",), ("==", "!=", "<", "<=", ">", ">=", "in"), ("+", "-"), ("*", "/", "%"),
)  # fmt: skip


class SyntaxProblem(ValueError):
    """An expression that cannot be read; `at` is the offset of the first wrong character."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


def parse(source: str) -> Node:
    """Read a CEL expression.

    Parameters
    ----------
    source
        The expression's text.

    Raises
    ------
    SyntaxProblem
        Where it is not one whole expression.

    Examples
    --------
    >>> from rules.tree import unparse
    >>> unparse(parse("scores.polarity<-0.2&&'a' in scores.topics"))
    'scores.polarity < -0.2 && "a" in scores.topics'
    """
    return _Parser(source).whole()


class _Parser:
    """Precedence climbing over the tokens of one expression."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._tokens = list(self._split())
        self._next = 0
        self._depth = 0

    def _split(self) -> Iterator[_Token]:
        at = 0
        while at < len(self._source):
            found = _TOKEN.match(self._source, at)
            if found is None:
                raise SyntaxProblem(f"{self._source[at]!r} is not expected here", at)
            if found.lastgroup != "space":
                yield _Token(str(found.lastgroup), found.group(), at)
            at = found.end()
        yield _Token("end", "the end", at)

    def whole(self) -> Node:
        node = self._ternary()
        self._want_end()
        return node

    def _want_end(self) -> None:
        token = self._tokens[self._next]
        if token.kind != "end":
            raise SyntaxProblem(f"{token.text!r} is not expected here", token.at)

    def _accept(self, *texts: str) -> _Token | None:
        token = self._tokens[self._next]
        if token.kind in ("op", "name") and token.text in texts:
            self._next += 1
            return token
        return None

    def _expect(self, text: str) -> None:
        if self._accept(text) is None:
            token = self._tokens[self._next]
            raise SyntaxProblem(f"{text!r} is missing before {token.text!r}", token.at)

    def _ternary(self) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise SyntaxProblem("nested too deeply", self._tokens[self._next].at)
        test = self._binary(0)
        if self._accept("?"):
            yes = self._ternary()
            self._expect(":")
            test = Ternary(test.at, test, yes, self._ternary())
        self._depth -= 1
        return test

    def _binary(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while token := self._accept(*_LEVELS[level]):
            left = Binary(left.at, token.text, left, self._binary(level + 1))
        return left

    def _unary(self) -> Node:
        signs: list[_Token] = []
        while token := self._accept("!", "-"):
            signs.append(token)
        node = self._member()
        for token in reversed(signs):
            value = node.value if token.text == "-" and isinstance(node, Literal) else None
            if isinstance(value, int | float) and not isinstance(value, bool):
                node = Literal(token.at, -value)
            else:
                node = Unary(token.at, token.text, node)
        return node

    def _member(self) -> Node:
        node = self._primary()
        while True:
            if self._accept("."):
                name = self._tokens[self._next]
                if name.kind != "name":
                    raise SyntaxProblem(f"a field name is missing before {name.text!r}", name.at)
                self._next += 1
                if self._accept("("):
                    node = Call(node.at, node, name.text, self._items(")"))
                else:
                    node = Member(node.at, node, name.text)
            elif self._accept("["):
                key = self._ternary()
                self._expect("]")
                node = Index(node.at, node, key)
            else:
                return node

    def _items(self, end: str) -> tuple[Node, ...]:
        items: list[Node] = []
        while not self._accept(end):
            items.append(self._ternary())
            if not self._accept(","):
                self._expect(end)
                break
        return tuple(items)

    def _primary(self) -> Node:
        token = self._tokens[self._next]
        self._next += 1
        match token.kind:
            case "int":
                # CEL reads a leading zero as decimal; only 0x changes the base.
                return Literal(token.at, int(token.text, 16 if token.text[:2].lower() == "0x" else 10))
            case "float":
                return Literal(token.at, float(token.text))
            case "string":
                return Literal(token.at, _unescape(token))
            case "name":
                return self._named(token)
            case "op" if token.text == "(":
                node = self._ternary()
                self._expect(")")
                return node
            case "op" if token.text == "[":
                return ListOf(token.at, self._items("]"))
            case "op" if token.text == "{":
                return self._map(token.at)
        raise SyntaxProblem(f"{token.text!r} is not expected here", token.at)

    def _named(self, token: _Token) -> Node:
        if token.text in ("true", "false", "null"):
            return Literal(token.at, {"true": True, "false": False, "null": None}[token.text])
        if self._accept("("):
            items = self._items(")")
            if token.text == "has" and len(items) == 1 and len(path_of(items[0]) or ()) == 2:
                # Fields are always there, null where nothing is known.
                return Binary(token.at, "!=", items[0], Literal(token.at, None))
            return Call(token.at, None, token.text, items)
        return Name(token.at, token.text)

    def _map(self, at: int) -> Node:
        items: list[tuple[Node, Node]] = []
        while not self._accept("}"):
            key = self._ternary()
            self._expect(":")
            items.append((key, self._ternary()))
            if not self._accept(","):
                self._expect("}")
                break
        return MapOf(at, tuple(items))


def _unescape(token: _Token) -> str:
    def plain(found: re.Match[str]) -> str:
        if code := found[1] or found[2]:
            return chr(int(code, 16))
        if found[3] not in _PLAIN:
            raise SyntaxProblem(f"unknown escape \\{found[3]}", token.at)
        return _PLAIN[found[3]]

    return _ESCAPE.sub(plain, token.text[1:-1])
