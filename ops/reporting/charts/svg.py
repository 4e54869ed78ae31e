"""SVG as text, with everything that comes from data escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

Value = str | float | int


def number(value: float) -> str:
    """Return a coordinate with at most two decimals.

    Examples
    --------
    >>> number(3.0), number(1 / 3)
    ('3', '0.33')
    """
    return f"{value:.2f}".rstrip("0").rstrip(".")


def element(name: str, *children: str, **attributes: Value) -> str:
    """Return an element; attribute names lose a trailing underscore, others become dashes.

    Children are markup already: text goes through `words`.

    Examples
    --------
    >>> element("rect", x=1, class_="bar", stroke_width=2)
    '<rect x="1" class="bar" stroke-width="2"/>'
    """
    parts = [name]
    for key, value in attributes.items():
        shown = value if isinstance(value, str) else number(value)
        parts.append(f'{key.rstrip("_").replace("_", "-")}="{escape(shown)}"')
    inside = "".join(children)
    return f"<{' '.join(parts)}>{inside}</{name}>" if inside else f"<{' '.join(parts)}/>"


def words(x: float, y: float, text: str, class_: str = "", anchor: str = "start") -> str:
    """Return a text with its baseline at (x, y)."""
    return element("text", escape(text), x=x, y=y, class_=class_, text_anchor=anchor)


def hint(text: str) -> str:
    """Return what a browser shows when the pointer rests on the element around it."""
    return f"<title>{escape(text)}</title>"


def path(points: Sequence[tuple[float, float]], class_: str, closed: bool = False) -> str:
    """Return a line through points."""
    steps = " ".join(f"{'M' if i == 0 else 'L'}{number(x)} {number(y)}" for i, (x, y) in enumerate(points))
    return element("path", d=steps + (" Z" if closed else ""), class_=class_)


def drawing(width: float, height: float, label: str, *children: str) -> str:
    """Return a whole drawing that scales with the page; `label` is what a screen reader says."""
    return element(
        "svg", *children, viewBox=f"0 0 {number(width)} {number(height)}", role="img", aria_label=label
    )


def note(text: str) -> str:
    """Return the sentence that stands where there is nothing to draw."""
    return f'<p class="nothing">{escape(text)}</p>'
