"""What is kept of issues that spread is bounded, and the one heard of last stays."""

from __future__ import annotations

from models.topics.spread import Spread


def places(spread: Spread) -> dict[str, int]:
    kept = spread.state()["issues"]
    assert isinstance(kept, dict)
    return {ident: len(issue["sizes"]) for ident, issue in kept.items()}


def test_many_clusters_of_many_issues_are_bounded_over_all() -> None:
    spread = Spread(capacity=64, places=100)
    for n in range(2_000):
        spread.step(f"issue{n % 10}", f"{n % 8}/c{n}", 1, "app", 0.0, "", 60.0 * n)
        held = places(spread)
        assert sum(held.values()) <= 100 and f"issue{n % 10}" in held
    assert sum(held.values()) > 80, held
    again = Spread(capacity=64, places=100)
    again.restore(spread.state())
    for model in (spread, again):
        model.step("late", "0/late", 1, "app", 0.0, "", 120_000.0)
    assert again.state() == spread.state()


def test_one_issue_of_very_many_clusters_is_kept_with_its_newest() -> None:
    spread = Spread(places=100)
    for n in range(500):
        spread.step("one", f"0/c{n}", 1, "app", 0.0, "", 60.0 * n)
    assert places(spread) == {"one": 256}
