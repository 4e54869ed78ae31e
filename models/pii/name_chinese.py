"""Chinese person names: after a role, before a title, by word class, and transliterated foreign ones."""

from __future__ import annotations

import importlib
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from functools import lru_cache

from models.pii.name_signs import (
    AFTER_CLASS,
    BEFORE,
    BEFORE_CLASS,
    DOUBLE,
    DOUBLE_CLASS,
    FOREIGN,
    FUNCTION,
    GIVEN,
    PAIR,
    PLACES,
    STOP,
    STRICT,
    SURNAME_CLASS,
    SURNAMES,
    WEAK,
    next_sign,
    stands_out,
)
from models.pii.span import Candidate
from models.pii.view import View

TYPE = "NAME"
BY_WORD_CLASS = 48
"""Score of a name that only its word class speaks for; the thorough setting asks a better tagger."""

_ROLE = re.compile(rf"(?:{BEFORE_CLASS})[:： \u3000为是叫]{{0,3}}(?=[{SURNAME_CLASS}]|{DOUBLE_CLASS})")
_ROLE_END = re.compile(rf"(?:{BEFORE_CLASS})[:： \u3000为是叫]{{0,3}}$")
_TITLE = re.compile(AFTER_CLASS)
_NUMBERED = re.compile(r"[ ,，:：]{0,2}(?:[0-9+(]|手机|电话|身份证|证件|，电话|，手机|，身份证)")
_DOTTED = re.compile(r"[㐀-鿿]{1,8}(?:[·•・‧][㐀-鿿A-Z]{1,8}){1,4}")
_END = re.compile(r"[^㐀-鿿]|$")
_PLACE = re.compile("|".join(PLACES))
_NOT_LAST = frozenset("路街镇村渡鱼汤面店馆庄记酒菜饭糕府")
_CLUB = re.compile(
    r"(?:市|国|州|队|城|省|岛|湖|山|河|人|语|vs|VS|对|主场|客场|俱乐部|"
    r"联|大区|地区|大学|公司|集团|牌|型|级|版|式)"
)


TRIGGERS = (
    rf"(?:{'|'.join(BEFORE)})[:： \x{{3000}}为是叫]{{0,3}}(?:[{SURNAME_CLASS}]|{DOUBLE_CLASS})",
    "[\\x{3400}-\\x{9fff}][·•・‧][\\x{3400}-\\x{9fff}A-Z]",
    rf"(?:{DOUBLE_CLASS})[\x{{3400}}-\x{{9fff}}]",
)
"""What the gate looks for before this recogniser runs, besides `is_suspicious`."""
_BLOCK = re.compile("[㐀-鿿]{2,120}")
_WEAK_PAIR = re.compile(f"[{''.join(WEAK)}][{''.join(GIVEN)}]{{2}}|[{''.join(STRICT)}][{''.join(GIVEN)}]")
_ADVERBS = frozenset("太里放见横特竟")
_COMMON = frozenset("子儿比非大小一上下前后多都才又不")
_TAGGED = 800
_DOUBLE = re.compile(f"(?:{DOUBLE_CLASS})(?=[㐀-鿿])")


def _signed(text: str, blocks: list[tuple[int, int]], places: list[int]) -> set[int]:
    """Return which stretches hold one of `places` or a pair that stands out."""
    starts = [start for start, _ in blocks]
    signed = {
        index
        for index, place in ((bisect_right(starts, place) - 1, place) for place in places)
        if index >= 0 and place < blocks[index][1]
    }
    sign = next_sign(text, 0)
    while sign is not None:
        index = bisect_right(starts, sign) - 1
        signed.add(index)
        sign = next_sign(text, blocks[index][1])
    return signed


def find(view: View) -> list[Candidate]:
    """Return the names of a text.

    Only the stretches of Han characters that hold a sign are segmented; where one name stands, others are
    likelier, so that weaker signs are then followed up. So that hostile text costs little, stretches that
    repeat themselves are taken whole, and past a budget whatever looks like a surname and a given name.
    """
    text = view.text
    roles = [match.end() for match in _ROLE.finditer(text)]
    doubles = [match.start() for match in _DOUBLE.finditer(text)]
    return _find(view, _foreign(text), roles, doubles)


def find_pairs(view: View) -> list[Candidate]:
    """Return the names of a text that is known to hold no role, no double surname and no dotted name."""
    return _find(view, [], [], [])


def _find(view: View, found: list[Candidate], roles: list[int], doubles: list[int]) -> list[Candidate]:
    text = view.text
    covered = frozenset(code for one in found for code in range(one.start, one.end))
    blocks = [block.span() for block in _BLOCK.finditer(text)]
    signed = _signed(text, blocks, roles + doubles)
    view.spend(len(blocks) + 6 * len(found))
    left = max(_TAGGED, len(text) // 3)
    for start, end in [blocks[index] for index in sorted(signed)]:
        own = roles[bisect_left(roles, start) : bisect_left(roles, end)] if roles else roles
        left -= end - start
        view.spend(6 + (end - start) // 6 + 3 * len(own))
        if end - start > 40 and _repeats(text[start:end]):
            found.append(_candidate(text, start, end, BY_WORD_CLASS))
        elif left < 0:
            found += _pairs(text, start, end)
        else:
            found += _in_block(text, start, end, own, covered)
    if found:
        for index, (start, end) in enumerate(blocks):
            if index in signed or not _WEAK_PAIR.search(text, start, end):
                continue
            left -= end - start
            if left < 0:
                break
            view.spend(6 + (end - start) // 6)
            found += _in_block(text, start, end, [], covered)
    return found


def _repeats(block: str) -> bool:
    """Tell whether a stretch is made of few characters; segmenting those takes quadratic time."""
    return len(set(block)) * 4 < len(block)


def _pairs(text: str, first: int, last: int) -> list[Candidate]:
    """Return what looks like a surname and a given name, neighbours as one."""
    bounds: list[tuple[int, int]] = []
    match = PAIR.search(text, first, last)
    while match:
        start, end = match.start(), match.start() + 2
        if stands_out(text, start, match.group()):
            end += text[end : end + 1] in GIVEN and end < last
            if bounds and bounds[-1][1] >= start:
                bounds[-1] = (bounds[-1][0], end)
            else:
                bounds.append((start, end))
        match = PAIR.search(text, end - 1, last)
    return [_candidate(text, start, end, BY_WORD_CLASS) for start, end in bounds]


def _in_block(text: str, first: int, last: int, roles: list[int], covered: frozenset[int]) -> list[Candidate]:
    """Return the names of one stretch of Han characters, those after `roles` and those by word class."""
    found: list[Candidate] = []
    words = _words(text[first:last], first)
    starts = {start: end for start, end, _ in words}
    for role in roles:
        end = _name_end(text, role, starts, labelled=True)
        if end and not _PLACE.match(text, end):
            found.append(_candidate(text, role, end, 60))
    for index, (start, end, tag) in enumerate(words):
        if start in covered:
            continue
        word = text[start:end]
        if tag[:2] != "nr":
            if word in STRICT:
                found += _split_name(text, start, starts)
        elif word in SURNAMES and index + 1 < len(words) and _is_given(text[end : words[index + 1][1]]):
            found.append(_candidate(text, start, words[index + 1][1], BY_WORD_CLASS))
        elif (
            tag == "nrt"
            and _is_foreign(word)
            and not _CLUB.match(text, end)
            and _foreign_end(text, end) > start + 2
        ):
            found.append(_candidate(text, start, _foreign_end(text, end), BY_WORD_CLASS))
        elif _is_name(word) and not _PLACE.match(text, end):
            found.append(_candidate(text, start, end, BY_WORD_CLASS))
        elif len(word) == 1 and word in SURNAMES:
            found += _split_name(text, start, starts)
    return found


@lru_cache(maxsize=1)
def _tag() -> Callable[[str], list[tuple[str, str]]]:
    """Return the tagger, imported late: its dictionary costs more than the rest of this package."""
    tag: Callable[[str], list[tuple[str, str]]] = importlib.import_module("rjieba").tag
    return tag


def _words(text: str, position: int) -> list[tuple[int, int, str]]:
    words: list[tuple[int, int, str]] = []
    for word, tag in _tag()(text):
        end = position + len(word)
        words.append((position, end, tag))
        position = end
    return words


def _is_given(word: str) -> bool:
    return len(word) == 2 and GIVEN.issuperset(word)


def _is_foreign(word: str) -> bool:
    return len(word) > 1 and word not in STOP and all(char in FOREIGN for char in word)


def _foreign_end(text: str, end: int) -> int:
    """Return where the transliteration that reaches `end` stops, at most four characters on."""
    stop = end
    while stop < min(len(text), end + 4) and text[stop] in FOREIGN:
        stop += 1
    return stop if stop - end > 1 else end


def _is_name(word: str) -> bool:
    """Tell whether a word tagged as a person's name has a surname and a length of one."""
    if word in STOP or word[:2] in STOP:
        return False
    if word[:2] in DOUBLE:
        return 3 <= len(word) <= 4
    if word[0] not in SURNAMES or not 2 <= len(word) <= 3:
        return False
    if word[-1] in _NOT_LAST or word[1] in _ADVERBS or (len(word) == 2 and word[1] in _COMMON):
        return False
    given = sum(char in GIVEN for char in word[1:])
    if word[0] in WEAK:
        return given == len(word) - 1 and len(word) == 3
    return given == len(word) - 1 or (len(word) == 3 and given == 1)


def _split_name(text: str, start: int, starts: dict[int, int]) -> list[Candidate]:
    """Return a name the segmenter cut after its surname, if a role or a title speaks for it."""
    if text[start] not in SURNAMES or text[start + 1 : start + 2] not in GIVEN:
        return []
    end = _name_end(text, start, starts, labelled=False)
    if not end or text[start:end] in STOP:
        return []
    if _TITLE.match(text, end) or _ROLE_END.search(text, max(0, start - 8), start):
        return [_candidate(text, start, end, 55)]
    return []


def _name_end(text: str, start: int, starts: dict[int, int], *, labelled: bool) -> int:
    """Return where a name that starts here ends, 0 if none does."""
    base = start + (2 if text[start : start + 2] in DOUBLE else 1)
    if base == start + 1 and text[start : start + 1] not in SURNAMES:
        return 0
    first, second = text[base : base + 1], text[base + 1 : base + 2]
    if not first or not "㐀" <= first <= "鿿" or first in FUNCTION:
        return 0
    plausible = first in GIVEN
    ends_here = (
        _END.match(text, base + 1) is not None or second in FUNCTION or bool(_TITLE.match(text, base + 1))
    )
    third_ends = _END.match(text, base + 2) is not None or text[base + 2 : base + 3] in FUNCTION
    if text[start : base + 1] in STOP and not (labelled and plausible and second in GIVEN and third_ends):
        return 0  # 李子 is a plum, and 李子涵 after a role a person
    if ends_here:
        return base + 1 if plausible or (labelled and not ("㐀" <= second <= "鿿")) else 0
    if second not in GIVEN and not (labelled and third_ends and plausible):
        return base + 1 if plausible and text[start] in STRICT else 0
    if starts.get(base + 1, 0) > base + 2 and not third_ends:
        return base + 1 if plausible else 0
    if text[start : base + 2] in STOP:
        return 0
    return base + 2 if plausible or labelled else 0


def _foreign(text: str) -> list[Candidate]:
    """Return transliterated names whose parts are joined by a dot (约翰·史密斯)."""
    found: list[Candidate] = []
    if not any(dot in text for dot in "·•・‧"):
        return found
    for match in _DOTTED.finditer(text):
        start, end = match.span()
        dot = next(index for index in range(start, end) if text[index] in "·•・‧")
        left = dot
        while left > start and text[left - 1] in FOREIGN:
            left -= 1
        right = dot
        while right < end and (text[right] in FOREIGN or text[right] in "·•・‧" or text[right].isascii()):
            right += 1
        if left < dot and right > dot + 1:
            found.append(_candidate(text, left, right, 58))
    return found


def _candidate(text: str, start: int, end: int, score: int) -> Candidate:
    return Candidate(start, end, TYPE, text[start:end], score)
