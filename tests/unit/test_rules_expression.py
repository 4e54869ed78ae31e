"""The syntax tree, the types and the reach of conditions."""

from __future__ import annotations

import cel
import pytest

from rules.environment import FIELDS, FieldType
from rules.expression import SyntaxProblem, parse
from rules.reach import unreachable
from rules.tree import conjuncts, leaves, paths, unparse
from rules.typecheck import check_types

WINDOWS = {"count": FieldType("int", limit=32), "average": FieldType("double"), "followed": FieldType("bool")}
KNOWN = FIELDS | {"windows": WINDOWS}


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("a.b==1&&!(c.d||e.f)", "a.b == 1 && !(c.d || e.f)"),
        ("1 + 2 * 3 - 4", "1 + 2 * 3 - 4"),
        ("01 + 0x1F", "1 + 31"),
        ("(1 + 2) * 3", "(1 + 2) * 3"),
        ("1 - (2 - 3)", "1 - (2 - 3)"),
        ("a ? b : c ? d : e", "a ? b : c ? d : e"),
        ("'it\\'s' in x.y", '"it\'s" in x.y'),
        ("x.y.exists(t, t.startsWith('a'))", 'x.y.exists(t, t.startsWith("a"))'),
        ("-x < -1.5", "-x < -1.5"),
        ("m['k'][0] // comment\n == 3", 'm["k"][0] == 3'),
        ("{'a': 1}['a'] == 1", '{"a": 1}["a"] == 1'),
        ("a && (b && c)", "a && (b && c)"),
    ],
)
def test_reads_and_writes(text: str, canonical: str) -> None:
    tree = parse(text)
    assert unparse(tree) == canonical
    assert unparse(parse(canonical)) == canonical


@pytest.mark.parametrize(
    ("text", "value"), [("1+2*3", 7), ("(1+2)*3", 9), ("10-3-2", 5), ("!(1<2)||3>2", True)]
)
def test_text_means_the_same_to_cel(text: str, value: object) -> None:
    assert cel.evaluate(unparse(parse(text))) == cel.evaluate(text) == value


@pytest.mark.parametrize(
    ("text", "at"), [("a.b = 1", 4), ("a &&", 4), ("(a", 2), ("a b", 2), ("a.1", 2), ("#", 0), ("", 0)]
)
def test_says_where_it_cannot_be_read(text: str, at: int) -> None:
    with pytest.raises(SyntaxProblem) as caught:
        parse(text)
    assert caught.value.at == at


def test_deep_nesting_is_refused_not_fatal() -> None:
    with pytest.raises(SyntaxProblem, match="nested"):
        parse("(" * 5000 + "1" + ")" * 5000)


def test_parts_and_paths() -> None:
    tree = parse('a.b && (c.d || !e.f) && g.h.exists(t, t == i.j && t != "x")')
    assert [unparse(part) for part in conjuncts(tree)] == [
        "a.b", "c.d || !e.f", 'g.h.exists(t, t == i.j && t != "x")',
    ]  # fmt: skip
    assert [unparse(part) for part in leaves(tree)][:3] == ["a.b", "c.d", "e.f"]
    assert [".".join(path) for path, _ in paths(tree)] == ["a.b", "c.d", "e.f", "g.h", "i.j"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("scores.polarity < 'x'", "compares double with string"),
        ("scores.churn", "is double, not true or false"),
        ("!scores.churn", "needs true or false"),
        ("windows.count * 2.0 > 1.0", "combines int with double"),
        ("scores.kind in scores.kind", "is string, not a list"),
        ("scores.urgency == 'hurry'", "'hurry' is not one of urgent, normal, low"),
        ("feedback.channel in ['app', 'letter']", "'letter' is not one of"),
        ("feedback.rating < 0.0", "can be null"),
        ("scores.polarity.startsWith('x')", "is double, not string"),
        ("customer.tier.exists(t, t == 'x')", "is string, not a list"),
        ("scores.topics.exists(t, size(t))", "is int, not true or false"),
        ("round(scores.churn) == 1", "round is not a function"),
        ("windows.followed == 1", "compares bool with int"),
    ],
)
def test_type_errors(text: str, message: str) -> None:
    assert any(message in found for found in check_types(parse(text), KNOWN, "bool")), check_types(
        parse(text), KNOWN, "bool"
    )


@pytest.mark.parametrize(
    "text",
    [
        "feedback.rating != null && feedback.rating < 0.0",
        "scores.polarity < 0",
        "windows.count >= 2 && windows.average < -0.5 && windows.followed",
        "feedback.kind == null || feedback.kind == 'praise'",
        "double(windows.count) * 0.5 > scores.churn",
        "feedback.attributes.size() > 0 && has(feedback.attributes.vip)",
        "scores.topics.exists(t, t.startsWith('safety.'))",
        "(scores.churn > 0.5 ? 1 : 0) == 1",
    ],
)
def test_well_typed(text: str) -> None:
    assert check_types(parse(text), KNOWN, "bool") == []


@pytest.mark.parametrize(
    "text",
    [
        "false",
        "scores.polarity < -1.0",
        "scores.churn > 0.9 && scores.churn <= 0.9",
        "scores.kind == 'praise' && scores.kind == 'complaint'",
        "scores.kind in ['a', 'b'] && scores.kind != 'a' && scores.kind != 'b'",
        "scores.demand && !scores.demand",
        "windows.count > 32",
        "scores.polarity > 0.5 && (scores.churn > 2.0 || scores.demand)",
        "!(scores.polarity <= 1.0)",
        "1 <= windows.count && windows.count < 1",
    ],
)
def test_unreachable(text: str) -> None:
    assert unreachable(parse(text), KNOWN) is not None


@pytest.mark.parametrize(
    "text",
    [
        "scores.polarity <= -1.0",
        "scores.churn >= 0.9 && scores.churn <= 0.9",
        "scores.kind == 'praise' || scores.kind == 'complaint'",
        "scores.demand || !scores.demand",
        "windows.count >= 32",
        "feedback.kind == null",
        "!(scores.polarity > 0.5)",
    ],
)
def test_reachable(text: str) -> None:
    assert unreachable(parse(text), KNOWN) is None


def test_has_asks_whether_a_field_is_known() -> None:
    assert unparse(parse("has(feedback.rating) && feedback.rating < 0.0")) == (
        "feedback.rating != null && feedback.rating < 0.0"
    )
    assert unparse(parse("has(feedback.attributes.plan)")) == "has(feedback.attributes.plan)"
