"""Heat maps: names by weeks, darker for more."""

from __future__ import annotations

from collections.abc import Sequence

from ops.reporting.charts.svg import drawing, element, hint, note, words

WIDTH, LEFT, ROW, TOP = 560.0, 172.0, 24.0, 22.0
SHADES = 9


def heat_map(
    names: Sequence[str], columns: Sequence[str], values: Sequence[Sequence[float]], label: str
) -> str:
    """Return a heat map.

    Parameters
    ----------
    values
        A row a name, a number a column.
    """
    if not names or not columns:
        return note("Nothing here yet.")
    most = max((value for row in values for value in row), default=0.0) or 1.0
    width = (WIDTH - LEFT) / len(columns)
    every = -(-len(columns) // 10)
    parts = [
        words(LEFT + (number + 0.5) * width, 14, column, "tick", "middle")
        for number, column in enumerate(columns)
        if number % every == 0
    ]
    for row, (name, found) in enumerate(zip(names, values, strict=True)):
        y = TOP + row * ROW
        parts.append(words(LEFT - 8, y + 16, name, "name", "end"))
        for number, value in enumerate(found):
            shade = round((SHADES - 1) * value / most)
            x = LEFT + number * width
            said = hint(f"{name}, week of {columns[number]}: {value:,.0f}")
            cell = element(
                "rect", said, x=x + 1, y=y + 1, width=width - 2, height=ROW - 2, rx=2, class_=f"heat h{shade}"
            )
            parts.append(cell)
            if width >= 30:
                ink = "on dark" if shade > SHADES // 2 else "on"
                parts.append(words(x + width / 2, y + 16, f"{value:,.0f}", ink, "middle"))
    return drawing(WIDTH, TOP + len(names) * ROW + 4, label, *parts)
