"""Lines over time or over examples, with marks where something happened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ops.reporting.charts.scale import Scale, around, day, short, ticks
from ops.reporting.charts.svg import drawing, element, hint, note, path, words

WIDTH, HEIGHT = 720.0, 240.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 26.0, 20.0, 30.0
MOST_DOTS = 40


@dataclass(frozen=True, slots=True)
class Line:
    """One line: points (x, y), y None where nothing is known."""

    name: str
    points: Sequence[tuple[float, float | None]]
    colour: int = 0


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at `x`."""

    x: float
    text: str


def line_chart(
    lines: Sequence[Line],
    label: str,
    *,
    limits: tuple[float, float] | None = None,
    marks: Sequence[Mark] = (),
    show_x: Callable[[float], str] = day,
    show_y: Callable[[float], str] = short,
    height: float = HEIGHT,
    width: float = WIDTH,
) -> str:
    """Return a line chart.

    Parameters
    ----------
    limits
        Of the y axis; round ones around the values and zero when None.
    marks
        Dashed verticals; those outside the lines' span are left out.
    """
    xs = [x for line in lines for x, y in line.points if y is not None]
    if not xs:
        return note("Nothing here yet.")
    ys = [y for line in lines for _, y in line.points]
    across = Scale(min(xs), max(xs), LEFT, width - RIGHT)
    low, high = limits or around(ys)
    up = Scale(low, high, height - BOTTOM, TOP)
    parts = _frame(across, up, show_x, show_y, height)
    parts += [_mark(mark, across, height) for mark in marks if across.low <= mark.x <= across.high]
    for line in lines:
        parts += _line(line, across, up, show_x, show_y)
    return drawing(width, height, label, *parts) + legend([(line.name, line.colour) for line in lines])


def _frame(
    across: Scale, up: Scale, show_x: Callable[[float], str], show_y: Callable[[float], str], height: float
) -> list[str]:
    parts = []
    for value in ticks(up.low, up.high):
        y = up.at(value)
        axis = "axis" if value == 0 else "grid"
        parts.append(element("line", x1=LEFT, x2=across.end, y1=y, y2=y, class_=axis))
        parts.append(words(LEFT - 8, y + 4, show_y(value), "tick", "end"))
    for x in _stops(across, show_x is day):
        parts.append(words(across.at(x), height - 8, show_x(x), "tick", "middle"))
    return parts


def _stops(across: Scale, dates: bool) -> list[float]:
    """Return where the x axis has labels: even steps for dates, round numbers otherwise."""
    if not dates:
        return ticks(across.low, across.high, 8)
    return [across.low + (across.high - across.low) * number / 5 for number in range(6)]


def _mark(mark: Mark, across: Scale, height: float) -> str:
    x = across.at(mark.x)
    line = element("line", x1=x, x2=x, y1=TOP - 12, y2=height - BOTTOM, class_="mark")
    flag = element("circle", cx=x, cy=TOP - 12, r=4, class_="flag")
    return element("g", hint(mark.text), line, flag)


def _line(
    line: Line,
    across: Scale,
    up: Scale,
    show_x: Callable[[float], str],
    show_y: Callable[[float], str],
) -> list[str]:
    runs: list[list[tuple[float, float]]] = [[]]
    for x, y in line.points:
        if y is None:
            runs.append([])
        else:
            runs[-1].append((across.at(x), up.at(min(max(y, up.low), up.high))))
    parts = [path(run, f"line c{line.colour}") for run in runs if len(run) > 1]
    shown = [(x, y) for x, y in line.points if y is not None]
    every = max(1, len(shown) // MOST_DOTS)
    for x, y in shown[::every]:
        dot = element(
            "circle",
            hint(f"{line.name}, {show_x(x)}: {show_y(round(y, 4))}"),
            cx=across.at(x),
            cy=up.at(min(max(y, up.low), up.high)),
            r=2.6 if every == 1 else 2,
            class_=f"dot c{line.colour}",
        )
        parts.append(dot)
    return parts


def legend(names: Sequence[tuple[str, int]]) -> str:
    """Return what the colours mean; nothing for a single line."""
    if len(names) < 2:
        return ""
    items = "".join(
        f'<li><i class="key c{colour}"></i>{element("span", _escape(name))}</li>' for name, colour in names
    )
    return f'<ul class="legend">{items}</ul>'


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
