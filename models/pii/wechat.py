"""WeChat ids: a letter and 5 to 19 letters, digits, "_" or "-", under a label; wxid_… by itself."""

from __future__ import annotations

import re

from models.pii.span import Candidate
from models.pii.view import View

TYPE = "WECHAT"
_OWN = re.compile(r"(?<![A-Za-z0-9])wxid_[a-z0-9]{6,22}(?![A-Za-z0-9_])", re.IGNORECASE)
_LABEL = (
    r"(?:微 ?信|微❤|微號|微号|薇信|威信|徽信|維信|卫星号|v信|(?<![a-z0-9])"
    r"(?:we ?chat|weixin|wx|vx|wei xin)(?![a-z]{2})"
    r"|(?:加|我|联系|私)(?:一下)?[vV微]|(?<![a-z0-9])v(?=[:：]))"
)
_VALUE = re.compile(
    rf"({_LABEL})((?:[ :：=,，是为就叫（(「\"'\[-]|号码|号|帐号|账号|同号|"
    r"id|is|name|user|number|no\.?|联系|me|on|at|handle|名){0,6})"
    r"((?<![A-Za-z0-9])[a-z][a-z0-9_-]{5,19}|(?<![0-9])1[3-9][0-9]{9}|"
    r"(?<![0-9])[1-9][0-9]{5,10})(?![A-Za-z0-9_@-]|\.[a-z])",
    re.IGNORECASE,
)
_DISGUISED = frozenset(("v信", "薇信", "威信", "徽信", "卫星号", "微❤", "微號", "微号"))
_EXPLICIT = re.compile(r"号|id|:|：|是|为|name|handle|is", re.IGNORECASE)
_ADD = re.compile(r"(?:加|add|我的|my|联系)[^\n]{0,12}$", re.IGNORECASE)
_COMMON = frozenset(
    {
        "account",
        "accounts",
        "always",
        "android",
        "article",
        "articles",
        "because",
        "before",
        "cannot",
        "channel",
        "channels",
        "crashed",
        "crashes",
        "customer",
        "doesnt",
        "failed",
        "feature",
        "features",
        "freeze",
        "freezes",
        "friend",
        "friends",
        "iphone",
        "keeps",
        "login",
        "message",
        "messages",
        "mini",
        "moments",
        "notification",
        "notifications",
        "number",
        "official",
        "payment",
        "payments",
        "people",
        "please",
        "problem",
        "problems",
        "program",
        "really",
        "scanning",
        "service",
        "should",
        "sticker",
        "stickers",
        "support",
        "transfer",
        "update",
        "updates",
        "version",
        "wallet",
        "wechat",
        "without",
    }
)


def find(view: View) -> list[Candidate]:
    """Return the ids of a text."""
    found = [Candidate(m.start(), m.end(), TYPE, m.group().lower(), 90) for m in _OWN.finditer(view.text)]
    for match in _VALUE.finditer(view.text):
        label, link, value = match.groups()
        if _is_id(view, match.start(), label, link, value):
            found.append(Candidate(match.start(3), match.end(3), TYPE, value.lower(), 64))
    return found


def _is_id(view: View, start: int, label: str, link: str, value: str) -> bool:
    if any(char in "0123456789_-" for char in value):
        return value[0].isalpha() or bool(link) or label[0] in "加我联私"
    if label.lower() in _DISGUISED and value.lower() not in _COMMON:
        return True
    if value.lower() in _COMMON or (
        value.islower() and not label.isascii() and not link and label[0] not in "加我联私"
    ):
        return bool(_ADD.search(view.text, max(0, start - 14), start)) and value.lower() not in _COMMON
    if re.search(r"号|id|handle", link, re.IGNORECASE) or not value.islower():
        return True
    return bool(_EXPLICIT.search(link)) or bool(_ADD.search(view.text, max(0, start - 14), start))
