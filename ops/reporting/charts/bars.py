"""Horizontal bars in parts, for names with counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ops.reporting.charts.lines import legend
from ops.reporting.charts.scale import Scale, short, ticks
from ops.reporting.charts.svg import drawing, element, hint, note, words

WIDTH = 560.0
ROW, GAP, TOP, BOTTOM, RIGHT = 19.0, 7.0, 4.0, 24.0, 92.0


@dataclass(frozen=True, slots=True)
class Bar:
    """A name, its parts in order, and what stands at the end of the bar."""

    name: str
    parts: Sequence[float]
    end: str = ""


def bar_chart(
    bars: Sequence[Bar],
    names: Sequence[str],
    colours: Sequence[int],
    label: str,
    left: float = 178.0,
    width: float = WIDTH,
) -> str:
    """Return a chart of stacked bars, in the order given.

    Parameters
    ----------
    names, colours
        Of the parts.
    left
        Room for the names, pixels.
    width
        Of the whole drawing before it is scaled, pixels.
    """
    if not bars:
        return note("Nothing here yet.")
    longest = max(sum(bar.parts) for bar in bars) or 1.0
    across = Scale(0.0, longest, left, width - RIGHT)
    height = TOP + len(bars) * (ROW + GAP) + BOTTOM
    parts = []
    for value in ticks(0.0, longest, max(2, int((width - left) // 80))):
        x = across.at(value)
        parts.append(element("line", x1=x, x2=x, y1=TOP, y2=height - BOTTOM, class_="grid"))
        parts.append(words(x, height - 8, short(value), "tick", "middle"))
    for row, bar in enumerate(bars):
        parts += _bar(bar, names, colours, across, TOP + row * (ROW + GAP))
    return drawing(width, height, label, *parts) + legend(list(zip(names, colours, strict=True)))


def _bar(bar: Bar, names: Sequence[str], colours: Sequence[int], across: Scale, top: float) -> list[str]:
    parts = [words(across.start - 8, top + ROW - 5, bar.name, "name", "end")]
    done = 0.0
    for name, colour, value in zip(names, colours, bar.parts, strict=True):
        x, width = across.at(done), across.at(done + value) - across.at(done)
        if width > 0:
            said = hint(f"{bar.name}, {name}: {value:,.0f}")
            parts.append(
                element("rect", said, x=x, y=top, width=width, height=ROW, rx=2, class_=f"bar c{colour}")
            )
        done += value
    parts.append(words(across.at(done) + 6, top + ROW - 5, bar.end, "end"))
    return parts
