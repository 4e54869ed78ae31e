"""Web addresses that carry a secret: a token in the query or path, or a password; and bare JWTs."""

from __future__ import annotations

import re

from models.pii.span import Candidate
from models.pii.view import View

TYPE = "URL_TOKEN"
_URL = re.compile(
    r"(?:(?<![a-z0-9])[a-z][a-z0-9+.-]{1,14}://|(?<![a-z0-9])www\.|"
    r"(?<![a-z0-9@.-])(?:[a-z0-9-]{1,40}\.){1,4}[a-z]{2,10}(?::[0-9]{2,5})?/(?=[^\s?]{0,200}\?))[!#-&(-;=?-Z\\_a-z~%\[\]]{3,2000}",
    re.IGNORECASE,
)
_SECRET = re.compile(
    r"[?&#;/](?:[a-z0-9_.-]{0,24}[_.-])?(token|access[_-]?token|id[_-]?token|"
    r"refresh[_-]?token|key|api[_-]?key|apikey|"
    r"sig|sign|signature|auth|authorization|session|session[_-]?id|"
    r"sessionid|sid|jsessionid|phpsessid|secret|client[_-]?secret|"
    r"password|passwd|pwd|pass|code|ticket|jwt|otp|hash|hmac|nonce|"
    r"csrf|bearer|credential|credentials|invite|reset|verify|"
    r"confirm|magic|login[_-]?token|authkey|accesskey|secretkey|openid|unionid|uid[_-]?token|tk|t|st)"
    r"[=/]([^&#;/\s]{6,})",
    re.IGNORECASE,
)
_OFTEN_PLAIN = frozenset(("t", "st", "tk", "key", "hash", "sign"))
"""Parameters that name a page or a time as often as a secret."""
_SHORT_SECRET = re.compile(r"[?&](?:pwd|passcode|passwd|password)=[^&#\s]{4,}", re.IGNORECASE)
_USER = re.compile(r"://[^/@\s:]{1,64}:[^/@\s]{1,128}@")
_RANDOM = re.compile(r"[/=]([A-Za-z0-9_-]{20,})(?=[/?&#.]|$)")
_JWT = re.compile(
    r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,1000}\.[A-Za-z0-9_-]{4,2000}(?:\.[A-Za-z0-9_-]{0,1000})?"
)
_TRAILING = ".,;:!?)]}'\"，。"


def find(view: View) -> list[Candidate]:
    """Return the addresses that carry a secret, whole."""
    text = view.text
    found = []
    if "eyJ" in text:
        found += [Candidate(m.start(), m.end(), TYPE, m.group(), 97) for m in view.each(_JWT)]
    for match in view.each(_URL):
        url = match.group().rstrip(_TRAILING)
        view.spend(len(url) // 4)
        if carries_secret(url):
            found.append(Candidate(match.start(), match.start() + len(url), TYPE, url, 99))
    return found


def carries_secret(url: str) -> bool:
    """Tell whether a web address holds a token, a password or a long random part.

    Examples
    --------
    >>> carries_secret("https://a.example/reset?token=Zk81mP0q"), carries_secret("https://a.example/help?page=2")
    (True, False)
    """
    for match in _SECRET.finditer(url):
        value = match.group(2)
        if _looks_random(value) and not (match.group(1) in _OFTEN_PLAIN and value.isdigit()):
            return True
    if _USER.search(url) or _SHORT_SECRET.search(url):
        return True
    return any(_looks_random(match.group(1)) and _mixed(match.group(1)) for match in _RANDOM.finditer(url))


def _looks_random(value: str) -> bool:
    return any(char.isdigit() for char in value) or not value.islower() or len(value) >= 16


def _mixed(value: str) -> bool:
    """Tell whether letters and digits, or cases, alternate as in random text, unlike a slug with a number."""
    if (
        sum(a.isupper() and b.isupper() for a, b in zip(value, value[1:], strict=False)) > 1
        and not value.isupper()
    ):
        return "-" not in value
    changes = sum(a.isdigit() != b.isdigit() for a, b in zip(value, value[1:], strict=False))
    return (
        changes >= 4 and value.count("-") <= 1 or (changes >= 2 and "-" not in value and not value.islower())
    )
