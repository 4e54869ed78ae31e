"""Find runs of digits once, then let each number system judge the ways to read them.

A run is a chain of digit groups with short separators between. Reading "2024-03-15 138 1234 5678"
as one number would be wrong, so every window of groups with a usual grouping (3-4-4, 4-4-4-4, …)
is offered to the judges, and the surest readings that do not overlap win.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from models.pii.checksum import luhn
from models.pii.span import Candidate
from models.pii.triggers import DOTS

if TYPE_CHECKING:
    from models.pii.view import View

_RUN = re.compile(rf"[0-9](?:[ \t()（）\]】./_~{DOTS}*-]{{0,3}}[0-9]){{6,2000}}")
_DATE = re.compile(r"(?:19|20)[0-9]{2}([-./])(?:0?[1-9]|1[0-2])\1(?:0?[1-9]|[12][0-9]|3[01])")
_GROUP = re.compile(r"[0-9]{1,2001}")
_GAP = re.compile(
    rf" {{1,3}}|\t| ?[-./_~{DOTS}*] ?|[)）]?[ -.]?[(（]| ?[)）] ?[-./]? ?|--|[-./][(（]"
    r"|(?:(?<=[\[【][02-9][0-9][0-9])|(?<=[\[【]0[0-9][0-9][0-9]))[\]】][ -]?"
)
"""Separators inside one number; square brackets only around an area code."""
_USUAL_GAPS = frozenset((" ", "-", ".", "/", " - "))
_PLAIN_MOBILE = re.compile(r"(?:86)?1[3-9][0-9]{9}")
_PLAIN_SHAPES = {
    3: ((3, 4, 4), (3, 8), (3, 3, 4, 4, 4)),
    4: ((4, 4, 4, 4, 3), (4, 4, 4, 4), (4, 6, 5)),
    2: ((2, 3, 4, 4), (2, 11)),
    6: ((6, 8, 4), (6, 4, 4, 4), (6, 13)),
    11: ((11,),),
    13: ((13,),),
    15: ((15,),),
    16: ((16,),),
    18: ((18,),),
    19: ((19,),),
}
GLUE_BEFORE = re.compile(
    r"(?:^|[^a-z])(?:tel|phone|mobile|mob|cell|call|fax|ph|hp|m|t|p|"
    r"vx|wx|v|qq|wechat|whatsapp|is|at|to|on|me|or|id|no|sfz|sfzh)$"
)
"""Short words that may touch the number they announce."""
_LONG = 40
_MOST_GROUPS = 10
LEAST_DIGITS = 7
MOST_DIGITS = 19


class Window(NamedTuple):
    """Consecutive groups of a run, read as one number.

    Parameters
    ----------
    start, end
        Bounds in code points of the normalised text.
    digits
        The digits without separators.
    shape
        Length of each group.
    whole
        Whether the window is all of its run, so that an unusual grouping may still be one number.
    gaps
        The separators between the groups.
    left, right
        The separators towards the neighbouring groups of the same run, "" at its ends.
    """

    start: int
    end: int
    digits: str
    shape: tuple[int, ...]
    whole: bool
    gaps: tuple[str, ...]
    left: str
    right: str

    @property
    def isolated(self) -> bool:
        """Whether the neighbours are set off by something else than the inner separators."""
        inner = {gap.strip() for gap in self.gaps}
        if not inner:
            return self.left != "." and self.right != "."
        return not (
            (self.left and self.left.strip() in inner) or (self.right and self.right.strip() in inner)
        )


Run = list[tuple[int, int]]
Judge = Callable[["View", Window], Candidate | None]
Judges = Mapping[int, tuple[Judge, ...]]
"""By count of digits, the number systems that have such numbers."""
Shapes = Mapping[tuple[int, ...], bool]
"""Usual groupings and their beginnings; whether the grouping is complete."""


def runs(text: str) -> list[Run]:
    """Return the groups of every run with seven digits or more, as bounds in code points.

    Examples
    --------
    >>> runs("call 138-1234 5678")
    [[(5, 8), (9, 13), (14, 18)]]
    """
    found: list[Run] = []
    for run in _RUN.finditer(text):
        written = run.group()
        if written.isdigit():
            found.append([run.span()])
            continue
        if (date := _DATE.match(written)) and sum(map(str.isdigit, written[date.end() :])) < LEAST_DIGITS:
            continue
        chain: Run = []
        last = 0
        for group in _GROUP.finditer(text, run.start(), run.end()):
            start, end = group.span()
            if chain and text[last:start] not in _USUAL_GAPS and not _GAP.fullmatch(text, last, start):
                found.append(chain)
                chain = []
            chain.append((start, end))
            last = end
        found.append(chain)
    return found


def windows(text: str, run: Run, shapes: Shapes) -> Iterable[Window]:
    """Yield the readings of a run: windows with a usual shape, and the whole run.

    Parameters
    ----------
    text
        The normalised text.
    run
        Groups of one run.
    shapes
        What `prefixes` returned.
    """
    count = len(run)
    if count == 1:
        start, end = run[0]
        if LEAST_DIGITS <= end - start <= MOST_DIGITS:
            yield Window(start, end, text[start:end], (end - start,), True, (), "", "")
        return
    if all(end - start == 1 for start, end in run):
        if LEAST_DIGITS <= count <= MOST_DIGITS:
            digits = "".join([text[start] for start, _ in run])
            yield Window(run[0][0], run[-1][1], digits, (count,), True, (), "", "")
        return
    gaps = [text[run[i][1] : run[i + 1][0]] for i in range(count - 1)]
    lengths = [end - start for start, end in run]
    for first in range(count):
        total = 0
        shape: tuple[int, ...] = ()
        for last in range(first, min(first + _MOST_GROUPS, count)):
            total += lengths[last]
            if total > MOST_DIGITS:
                break
            shape += (lengths[last],)
            whole = not first and last == count - 1
            complete = shapes.get(shape)
            usual = last == first or complete is not None
            if total >= LEAST_DIGITS and (whole or complete or last == first):
                yield Window(
                    run[first][0],
                    run[last][1],
                    "".join([text[start:end] for start, end in run[first : last + 1]]),
                    shape,
                    whole,
                    tuple(gaps[first:last]),
                    gaps[first - 1] if first else "",
                    gaps[last] if last < count - 1 else "",
                )
            if not usual and (first or count > _MOST_GROUPS):
                break


def by_count(judges: Iterable[tuple[Judge, range]]) -> Judges:
    """Return the judges by count of digits, from each judge's range of counts."""
    judges = tuple(judges)
    return {
        count: tuple(judge for judge, counts in judges if count in counts)
        for count in range(LEAST_DIGITS, MOST_DIGITS + 1)
    }


def prefixes(shapes: Iterable[tuple[int, ...]]) -> Shapes:
    """Return the shapes and all their beginnings, and which of them are complete."""
    full = frozenset(shapes)
    return {shape[:length]: shape[:length] in full for shape in full for length in range(1, len(shape) + 1)}


def read(view: View, judges: Judges, shapes: Shapes) -> list[Candidate]:
    """Return the surest readings of all runs of a text.

    Parameters
    ----------
    view
        The text.
    judges
        What `by_count` returned.
    shapes
        What `prefixes` returned.
    """
    found: list[Candidate] = []
    for run in runs(view.text):
        if len(run) == 1 and _in_word(view, run[0][0]):
            continue
        view.spend(2 + 4 * (min(len(run), _MOST_GROUPS) - 1))
        if len(run) > _LONG:
            found += _read_list(view, run, judges)
            continue
        readings = [
            candidate
            for window in windows(view.text, run, shapes)
            for judge in _asked(view, judges, window)
            if (candidate := judge(view, window)) is not None
        ]
        if len(readings) > 1:
            readings = _surest(readings)
        found += readings
    return found


def _asked(view: View, judges: Judges, window: Window) -> tuple[Judge, ...]:
    """Return the judges of a reading, and count what they take."""
    asked = judges.get(len(window.digits), ())
    each = 2 if len(window.shape) == 1 else 4
    view.spend(each + each * len(asked))
    return asked


def _in_word(view: View, start: int) -> bool:
    """Tell whether a letter touches the number and no label ends there: no system has such numbers."""
    before = view.text[start - 1 : start]
    if not before.isascii() or not before.isalpha() or view.glued(start):
        return False
    return not GLUE_BEFORE.search(view.lower[max(0, start - 12) : start])


def _read_list(view: View, run: Run, judges: Judges) -> list[Candidate]:
    """Read a long chain from left to right, by the groupings that speak for themselves only.

    A list of numbers is read like this, and a hostile text of thousands of groups costs little.
    """
    text = view.text
    lengths = [end - start for start, end in run]
    found: list[Candidate] = []
    first = 0
    while first < len(run):
        read = 0
        for shape in _PLAIN_SHAPES.get(lengths[first], ()):
            last = first + len(shape)
            if tuple(lengths[first:last]) != shape or text[run[first][0]] not in "123456":
                continue
            digits = "".join([text[start:end] for start, end in run[first:last]])
            if not (
                _PLAIN_MOBILE.fullmatch(digits) or len(digits) == 18 or (len(digits) > 14 and luhn(digits))
            ):
                continue
            window = Window(run[first][0], run[last - 1][1], digits, shape, False, (" ",), "", "")
            readings = (judge(view, window) for judge in judges.get(len(digits), ()))
            one = next((one for one in readings if one is not None), None)
            if one:
                found.append(one)
                read = len(shape)
                break
        first += read or 1
    return found


def _surest(readings: list[Candidate]) -> list[Candidate]:
    readings.sort(key=lambda reading: (-reading.score, reading.start - reading.end, reading.start))
    taken: list[Candidate] = []
    used: set[int] = set()
    for reading in readings:
        if reading.start in used or reading.end - 1 in used:
            continue
        if any(code in used for code in range(reading.start, reading.end)):
            continue
        used.update(range(reading.start, reading.end))
        taken.append(reading)
    return taken
