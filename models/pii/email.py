"""E-mail addresses, also with "at" and "dot" spelled out; anchored at the separator, so linear."""

from __future__ import annotations

import re
from importlib import resources

from models.pii.span import Candidate
from models.pii.triggers import WEBMAIL
from models.pii.view import View

TYPE = "EMAIL"


def _words(name: str) -> frozenset[str]:
    return frozenset(resources.files("models.pii").joinpath(name).read_text("utf-8").split())


TOP_LEVEL = _words("top_level.txt")
PROVIDERS = _words("mail_providers.txt")
_ALPHABET = "A-Za-z0-9À-ɏͰ-ϿЀ-ӿ"
_LOCAL = re.compile(rf"[{_ALPHABET}._%+'-]{{1,64}}")
_EDGE = re.compile(rf"[{_ALPHABET}㐀-鿿_\"\[+-]")
_QUOTED = re.compile(r'"[^"\n]{1,62}"$')
_HAN_LOCAL = re.compile(r"(?:^|[^㐀-鿿])([㐀-鿿]{2,4})$")
_LABEL = rf"[{_ALPHABET}][{_ALPHABET}-]{{0,62}}"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL}){{1,8}}|\[(?:IPv6:)?[0-9a-fA-F.:]{{3,45}}\]")
_HAN_DOMAIN = re.compile(r"[㐀-鿿A-Za-z0-9-]{1,40}\.(?:中国|公司|网络|com|cn|net)")
_OPEN, _CLOSE = r"[\[({<【（「〔〈《]{1,2} ?", r" ?[\])}>】）」〕〉》]{1,2}"
_AT = re.compile(
    rf"(?=[ _\-\[({{<【（「〔〈《艾圈小爱在@*#%&])"
    rf"(?:[ _-]{{0,2}}(?:{_OPEN}(?:at|@|a|艾特|圈a|爱特){_CLOSE}|艾特|圈a|小老鼠|爱特"
    rf"|在(?= ?{WEBMAIL} ?[.点])|@@|[@*]at[@*]|#|%40|&#64;)"
    r"[ _-]{0,2}"
    r"|[ _-]{1,3}at(?: (?:sign|symbol))?[ _-]{1,3}| {1,2}@ {0,2}|@ {1,2})",
    re.IGNORECASE,
)
_DOT = (
    r"(?:，(?=(?:com|cn|net)(?![a-z]))"
    rf"| {{0,2}}(?:{_OPEN}(?:dot|\.|点|點|d0t|punkt|point){_CLOSE}|点|點|。|．|\*dot\*) {{0,2}}"
    r"|[ _-]{1,2}dot[ _-]{1,2}| \. |\.)"
)
_SPELLED_DOMAIN = re.compile(rf"[A-Za-z0-9-]{{1,40}}(?:{_DOT}[A-Za-z0-9-]{{1,30}}){{1,4}}", re.IGNORECASE)
_DOT_SPLIT = re.compile(_DOT, re.IGNORECASE)
_BARE = re.compile(rf"{WEBMAIL}(?![A-Za-z0-9.@。点-])", re.IGNORECASE)
"""A domain cut short, as people say it: lihua88@gmail."""
_AT_WEBMAIL = re.compile(
    r" at (gmail|hotmail|outlook|yahoo|icloud|qq|163)(?![A-Za-z0-9.-]| dot)", re.IGNORECASE
)
_GLUED = re.compile(rf"at({WEBMAIL})(?:\.|点|。| ?dot ?)(com|cn|net)(?![A-Za-z0-9])", re.IGNORECASE)
_SPOKEN_A = re.compile(rf"a({WEBMAIL})[点點。](com|cn|net)(?![A-Za-z0-9])", re.IGNORECASE)
"""The sign said as the letter it looks like; only under a label."""
_HASHES = re.compile(r"#([a-z0-9][a-z0-9-]{0,40}(?:#[a-z]{2,12}){1,3})(?![a-z0-9#])", re.IGNORECASE)
"""One sign for both separators: liwei#163#com."""
_CAPITALS = re.compile(r"(?<=[a-z0-9])AT([a-z0-9-]{1,40}(?:DOT[a-z]{2,12}){1,3})(?![A-Za-z0-9])")
"""Separators set off by their capitals alone: liweiATexampleDOTcom."""
_JOIN = (
    r"(?: (?:dot|underscore|dash|hyphen|plus) "
    r"| ?[\[(](?:dot|underscore|dash|hyphen|plus|\.)[\])] ?|点|下划线)"
)
_SPELLED_LOCAL = re.compile(
    rf"[A-Za-z0-9][A-Za-z0-9.+_-]{{0,40}}(?:{_JOIN}[A-Za-z0-9][A-Za-z0-9.+_-]{{0,40}}){{0,3}}$", re.IGNORECASE
)
_SIGNS = (
    (re.compile(r" ?[\[(]?(?:\bdot\b|点|(?<=[\[(])\.)[\])]? ?"), "."),
    (re.compile(r" ?[\[(]?(?:\bunderscore\b|下划线)[\])]? ?"), "_"),
    (re.compile(r" ?[\[(]?\b(?:dash|hyphen)\b[\])]? ?"), "-"),
    (re.compile(r" ?[\[(]?\bplus\b[\])]? ?"), "+"),
)
_NOT_LOCAL = _words("not_local.txt")
"""What stands before "at a shop's site" without being anybody's address."""
_MOST_SEPARATORS = 100
"""A text with more is a list of addresses, or hostile: it is one finding from its first to its last."""
_SPELLED_EFFORT = 36
"""Of looking for the start of an address in words, and for a label before it."""
_LABELLED = re.compile(r"(?:mail(?:'s| is)?|邮箱|郵箱|邮件|contact|write to|信箱|电邮)[^\n]{0,24}$")


def find(view: View) -> list[Candidate]:
    """Return the addresses of a text."""
    text = view.text
    found: list[Candidate] = []
    if text.count("@") > _MOST_SEPARATORS:
        first, last = text.index("@"), text.rindex("@")
        return [Candidate(max(0, first - 1), min(len(text), last + 2), TYPE, text[first:last], 96)]
    at = text.find("@", 1)
    while at != -1:
        view.spend(5)
        if _EDGE.match(text, at + 1) and text[at - 1] not in "@ ":
            candidate = _plain(text, at) or _spelled(view, at, at + 1, "@") or _bare(text, at)
            if candidate:
                found.append(candidate)
        at = text.find("@", at + 1)
    for match in view.each(_GLUED):
        candidate = _glued(view, match)
        if candidate:
            found.append(candidate)
    for match in view.each(_SPOKEN_A) if "点" in text or "點" in text or "。" in text else ():
        candidate = _glued(view, match, said=True)
        if candidate:
            found.append(candidate)
    for match in view.each(_HASHES) if text.count("#") > 1 else ():
        candidate = _hashes(view, match)
        if candidate:
            found.append(candidate)
    for match in _CAPITALS.finditer(text) if "DOT" in text else ():
        name, labels = _local(text[max(0, match.start() - 40) : match.start()]), match[1].split("DOT")
        if len(name) > 1 and labels[-1] in TOP_LEVEL:
            value = f"{name}@{'.'.join(labels)}"
            found.append(Candidate(match.start() - len(name), match.end(), TYPE, value, 80))
    for match in view.each(_AT_WEBMAIL):
        name = _local(text[max(0, match.start() - 40) : match.start()])
        start = match.start() - len(name)
        labelled = _LABELLED.search(view.lower, max(0, start - 30), start)
        if len(name) > 2 and (labelled or any(char in "0123456789_." for char in name)):
            found.append(Candidate(start, match.end(), TYPE, f"{name}@{match[1]}.com".lower(), 72))
    for match in view.each(_AT, 9):
        start, end = match.span()
        if text[start - 1 : start].isalnum() and text[end : end + 1].isalnum():
            candidate = _spelled(view, start, end, match.group().strip(" _-").lower())
            if candidate:
                found.append(candidate)
    return found


def _plain(text: str, at: int) -> Candidate | None:
    name = _local(text[max(0, at - 64) : at])
    domain = _DOMAIN.match(text, at + 1) or _HAN_DOMAIN.match(text, at + 1)
    if not name or not domain:
        return None
    host = domain.group().rstrip("-")
    if host[0] != "[":
        labels = host.split(".")
        while len(labels) > 2 and labels[-1].lower() not in TOP_LEVEL and labels[-2].lower() in TOP_LEVEL:
            labels.pop()
        if labels[-1].isdigit() or len(labels[-1]) < 2:
            return None
        host = ".".join(labels)
    return Candidate(at - len(name), at + 1 + len(host), TYPE, f"{name}@{host}".lower(), 96)


def _bare(text: str, at: int) -> Candidate | None:
    name = _local(text[max(0, at - 64) : at])
    domain = _BARE.match(text, at + 1)
    if len(name) < 3 or not domain:
        return None
    return Candidate(at - len(name), domain.end(), TYPE, f"{name}@{domain.group()}.com".lower(), 80)


def _hashes(view: View, match: re.Match[str]) -> Candidate | None:
    """Return the address of liwei#163#com; a label, a provider or the name tells it from two topics."""
    name = _local(view.text[max(0, match.start() - 40) : match.start()])
    start = match.start() - len(name)
    host = match[1].lower().split("#")
    if len(name) < 2 or not name.isascii() or host[-1] not in TOP_LEVEL:
        return None
    told = (
        host[0] in PROVIDERS
        or any(char in "0123456789_." for char in name)
        or (host[-1] in ("com", "cn", "net", "org") and len(name) > 3)
    )
    if not told and not _LABELLED.search(view.lower, max(0, start - 30), start):
        return None
    return Candidate(start, match.end(), TYPE, f"{name}@{'.'.join(host)}".lower(), 80)


def _glued(view: View, match: re.Match[str], *, said: bool = False) -> Candidate | None:
    """Return the address of lihua88atqq.com; without a digit in the name only under a label."""
    name = _local(view.text[max(0, match.start() - 40) : match.start()])
    start = match.start() - len(name)
    if len(name) < 2 or not name.isascii():
        return None
    labelled = _LABELLED.search(view.lower[max(0, start - 30) : start])
    if not labelled and (said or not any(char.isdigit() for char in name)):
        return None
    return Candidate(start, match.end(), TYPE, f"{name}@{match[1]}.{match[2]}".lower(), 80)


def _local(window: str) -> str:
    """Return the local part at the end of `window`; doubled or leading dots are no address (RFC 5321)."""
    quoted = _QUOTED.search(window) if window[-1:] == '"' else None
    if quoted:
        return quoted.group()
    match = _LOCAL.match(window[::-1])
    if match:
        name = match.group()[::-1].lstrip("'-%+")
        return "" if name[:1] == "." or ".." in name else name
    han = _HAN_LOCAL.search(window)
    return han.group(1) if han else ""


def _spelled(view: View, at: int, after: int, marker: str) -> Candidate | None:
    """Return the address around a separator that stands from `at` to `after`."""
    text = view.text
    domain = _SPELLED_DOMAIN.match(text, after)
    if not domain:
        return None
    raw = domain.group()
    labels = _DOT_SPLIT.split(raw)
    while len(labels) > 2 and labels[-1].lower() not in TOP_LEVEL:
        labels.pop()
    if labels[-1].lower() not in TOP_LEVEL:
        return None
    view.spend(_SPELLED_EFFORT)
    local = _SPELLED_LOCAL.search(text[max(0, at - 64) : at])
    if not local or ".." in local.group():
        return None
    if at > len(local.group()) and text[at - len(local.group()) - 1] == ".":
        return None
    name, host = local.group().lower(), ".".join(labels).lower()
    start = at - len(name)
    if marker == "at" and name in _NOT_LOCAL and not _LABELLED.search(view.lower[max(0, start - 60) : start]):
        return None
    first_dot = _DOT_SPLIT.search(raw)
    written_out = first_dot is not None and first_dot.group() != "."
    sure = marker not in ("at", "#") or written_out
    if not any(label in PROVIDERS for label in labels[:-1]):
        if (
            not sure
            and not re.search(r"[0-9._]", name)
            and not _LABELLED.search(view.lower[max(0, start - 60) : start])
        ):
            return None
        if labels[0].isdigit():
            return None
    for pattern, sign in _SIGNS:
        name = pattern.sub(sign, name)
    return Candidate(start, _end_of(text, after, labels), TYPE, f"{name}@{host}", 94)


def _end_of(text: str, start: int, labels: list[str]) -> int:
    """Return where the last of `labels` ends, reading them in turn from `start`."""
    for label in labels:
        start = text.index(label, start) + len(label)
    return start
