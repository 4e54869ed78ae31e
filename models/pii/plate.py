"""Vehicle plates: mainland China (also new-energy, police, embassy, Hong Kong and Macau), others by label."""

from __future__ import annotations

import re

from models.pii.context import PLATE, VEHICLE
from models.pii.span import Candidate
from models.pii.triggers import DOTS, PROVINCES
from models.pii.view import View

TYPE = "PLATE"
_SEP = rf"[ {DOTS}.\-/_]"
_CUT = rf"(?:[ {DOTS}.\-/_:：*]{{0,3}}|[ )）\]】]{{0,2}}[(（)）\[\]【】] ?)"
"""What stands between province, letter and serial: 浙A·12345, 浙（A12345）, （浙）A12345."""
_MAINLAND = re.compile(
    rf"(?<![A-Z0-9])[(（]?([{PROVINCES}]){_CUT}([A-Z]){_CUT}"
    rf"([A-Z0-9](?:{_SEP}?[A-Z0-9]){{4,5}}(?:[挂学警试超])?|[A-Z0-9]{{4}} ?[挂学警港澳领使超試]|"
    rf"[A-Z0-9]{{3,4}} ?[港澳])(?![A-Z0-9])"
)
_EMBASSY = re.compile(
    rf"(?<![A-Z0-9])使{_SEP}?([0-9]{{3}}){_SEP}?([0-9]{{3}})(?![0-9])"
    rf"|(?<![0-9])([0-9]{{3}}){_SEP}?([0-9]{{3}}) ?使(?![用])"
    rf"|[{PROVINCES}]{_SEP}?[0-9]{{3,6}}{_SEP}?领(?![取导先券养])"
)
_ARMED = re.compile(
    rf"(?<![A-Z0-9])WJ{_SEP}?(?:[{PROVINCES}]|[0-9]{{2}}){_SEP}?[0-9]{{4}}[0-9A-Z](?![A-Z0-9])"
    r"|(?<![A-Z0-9])[军海空北沈兰济南广成][ ·\-]?[A-Z][ ·\-]?[0-9]{5}(?![A-Z0-9])"
)
_SPECIAL = (("使领", _EMBASSY), ("W军海空北沈兰济南广成", _ARMED))
"""Which characters a pattern cannot do without: cheaper to look for."""
_ANY = re.compile(
    r"\.?[\s:：#是为=\"'(（]{0,4}(?:is |number |no\.? |no\.?(?=[:：#])|号 ?|号码 ?|was |of )?"
    r"[\s:：#是为=\"'(（]{0,4}"
    r"((?=[A-Z0-9 ·\-]{0,9}[0-9])[A-Z0-9]{1,7}(?:[ ·\-]?[A-Z0-9]{1,5}){0,2})(?![A-Za-z0-9])"
)
_ANY_LOWER = re.compile(
    r"[\s:：#]{0,3}(?:is |number |no\.? )?([a-z]{2,3}[ -]?[0-9]{2,4}[a-z]{0,3}|"
    r"[0-9][a-z]{3}[0-9]{3})(?![a-z0-9])"
)
_BRITISH = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}[0-9]{2} ?[A-Z]{3}(?![A-Za-z0-9])")
_NEXT = re.compile(r"(?: and | or |, ?| ?/ ?|、|和)(?=[A-Z0-9])")
_ENERGY = re.compile(r"[A-Z][A-Z0-9][0-9]{4}|[0-9]{5}[A-Z]")
_WORDS = re.compile(
    r"(?:[北南东]京|[最全更创重崭]新|[阿乌白多风彩祥腾飞]云|[四银汶绵]川|[西收珍隐暗]藏|"
    r"[辽南西]宁|[昂珍宝名]贵|天津|江苏|[江]浙|安徽|湖湘|河北冀|大渝|"
    r"年青|走晋)$"
)


def find(view: View) -> list[Candidate]:
    """Return the plates of a text."""
    upper = view.text if view.text.isupper() else _upper(view)
    found: list[Candidate] = []
    for match in _MAINLAND.finditer(upper):
        view.spend(6)
        tail = re.sub(_SEP, "", match.group(3))
        if _is_plate(view, match, tail):
            start, end = _bounds(view.text, match)
            found.append(Candidate(start, end, TYPE, match.group(1) + match.group(2) + tail, 84))
    special = [pattern for signs, pattern in _SPECIAL if any(sign in upper for sign in signs)]
    for pattern in special:
        for match in pattern.finditer(upper):
            view.spend(4)
            value = re.sub(_SEP, "", match.group())
            near = view.before(match.start()) & (PLATE | VEHICLE) or view.after(match.end()) & (
                PLATE | VEHICLE
            )
            if near or value[:2] == "WJ":
                found.append(Candidate(match.start(), match.end(), TYPE, value, 80))
    for match in view.each(_BRITISH):
        if (view.before(match.start()) | view.after(match.end(), 16)) & (PLATE | VEHICLE):
            found.append(_candidate(match.group(), match.start(), match.end()))
    for label in view.labels:
        if label.categories & PLATE:
            serial = _ANY.match(view.text, label.end) or _ANY_LOWER.match(view.text, label.end)
            while serial and 4 <= sum(char.isalnum() for char in serial.group(1)) <= 9:
                found.append(_candidate(serial.group(1), serial.start(1), serial.end(1)))
                following = _NEXT.match(view.text, serial.end(1))
                serial = _ANY.match(view.text, following.end()) if following else None
    return found


def _bounds(text: str, match: re.Match[str]) -> tuple[int, int]:
    """Return where a plate begins and ends: with a bracket before or after it only if its pair is inside."""
    start, end = match.span()
    if text[start] in "(（" and not any(char in ")）" for char in text[start:end]):
        start = match.start(1)
    inside = set(text[start:end])
    if text[end : end + 1] in (")", "）") and inside & set("(（") and not inside & set(")）"):
        end += 1
    return start, end


def _candidate(raw: str, start: int, end: int) -> Candidate:
    return Candidate(start, end, TYPE, re.sub(_SEP, "", raw).upper(), 66)


def _is_plate(view: View, match: re.Match[str], tail: str) -> bool:
    """Tell whether the serial is possible and the province sign is not the end of a word."""
    labelled = view.before(match.start(), 14) & (PLATE | VEHICLE)
    serial = tail.rstrip("挂学警试超港澳领使試")
    count = sum(char.isdigit() for char in serial)
    if len(serial) == 6 and not labelled and not _ENERGY.fullmatch(serial):
        return False
    if labelled:
        return True
    if count < 2:
        return False
    before = view.text[max(0, match.start() - 2) : match.start() + 1]
    return not (_WORDS.search(before) and len(before) > 1 and "㐀" <= before[-2] <= "鿿")


def _upper(view: View) -> str:
    upper = view.text.upper()
    return upper if len(upper) == len(view.text) else view.text
