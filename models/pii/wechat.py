"""WeChat ids: a letter and 5 to 19 letters, digits, "_" or "-", under a label; wxid_… by itself."""

from __future__ import annotations

import re

from models.pii.context import ORDER
from models.pii.span import Candidate
from models.pii.view import View

TYPE = "WECHAT"
_TRIED_EFFORT = 3
"""Of trying what may be a label, found or not."""
_OWN = re.compile(r"(?<![A-Za-z0-9])wxid_[a-z0-9]{6,22}+(?![A-Za-z0-9_])", re.IGNORECASE)
_LABEL = (
    r"(?:[微薇威徽維维卫唯葳溦嶶伪][ .·-]?(?:[❤♥]\ufe0f?)?(?:信|芯|心|星号?|❤|♥|x|号|號)|绿泡泡|(?<![a-z0-9])"
    r"(?:[vw][-. ]?[❤♥]\ufe0f?[-. ]?x|[vw][-. ]?[信芯❤♥]|wei ?[信芯心]|(?:we ?chat|wei ?xin|[vw][-._/ ]?x)"
    r"(?![a-z]{2}(?![a-z_-]{0,18}[0-9_])))"
    r"|(?:加|我|联系|私|扣|➕|\+|嘉|佳)(?:一下)? ?[vV微薇威]|加我|(?<![a-z0-9])v(?=[:：])|[微薇威](?=[:：])"
    r"|绿色(?:软件|app|聊天)号?)"
)
_VALUE = re.compile(
    rf"(?=[vwVW微薇威徽維维卫唯葳溦嶶伪绿加我联私扣➕+嘉佳])"
    rf"({_LABEL})((?:[^\w\n@。！？!?;；]|[是为就叫或和]|号码|号|帐号|账号|账户|同号|"
    r"搜索?|查找|聊聊?|吧|添加|请加|可加|id|is|name|user|account|acct|contact|profile|number|no\.?|联系|me|on|at|handle|as|名|qq|手机|电话|同步|whatsapp|telegram){0,6})"
    r"((?:(?<![A-Za-z0-9])|(?<=[加我私系下扣➕+]v)|(?:(?<=[^a-z0-9][vw]x)|(?<=^[vw]x)|(?<=wechat)|(?<=加我)|(?<=[微薇威]x))"
    r"(?=[a-z_-]{0,19}[0-9_]))"
    r"(?!wechat|weixin)[a-z][a-z0-9_-]{5,19}+|(?<![0-9])1[3-9][0-9]{9}|"
    r"(?<![0-9])[1-9][0-9]{5,10}+)(?![A-Za-z0-9_@-]|\.[a-z])",
    re.IGNORECASE,
)
_SEARCHED = re.compile(
    r"搜(?:索|一下)?[ :：]?((?=[a-z_-]{0,19}[0-9_])[a-z][a-z0-9_-]{5,19})(?![a-z0-9_@-])"
    r"(?=[^\n。]{0,6}(?:微信|vx|wx))",
    re.IGNORECASE,
)
"""An id that stands before the word: 搜xiaoli2024加微信."""
_DOTTED = re.compile(
    r"(?:wechat|weixin|微信|vx|wx) ?(?:id|号|handle)(?: is |[:：是为 ]{1,3})"
    r"([a-z][a-z0-9_-]{1,19}\.(?!(?:com|cn|net|org|io|html?)(?![a-z0-9]))[a-z0-9_-]{2,19})(?![a-z0-9_@.-])",
    re.IGNORECASE,
)
"""Not a valid id, but what people write where one is asked for."""
_DISGUISED = frozenset(("v信", "薇信", "徽信", "卫星号", "微❤", "微號", "微号", "绿泡泡", "wei信"))
_WORDS = frozenset(
    (
        "威信",
        "卫星",
        "维新",
        "唯心",
        "卫心",
        "微心",
        "微星",
        "维信",
        "維新",
        "微芯",
        "唯信",
        "w x",
        "我微",
        "伪信",
    )
)
"""Labels that are also ordinary words or brands: only what looks like an id counts after them."""
_EXPLICIT = re.compile(r"号|id|搜|:|：|是|为|name|handle|is", re.IGNORECASE)
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
    view.spend(_TRIED_EFFORT * (view.lower.count("wx") + view.text.count("微信")))
    found = [Candidate(m.start(), m.end(), TYPE, m.group().lower(), 90) for m in view.each(_OWN)]
    for match in view.each(_VALUE, 11):
        label, link, value = match.groups()
        if _is_id(view, match.start(), label, link, value):
            found.append(Candidate(match.start(3), match.end(3), TYPE, value.lower(), 64))
    for match in view.each(_DOTTED) if "." in view.text else ():
        found.append(Candidate(match.start(1), match.end(1), TYPE, match[1].lower(), 64))
    for match in view.each(_SEARCHED) if "搜" in view.text else ():
        found.append(Candidate(match.start(1), match.end(1), TYPE, match[1].lower(), 64))
    return found


def _is_id(view: View, start: int, label: str, link: str, value: str) -> bool:
    if not link and label.isascii() and value.isupper() and view.before(start) & ORDER:
        return False
    if any(char in "0123456789_-" for char in value):
        return value[0].isalpha() or bool(link) or label[0] in "加我联私➕+"
    if label.lower() in _WORDS:
        return False
    if label.lower() in _DISGUISED and value.lower() not in _COMMON:
        return True
    if value.lower() in _COMMON or (
        value.islower() and not label.isascii() and not link and label[0] not in "加我联私➕+"
    ):
        return bool(_ADD.search(view.text, max(0, start - 14), start)) and value.lower() not in _COMMON
    if re.search(r"号|id|handle", link, re.IGNORECASE) or not value.islower():
        return True
    return bool(_EXPLICIT.search(link)) or bool(_ADD.search(view.text, max(0, start - 14), start))
