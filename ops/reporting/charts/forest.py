"""Forest plots: one estimate with its interval a row, the truth beside it where it is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ops.reporting.charts.scale import Scale, around, percent, ticks
from ops.reporting.charts.svg import drawing, element, hint, note, path, words

WIDTH = 560.0
ROW, TOP, BOTTOM = 26.0, 22.0, 26.0
LEFT, RIGHT = 215.0, 76.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """One row.

    Parameters
    ----------
    good
        1 when the interval is above zero and that is good, -1 when it is bad, 0 when it holds zero.
    truth
        True value, where somebody knows it.
    end
        What stands at the right: numbers, a verdict.
    """

    name: str
    value: float
    low: float
    high: float
    good: int = 0
    truth: float | None = None
    end: str = ""


def forest(
    rows: Sequence[Estimate],
    label: str,
    show: Callable[[float], str] = percent,
    low_means: str = "worse",
    high_means: str = "better",
) -> str:
    """Return a forest plot; intervals far outside the others are cut at the frame and end in arrows."""
    if not rows:
        return note("Nothing to compare yet: both arms need customers whose window is over.")
    middle = [row.value for row in rows] + [row.truth for row in rows if row.truth is not None]
    reach = 1.6 * max(abs(value) for value in middle) + 0.02
    ends = [min(max(end, -reach), reach) for row in rows for end in (row.low, row.high)]
    low, high = around([*middle, *ends])
    across = Scale(low, high, LEFT, WIDTH - RIGHT)
    height = TOP + len(rows) * ROW + BOTTOM
    parts = [
        words(across.start, 12, f"← {low_means}", "tick"),
        words(across.end, 12, f"{high_means} →", "tick", "end"),
    ]
    for value in ticks(low, high, 5):
        x = across.at(value)
        kind = "zero" if value == 0 else "grid"
        parts.append(element("line", x1=x, x2=x, y1=TOP - 4, y2=height - BOTTOM, class_=kind))
        parts.append(words(x, height - 8, show(value), "tick", "middle"))
    for number, row in enumerate(rows):
        parts += _row(row, across, TOP + number * ROW + ROW / 2, show)
    return drawing(WIDTH, height, label, *parts)


def _row(row: Estimate, across: Scale, y: float, show: Callable[[float], str]) -> list[str]:
    colour = {1: "good", -1: "bad", 0: "open"}[row.good]
    start, end = max(row.low, across.low), min(row.high, across.high)
    said = f"{row.name}: {show(row.value)}, 95 % from {show(row.low)} to {show(row.high)}"
    if row.truth is not None:
        said += f"; truth {show(row.truth)}"
    parts = [
        hint(said),
        element("line", x1=across.at(start), x2=across.at(end), y1=y, y2=y, class_=f"whisker {colour}"),
        element("circle", cx=across.at(row.value), cy=y, r=5, class_=f"point {colour}"),
    ]
    for edge, at, way in ((row.low, across.start, 1), (row.high, across.end, -1)):
        if not across.low <= edge <= across.high:
            tip = [(at, y), (at + 6 * way, y - 4), (at + 6 * way, y + 4)]
            parts.append(path(tip, f"tip {colour}", closed=True))
    if row.truth is not None:
        x = across.at(min(max(row.truth, across.low), across.high))
        parts.append(path([(x, y - 7), (x + 5, y), (x, y + 7), (x - 5, y)], "truth", closed=True))
    return [
        words(LEFT - 12, y + 4, row.name, "name", "end"),
        element("g", *parts),
        words(WIDTH - RIGHT + 12, y + 4, row.end, "end"),
    ]
