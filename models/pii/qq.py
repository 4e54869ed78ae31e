"""QQ numbers: 5 to 11 digits under a label."""

from __future__ import annotations

import re

from models.pii.context import ORDER, PASSPORT
from models.pii.span import Candidate
from models.pii.view import View

TYPE = "QQ"
_VALUE = re.compile(
    r"(?=[qtQT扣蔻抠叩企🐧球秋丘腾加我咨客联交粉售群])"
    r"(?:(?<![a-z])q[ ._-]?q|扣扣|蔻蔻|抠抠|叩叩|企鹅号?|🐧|[球秋丘]{2}号?|扣号|扣(?=[:：])|tx号|腾讯号"
    r"|(?:加|我|咨询|客服|联系|我的|扣)q|(?<![a-z0-9])q(?=[:：号我群])|加扣|(?:加我|联系|找|我的|我)扣|(?<=[㐀-鿿])q(?=[1-9][0-9]{6,9}(?![0-9]))"
    r"|(?<![A-Za-z0-9])q(?=[1-9][0-9]{7,9}(?![0-9A-Za-z]))"
    r"|(?:交流|粉丝|售后|客服|加)?群号?(?=[:： 是]{0,3}[1-9]))"
    r"(?:[^\w\n@。！？!?;；]|[是为我就叫或和]|号码|号|帐号|账号|同号"
    r"|同微信|同vx|好友|小号|大号|群主|群|id|is|number|no\.?|"
    r"联系|微信|vx|同步|搜索?|添加|请加|me|on|at){0,6}"
    r"(?<![0-9])([1-9][0-9]{1,4}(?:[ -]?[0-9]{2,4}){1,3})(?![0-9A-Za-z@]|[.-][0-9])",
    re.IGNORECASE,
)

_OTHERWISE = re.compile("[元块分点]|积分")
"""What follows a number that was deducted (扣) or counted."""


def find(view: View) -> list[Candidate]:
    """Return the numbers of a text."""
    found: list[Candidate] = []
    for match in view.each(_VALUE):
        if _OTHERWISE.match(view.text, match.end()):
            continue
        if match.start(1) == match.start() + 1 and view.before(match.start()) & (ORDER | PASSPORT):
            continue  # the Q belongs to the number
        value = re.sub(r"\D", "", match.group(1))
        if 5 <= len(value) <= 11:
            found.append(Candidate(match.start(1), match.end(1), TYPE, value, 96))
    return found
