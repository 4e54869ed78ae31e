"""The conditions of many rules asked at once: cheap where none holds, lists made once, sizes as CEL's."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import cel
from rules_records import feedback

from rules.conditions import Conditions, Expression
from rules.environment import Environment


def test_records_no_rule_wants_cost_far_less_than_asking_cel() -> None:
    """100 conditions none of which holds: well under a tenth of one CEL list, whatever the machine."""
    texts = [
        f"scores.kind == 'praise' && scores.polarity < -0.3 && scores.churn > 0.{n:03d}" for n in range(100)
    ]
    network = Conditions(
        [(str(n), Expression(text)) for n, text in enumerate(texts)], lambda rule_id, error: None
    )
    program = cel.compile("[" + ", ".join(texts) + "]")
    record = feedback(scores={"kind": "complaint"})
    env = Environment(record, lambda key, env: 0, dict)

    def seconds(run: Callable[[], object]) -> float:
        times = []
        for _ in range(5):
            began = time.process_time()
            for _ in range(200):
                run()
            times.append(time.process_time() - began)
        return min(times)

    assert network.eligible(env) == []
    assert seconds(lambda: network.eligible(env)) < 0.1 * seconds(
        lambda: program.execute({"scores": record["scores"]})
    )


def asked(record: dict[str, Any], *texts: str) -> tuple[list[str], Environment]:
    env = Environment(record, lambda key, env: 0, dict)
    conditions = Conditions(((text, Expression(text)) for text in texts), lambda rule_id, error: None)
    return conditions.eligible(env), env


def test_a_list_that_many_rules_make_is_made_once() -> None:
    texts = [f'scores.topics.map(t, t + "!").exists(t, t != "{n}")' for n in range(3)]
    held, env = asked(feedback(scores={"topics": ["a", "b"]}), *texts)
    assert held == texts
    assert list(env.lists.values()) == [["a", "b"], ["a!", "b!"]]


def test_the_size_of_a_member_counts_as_cel_counts() -> None:
    record = feedback(customer={"products": ["\u9000\u6b3e"]})
    sizes = [f"customer.products.exists(t, t.size() == {n})" for n in (2, 6)]
    assert asked(record, *sizes)[0] == sizes[1:]
