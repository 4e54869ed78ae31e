"""The closures say what CEL says, on any record: the prefilter never changes a decision."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.conditions import Conditions, Expression
from rules.environment import Environment
from rules.expression import SyntaxProblem, parse
from rules.tree import unparse

NUMBERS = st.sampled_from(["-1.0", "-0.5", "0", "0.0", "0.5", "1", "1.0", "2"])
TEXTS = st.sampled_from(['""', '"a"', '"b"', '"ab"', '"logistics.delay"'])
NUMERIC = st.sampled_from(
    [
        "scores.polarity",
        "scores.churn",
        "feedback.rating",
        "windows.w",
        "customer.open_tickets",
        "scores.kind",
    ]
)
TEXTUAL = st.sampled_from(["scores.kind", "customer.tier", "feedback.product", "scores.polarity"])
LISTS = st.sampled_from(["scores.topics", "customer.products", "customer.tier"])
OPERATORS = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])

FRACTIONS = st.sampled_from(["scores.polarity", "scores.churn", "customer.lifetime_value", "0.5", "-2.0"])
PATTERNS = st.sampled_from(['"a|b"', '"(?i)A|K"', '"^a"', '"退款|ab"', '"a b"'])

ATOMS = st.one_of(
    st.builds("{} {} {}".format, NUMERIC, OPERATORS, NUMBERS),
    st.builds("{} {} {}".format, NUMBERS, OPERATORS, NUMERIC),
    st.builds("{} {} {}".format, TEXTUAL, OPERATORS, TEXTS),
    st.builds("{} {} {}".format, NUMERIC, OPERATORS, NUMERIC),
    st.builds("{} in {}".format, TEXTS, LISTS),
    st.builds("{} in [{}, {}]".format, TEXTUAL, TEXTS, TEXTS),
    st.builds("{}.exists(t, t == {})".format, LISTS, TEXTS),
    st.builds("{}.exists(t, t.startsWith({}))".format, LISTS, TEXTS),
    st.builds("{}.{}({})".format, TEXTUAL, st.sampled_from(["startsWith", "endsWith", "contains"]), TEXTS),
    st.builds("{} in {}.map(t, {} + t)".format, TEXTS, LISTS, TEXTS),
    st.builds("{}.map(t, t + {}).exists(u, u == {})".format, LISTS, TEXTS, TEXTS),
    st.builds("{}.map(t, t.startsWith({})).size() > {}".format, LISTS, TEXTS, st.sampled_from(["0", "1"])),
    st.builds("{}.map(t, t != {}, t.size()).size() == {}".format, LISTS, TEXTS, st.sampled_from(["0", "1"])),
    st.builds("{}.filter(t, t != {}).all(t, t.endsWith({}))".format, LISTS, TEXTS, TEXTS),
    st.builds("[{}, {}].map(t, t + {}).exists(t, t in [{}])".format, TEXTS, TEXTS, TEXTS, TEXTS),
    st.builds("{} {} null".format, TEXTUAL, st.sampled_from(["==", "!="])),
    st.sampled_from(
        ["scores.demand", "true", "false", "scores.demand == true", "windows.flag", "scores.kind"]
    ),
    st.builds("{}.size() > {}".format, LISTS, st.sampled_from(["0", "1"])),
    st.builds("{}.size() == {}".format, st.just("feedback.text"), st.sampled_from(["0", "1"])),
    st.builds("{} * {} {} {}".format, FRACTIONS, FRACTIONS, OPERATORS, NUMBERS),
    st.builds("{} + {} / {} >= {}".format, FRACTIONS, FRACTIONS, FRACTIONS, FRACTIONS),
    st.builds("double({}) - {} < {}".format, NUMERIC, FRACTIONS, NUMBERS),
    st.builds("({} > 0.0 ? {} > 0.0 : scores.demand)".format, NUMERIC, NUMERIC),
    st.builds(
        "{}.{}(t, t == {} || (t.size() > 1 && !t.contains({})))".format,
        LISTS,
        st.sampled_from(["exists", "all", "exists_one"]),
        TEXTS,
        TEXTS,
    ),
    st.builds("{}.filter(t, t.startsWith({})).size() >= {}".format, LISTS, TEXTS, NUMBERS),
    st.builds("{}.exists(t, size(t) {} {})".format, LISTS, OPERATORS, st.sampled_from(["0", "1", "3"])),
    st.builds("feedback.text.matches({})".format, PATTERNS),
    st.builds("{}.exists(t, t.matches({}))".format, LISTS, PATTERNS),
    st.builds("has({})".format, st.sampled_from(["feedback.product", "feedback.rating", "scores.kind"])),
    st.builds("1 / customer.open_tickets > {}".format, st.sampled_from(["0", "1"])),
)
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds("({} && {})".format, inner, inner),
        st.builds("({} || {})".format, inner, inner),
        st.builds("!({})".format, inner),
    ),
    max_leaves=6,
)
WORDS = st.sampled_from(["", "a", "b", "ab", "logistics.delay"])
RECORDS = st.fixed_dictionaries(
    {
        "rating": st.sampled_from([None, -1.0, 0.0, 0.5]),
        "product": st.none() | WORDS,
        "text": WORDS | st.sampled_from(["A", "K", "ſ", "要退款", "a\nb", "a b"]),
        "scores": st.fixed_dictionaries(
            {
                "polarity": st.sampled_from([-1.0, -0.5, 0.0, 0.5]),
                "churn": st.sampled_from([0.0, 0.5, 1.0]),
                "kind": WORDS,
                "demand": st.booleans(),
                "topics": st.lists(WORDS, max_size=2),
            }
        ),
        "customer": st.fixed_dictionaries(
            {
                "tier": WORDS,
                "lifetime_value": st.sampled_from([0, 0.5, 900.0]),
                "open_tickets": st.integers(0, 2),
                "products": st.lists(WORDS | st.just("退"), max_size=2),
            }
        ),
    }
)
WINDOWS = {"w": 2, "flag": True}


def environment(record: dict[str, Any]) -> Environment:
    return Environment(record, lambda key, env: WINDOWS[key], dict)


def outcome(expression: Expression, env: Environment) -> bool | None:
    """Return what CEL alone says: a truth value, or None where it says none."""
    try:
        value = expression.value(env)
    except Exception:
        return None
    return value if isinstance(value, bool) else None


@settings(max_examples=250, deadline=None)
@given(CONDITIONS, RECORDS)
def test_a_condition_holds_exactly_where_cel_says_so(text: str, record: dict[str, Any]) -> None:
    expression = Expression(text)
    expected = outcome(expression, environment(record))
    try:
        found: bool | None = expression.holds(environment(record))
    except Exception:
        found = None
    assert found == expected


def check_each_by_itself(texts: list[str], record: dict[str, Any]) -> None:
    """Ask conditions at once and alone: failures are counted with their rule, and no other rule changes."""
    expressions = {f"r{number}": Expression(text) for number, text in enumerate(texts)}
    failed: list[str] = []
    conditions = Conditions(expressions.items(), lambda rule_id, error: failed.append(rule_id))
    alone = {key: outcome(expression, environment(record)) for key, expression in expressions.items()}
    assert sorted(conditions.eligible(environment(record))) == [key for key, held in alone.items() if held]
    assert sorted(failed) == [key for key, held in alone.items() if held is None]


@settings(max_examples=120, deadline=None)
@given(st.lists(CONDITIONS, min_size=1, max_size=6), RECORDS)
def test_many_conditions_at_once_are_each_by_itself(texts: list[str], record: dict[str, Any]) -> None:
    check_each_by_itself(texts, record)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["scores.polarity", "windows.w", "feedback.rating", "scores.churn * 2.0", "scores.kind"]),
    OPERATORS,
    st.lists(st.one_of(NUMBERS, TEXTS), min_size=3, max_size=6),
    RECORDS,
)
def test_thresholds_searched_together_are_each_by_itself(
    value: str, operator: str, constants: list[str], record: dict[str, Any]
) -> None:
    check_each_by_itself([f"{value} {operator} {constant}" for constant in constants], record)


@given(CONDITIONS)
def test_text_and_tree_agree(text: str) -> None:
    once = unparse(parse(text))
    assert unparse(parse(once)) == once


@given(st.text(alphabet="ab.()[]!&|<>=+-*/%?:,'\" 01", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        tree = parse(text)
    except SyntaxProblem as problem:
        assert 0 <= problem.at <= len(text)
    else:
        assert unparse(parse(unparse(tree))) == unparse(tree)
