"""E-mail addresses, also with "at" and "dot" spelled out; anchored at the separator, so linear."""

from __future__ import annotations

import re

from models.pii.span import Candidate
from models.pii.view import View

TYPE = "EMAIL"
_TLD = frozenset(
    ["com", "net", "org", "cn", "edu", "gov", "io", "me", "info", "biz", "co", "uk", "de", "fr", "jp", "kr", "hk", "tw", "mo", "sg", "us", "ca", "au", "nz", "in", "ru", "it", "es", "nl", "be", "ch", "at", "se", "no", "dk", "fi", "pl", "pt", "br", "mx", "ar", "cl", "za", "ie", "il", "tr", "gr", "cz", "hu", "ro", "ua", "th", "vn", "my", "id", "ph", "eu", "asia", "xyz", "top", "site", "online", "tech", "app", "dev", "ai", "shop", "club", "vip", "cc", "tv", "name", "pro", "mobi", "store", "cloud", "email", "live", "work", "link", "mail", "int", "mil", "test", "example", "invalid", "local"]
)
_PROVIDERS = frozenset(
    ["gmail", "googlemail", "outlook", "hotmail", "live", "msn", "yahoo", "ymail", "icloud", "me", "mac", "aol", "proton", "protonmail", "pm", "qq", "foxmail", "163", "126", "yeah", "139", "189", "wo", "sina", "sohu", "188", "aliyun", "tom", "21cn", "gmx", "web", "mail", "yandex", "zoho", "fastmail", "vip", "naver", "hanmail", "daum", "rediffmail"]
)
_LOCAL_CHAR = r"[A-Za-z0-9._%+'&=~!#$*/?^`{|}\-À-ɏͰ-ϿЀ-ӿ]"
_LOCAL = re.compile(rf"{_LOCAL_CHAR}{{1,64}}$")
_QUOTED = re.compile(r'"[^"\n]{1,62}"$')
_LABEL = r"[A-Za-z0-9À-ɏͰ-ϿЀ-ӿ](?:[A-Za-z0-9À-ɏͰ-ϿЀ-ӿ-]{0,62})"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL}){{1,8}}|\[(?:IPv6:)?[0-9a-fA-F.:]{{3,45}}\]")
_HAN_DOMAIN = re.compile(r"[㐀-鿿A-Za-z0-9-]{1,40}\.(?:中国|公司|网络|com|cn|net)")
_AT = re.compile(
    r"[ _-]{0,2}(?:[\[({<【（「]{1,2} ?(?:at|@|艾特|圈a|爱特) ?[\])}>】）」]{1,2}|艾特|圈a|小老鼠|爱特|@at@|\*at\*|#)[ _-]{0,2}"
    r"|[ _-]{1,3}at[ _-]{1,3}|(?<=[a-z0-9])\(a\)| {1,2}@ {0,2}|@ {1,2}",
    re.IGNORECASE,
)
_DOT = (
    r"(?: {0,2}(?:[\[({<【（「]{1,2} ?(?:dot|\.|点|點|d0t) ?[\])}>】）」]{1,2}|点|點|。|．|\*dot\*) {0,2}"
    r"|[ _-]{1,2}dot[ _-]{1,2}| {0,2}\. {0,2})"
)
_SPELLED_DOMAIN = re.compile(rf"([A-Za-z0-9-]{{1,40}}(?:{_DOT}[A-Za-z0-9-]{{1,30}}){{1,4}})", re.IGNORECASE)
_DOT_SPLIT = re.compile(_DOT, re.IGNORECASE)
_SPELLED_LOCAL = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9.+_-]{0,40}"
    r"(?:(?: (?:dot|underscore|dash|hyphen|plus) | ?[\[(](?:dot|underscore|dash|hyphen|plus)[\])] ?)[A-Za-z0-9][A-Za-z0-9.+_-]{0,40}){0,3}$",
    re.IGNORECASE,
)
_LOCAL_WORDS = (("dot", "."), ("underscore", "_"), ("dash", "-"), ("hyphen", "-"), ("plus", "+"))
_LABELLED = re.compile(r"(?:mail|邮箱|郵箱|邮件|e-mail|contact|reach|write to|信箱|电邮)[^\n]{0,24}$")


def find(view: View) -> list[Candidate]:
    """Return the addresses of a text."""
    text = view.text
    found: list[Candidate] = []
    at = text.find("@")
    while at != -1:
        candidate = _plain(text, at)
        if candidate:
            found.append(candidate)
        at = text.find("@", at + 1)
    for match in _AT.finditer(text):
        candidate = _spelled(view, match)
        if candidate:
            found.append(candidate)
    return found


def _plain(text: str, at: int) -> Candidate | None:
    window = text[max(0, at - 64) : at]
    local = _LOCAL.search(window) if window[-1:] != '"' else _QUOTED.search(window)
    if not local:
        return None
    domain = _DOMAIN.match(text, at + 1) or _HAN_DOMAIN.match(text, at + 1)
    if not domain:
        return None
    name = local.group().lstrip(".'`*=~!#$/?^{|}&-")
    if not name:
        return None
    end = domain.end()
    labels = domain.group().split(".")
    if domain.group()[0] != "[":
        while len(labels) > 2 and labels[-1].lower() not in _TLD and labels[-2].lower() in _TLD:
            end -= len(labels.pop()) + 1
        if labels[-1].isdigit() or len(labels[-1]) < 2:
            return None
    host = text[at + 1 : end].rstrip("-").lower()
    end = at + 1 + len(host)
    return Candidate(at - len(name), end, TYPE, f"{name.lower()}@{host}", 96)


def _spelled(view: View, at: re.Match[str]) -> Candidate | None:
    text = view.text
    window = text[max(0, at.start() - 100) : at.start()]
    local = _SPELLED_LOCAL.search(window)
    domain = _SPELLED_DOMAIN.match(text, at.end())
    if not local or not domain:
        return None
    raw = domain.group()
    labels = _DOT_SPLIT.split(raw)
    while len(labels) > 2 and labels[-1].lower() not in _TLD:
        labels.pop()
    if labels[-1].lower() not in _TLD:
        return None
    end = _end_of(text, at.end(), labels)
    marker = at.group().strip(" _-").lower()
    literal = _DOT_SPLIT.search(raw)
    plain_dots = literal is not None and literal.group().strip() == "."
    weak = marker in ("at", "#", "@", "(a)") and (plain_dots or marker != "at")
    if weak and labels[0].lower() not in _PROVIDERS:
        before = view.lower[max(0, at.start() - 100) : at.start() - len(local.group())]
        if not _LABELLED.search(before):
            return None
    if marker == "at" and not plain_dots and " dot " in f" {local.group().lower()} ":
        pass
    name = local.group().lower()
    for word, sign in _LOCAL_WORDS:
        name = re.sub(rf" ?[\[(]?\b{word}\b[\])]? ?", sign, name)
    host = ".".join(labels).lower()
    start = at.start() - len(local.group())
    return Candidate(start, end, TYPE, f"{name.strip('.')}@{host}", 94)


def _end_of(text: str, start: int, labels: list[str]) -> int:
    """Return where the last of `labels` ends, reading them in turn from `start`."""
    for label in labels:
        start = text.index(label, start) + len(label)
    return start
