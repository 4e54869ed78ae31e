"""Which label stands nearest before a value: "卡号", "phone", "order"…; the words are data.

The words live in `contexts.json`, by category. One pass over the text finds all labels; a
recogniser then asks for the categories nearest to a position. Words in Latin letters match whole
words only (one word, or two), so that "server" is not "ver".
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from importlib import resources
from typing import NamedTuple


def _load() -> dict[str, list[str]]:
    raw = resources.files("models.pii").joinpath("contexts.json").read_text("utf-8")
    words: dict[str, list[str]] = json.loads(raw)
    return words


WORDS = _load()
CATEGORIES = {name: 1 << index for index, name in enumerate(WORDS)}
PHONE = CATEGORIES["phone"]
HOTLINE = CATEGORIES["hotline"]
ID = CATEGORIES["id"]
CARD = CATEGORIES["card"]
ACCOUNT = CATEGORIES["account"]
SSN = CATEGORIES["ssn"]
PASSPORT = CATEGORIES["passport"]
ORDER = CATEGORIES["order"]
PLATE = CATEGORIES["plate"]
VEHICLE = CATEGORIES["vehicle"]
VERSION = CATEGORIES["version"]
IP = CATEGORIES["ip"]
NATIONAL = CATEGORIES["national"]
CARRIER = CATEGORIES["carrier"]
"""Parcel services, whose names announce a parcel's number or a courier's."""
BARE_WORD = CATEGORIES["bare_word"]
"""Labels of telephone numbers that are also everyday words."""


def alternation(words: list[str]) -> str:
    """Return an expression for the longest of `words`, branching once a character.

    Examples
    --------
    >>> alternation(["卡", "卡号", "电话"])
    '(?:卡(?:号)?|电话)'
    """
    groups: dict[str, list[str]] = {}
    for word in words:
        groups.setdefault(word[:1], []).append(word[1:])
    parts = [re.escape(char) + alternation(rest) for char, rest in groups.items() if char]
    if not parts:
        return ""
    if "" in groups:
        return "(?:" + "|".join(parts) + ")?"
    return parts[0] if len(parts) == 1 else "(?:" + "|".join(parts) + ")"


_TRADITIONAL = str.maketrans(
    "证号码电话机护账户银车订单联络邮传热线时间编员来单实驾驶执医学业务执储贷转开发货运递",
    "證號碼電話機護賬戶銀車訂單聯絡郵傳熱線時間編員來單實駕駛執醫學業務執儲貸轉開發貨運遞",
)
_OF_NUMBERS = ("号", "号码", "编号", "代码")
"""Ways to say "the number of" after a word: 发票号码 is an invoice's number, not a telephone's."""


def _by_word() -> dict[str, int]:
    found: dict[str, int] = {}
    for name, words in WORDS.items():
        for word in words:
            if word.isascii():
                keys = [re.sub(r"[-/]", " ", word)]
            else:
                keys = [word, *(word + ending for ending in _OF_NUMBERS if not word.endswith(("号", "码")))]
                keys += [key.translate(_TRADITIONAL) for key in keys]
            for key in dict.fromkeys(keys):
                found[key] = found.get(key, 0) | CATEGORIES[name]
    return found


_OF_WORD = _by_word()
_PARTS = frozenset(part for word in _OF_WORD if word.isascii() for part in (*word.split(), f"{word}s"))
"""Latin words that are labels, or half of one."""
_HAN = re.compile(alternation([word for word in _OF_WORD if not word.isascii()]))
_LATIN = re.compile(r"[a-zé]{2,24}|[a-z](?:\.[a-z]){1,3}(?![a-z])|[vsn](?![a-z])")
_TAKEN = re.compile(r"[0-9][,，、;；]|[0-9]{4,}[:： )）\n]{1,3}[^\W\d_]{2}")
"""A number the label already names stands between: "Case 5957510: caller …"."""
_BREAK = re.compile(r"[\n。！？!?;；]")


class Label(NamedTuple):
    """One label in a text: where it ends and which categories it belongs to."""

    end: int
    start: int
    categories: int


def labels(lower: str) -> list[Label]:
    """Return all labels of a lower-cased text, by end.

    Examples
    --------
    >>> [lower.categories == CARD for lower in labels("卡号 6222")]
    [True]
    """
    of_word = _OF_WORD
    found = [Label(m.end(), m.start(), of_word[m.group()]) for m in _HAN.finditer(lower)]
    last, last_end, last_start = "", -2, 0
    for match in _LATIN.finditer(lower):
        word = match.group()
        if word not in _PARTS:
            word = word.replace(".", "")
            if word not in _PARTS:
                continue
        start, end = match.span()
        known = of_word.get(word, 0)
        if not known and word[-1] == "s":
            known = of_word.get(word[:-1], 0)
        if start == last_end + 1:
            both = of_word.get(f"{last} {word}", 0)
            if both and found and found[-1].end == last_end and found[-1].start < last_start:
                both = found[-1].categories  # "id card number" is the number of an "id card"
            if both:
                found.append(Label(end, last_start, both))
                last, last_end, last_start = word, end, start
                continue
        if known:
            found.append(Label(end, start, known))
        last, last_end, last_start = word, end, start
    found.sort()
    return found


def nearest(found: list[Label], lower: str, start: int, reach: int = 20) -> int:
    """Return the categories of the label nearest before `start`, 0 if none is near.

    Parameters
    ----------
    found
        What `labels` returned for `lower`.
    start
        Where the value begins.
    reach
        Most code points between label and value; a sentence end between them cuts the bond,
        except directly after "label:".
    """
    index = bisect_right(found, (start + 1,)) - 1
    if index < 0 or start - found[index].end > reach:
        return 0
    end = found[index].end
    if end < start and _BREAK.search(lower, end, start):
        gap = lower[end:start].strip()
        if gap.strip(":：#.").strip() or "\n" not in lower[end:start]:
            return 0
    categories = found[index].categories
    if categories & ORDER and _TAKEN.search(lower, end, start):
        return 0
    while index and found[index - 1].end == end:
        index -= 1
        categories |= found[index].categories
    return categories


def following(found: list[Label], lower: str, end: int, reach: int = 8) -> int:
    """Return the categories of the label nearest after `end`, 0 if none is near.

    Parameters
    ----------
    found
        What `labels` returned for `lower`.
    end
        Where the value ends.
    reach
        Most code points between value and label; a sentence end cuts the bond.
    """
    index = bisect_right(found, (end,))
    while index < len(found) and found[index].start < end:
        index += 1
    if index == len(found) or found[index].start - end > reach:
        return 0
    if _BREAK.search(lower, end, found[index].start):
        return 0
    return found[index].categories
