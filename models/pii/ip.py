"""IP addresses, versions 4 and 6; four-part version numbers stay."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address

from models.pii.context import IP, VERSION
from models.pii.span import Candidate
from models.pii.view import View

TYPE = "IP"
_DOT = r"(?: ?\. ?|\[\.\]|\(\.\)|\{\.\}|。| ?\[?\(?dot\)?\]? ?|点)"
_V4 = re.compile(
    rf"(?<![0-9.])(?:(?<![0-9A-Fa-f:])::[Ff]{{4}}:)?([0-9]{{1,3}}){_DOT}([0-9]{{1,3}}){_DOT}([0-9]{{1,3}}){_DOT}([0-9]{{1,3}})(?![0-9]|\.[0-9])"
)
_V6 = re.compile(
    r"(?:(?<![0-9A-Za-z_:.])|(?<=[iI][pP]:)|(?<=[vV]6:))\[?"
    r"(?=[0-9A-Fa-f]{0,4}:)(?=[0-9A-Fa-f:]{0,37}::|[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){5})([0-9A-Fa-f:]{2,39}(?:\.[0-9]{1,3}){0,3})(?:%[a-z0-9]{1,12})?(?![0-9A-Za-z_])"
)
_COMMAS = re.compile(
    r"ip[^0-9]{0,4}(([0-9]{1,3}) ?[,，] ?([0-9]{1,3}) ?[,，] ?([0-9]{1,3}) ?[,，] ?([0-9]{1,3}))(?![0-9])",
    re.IGNORECASE,
)
_IN_HOST = re.compile(
    r"(?<![0-9])([0-9]{1,3})-([0-9]{1,3})-([0-9]{1,3})-([0-9]{1,3})"
    r"(?![0-9]|-[0-9])(\.[A-Za-z][A-Za-z0-9-]{0,40}\.?[A-Za-z])?"
)
"""Host names made of an address: ec2-203-0-113-7.compute.example.com, 203-0-113-7.dynamic.example.net."""
_HOST_WORD = re.compile(
    r"(?<![a-z0-9])(?:ip|ipv4|ec2|host|static|dyn|dynamic|pool|dhcp|dsl|adsl|cable|client|cpe|node|ppp|user"
    r"|server|vps|srv)[-.]?$"
)
_SUFFIX = re.compile(
    r"(?:alpha|beta|rc|dev|pre|post|snapshot|release|final|patch|build|hotfix|ga|[a-z](?![a-z]))"
)
"""What follows a version number without a space, unlike "1.2.3.4ping"."""
_GLUED = re.compile(r"(?:ip|ipv4|ipv6|addr|host|server|from|to|at|is)$")
_MOST_FAILURES = 25
"""A text with more that look like addresses and are none is hostile: the rest of it is one finding."""
_SCOPES = ("fe8", "fe9", "fea", "feb", "fc", "fd", "2", "ff0")


def find(view: View) -> list[Candidate]:
    """Return the addresses of a text."""
    found: list[Candidate] = []
    for match in view.each(_V4):
        parts = [int(part) for part in match.groups()]
        if max(parts) > 255 or _is_version(view, match.start(), match.end()):
            continue
        found.append(Candidate(match.start(), match.end(), TYPE, ".".join(map(str, parts)), 88))
    for match in view.each(_COMMAS) if "ip" in view.lower else ():
        parts = [int(part) for part in match.groups()[1:]]
        if max(parts) <= 255:
            found.append(Candidate(match.start(1), match.end(1), TYPE, ".".join(map(str, parts)), 86))
    found += _in_host_names(view)
    if view.text.count(":") >= 2:
        found += _version6(view)
    return found


def _in_host_names(view: View) -> list[Candidate]:
    found: list[Candidate] = []
    for match in view.each(_IN_HOST) if view.text.count("-") >= 3 else ():
        parts = [int(part) for part in match.groups()[:4]]
        before = view.lower[max(0, match.start() - 12) : match.start()]
        if max(parts) > 255 or not (_HOST_WORD.search(before) or match[5]):
            continue
        found.append(Candidate(match.start(1), match.end(4), TYPE, ".".join(map(str, parts)), 97))
    return found


def _is_version(view: View, start: int, end: int) -> bool:
    before = view.lower[start - 1 : start]
    if before and before.isascii() and (before.isalpha() or before in "_-$"):
        return not _GLUED.search(view.lower[max(0, start - 6) : start])
    after = view.text[end : end + 1]
    if after and (
        after in "_元块" or (after.isascii() and after.isalpha() and _SUFFIX.match(view.lower, end))
    ):
        return True
    label = view.before(start, 12)
    if label & IP and not label & VERSION:
        return False
    return bool(label & VERSION) or bool(not label and view.after(end, 3) & VERSION)


def _version6(view: View) -> list[Candidate]:
    found: list[Candidate] = []
    failures = 0
    for match in view.each(_V6, 8):
        raw = match.group(1)
        if raw[-1] == ":" and raw[-2:] != "::":
            raw = raw[:-1]
        if raw.count(":") != 7 and "::" not in raw and "." not in raw:
            continue
        try:
            address = IPv6Address(raw)
        except AddressValueError:
            failures += 1
            if failures > _MOST_FAILURES:
                return [Candidate(match.start(), len(view.text), TYPE, raw, 88)]
            continue
        groups = [group for group in raw.split(":") if group]
        if len(groups) == 8 and max(map(len, groups)) <= 2:
            continue  # bytes of a fingerprint
        sure = len(groups) >= 3 or (
            len(groups) == 2 and raw.lower().startswith(_SCOPES) and len(groups[0]) >= 3
        )
        if not (sure and any(char.isdigit() for char in raw)) and not (
            groups and (view.before(match.start()) | view.after(match.end(), 3)) & IP
        ):
            continue
        start = match.start(1)
        end = match.end() if len(raw) == len(match.group(1)) else start + len(raw)
        found.append(Candidate(start, end, TYPE, str(address), 88))
    return found
