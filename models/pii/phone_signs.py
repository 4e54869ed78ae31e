"""What stands beside a number and says whether it is a telephone's: extensions, verbs, links, dates."""

from __future__ import annotations

import re

EXTENSION = re.compile(
    r"[,，]? {0,2}(?:转|轉|分机|內線|ext(?:ension)?\.?|extn\.?|x|#|;ext=) {0,2}[:：]? {0,2}"
    r"[0-9]{1,6}(?![0-9]|-[0-9]{5})",
    re.IGNORECASE,
)
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
QUAD = re.compile(rf"(?<![0-9.])(?:{_OCTET}\.){{3}}{_OCTET}(?![0-9]|\.[0-9])")
HYPHEN_EXTENSION = re.compile(r"-[0-9]{1,5}(?![0-9-])")
GLUE_AFTER = re.compile(r"(?:qq|vx|wx|v|x|ext|extn|wechat|is|and|or|please|thanks)(?![a-z])", re.IGNORECASE)
UNITS = tuple("元块台个件次人条万亿米克分秒天年套只张份号位")
CALLED = re.compile(
    r"\b(?:call(?:ed|ing)?|dial(?:l?ed|l?ing)?|rang|ring(?:ing)?|phon(?:ed|ing))[^\w]{1,3}"
    r"(?:[0-9]{3}(?: (?:or|and) |[,/] ?))?(?:1[-. ])?$"
)
"""Before a toll-free number, which is a company's that was called."""
SENT = re.compile("[发發寄打给給到往送联聯系找拨撥][^，。,0-9]{0,4}$")
"""What stands between 验证码 and a mobile it goes to, unlike between 订单 and a number it names."""
WAYBILL = re.compile(
    r"(?:空运|航空|航运|主单|分单|总单|运单|運單|提单|(?<![a-z])[mh]?awbs?|air ?way ?bills?|cargo)"
    r"[^0-9\n。]{0,12}$"
)
"""Before an air waybill, an airline's three digits and eight more (IATA resolution 600a): 182-12345678."""
MEETING = re.compile(
    r"(?:meeting|webinar|zoom|会议|會議) ?(?:ids?|no\.?|number|号码?|號碼?|编号|編號)[^0-9\n。]{0,6}$"
)
"""Before the id of a video meeting, which is shown 3-4-4 as a mobile is."""
INVOICE = re.compile(
    "代[码碼][:： 为是]{0,2}[0-9]{10,12}[，,、;；/ ]{0,2}(?:发票|發票)?[号號][码碼][:： 为是]{0,2}$"
)
"""Before the 8 digits of a Chinese invoice, whose 号码 stands beside its 代码 of 10 or 12."""
COURIER = re.compile("(?:快递|快遞|配送|送货|外卖|外賣)(?:员|員|小哥|师傅|師傅|站)[^，。,0-9]{0,4}$")
"""Before the mobile of who brings something, unlike that something's own number."""
TEXTED = re.compile(r"\b(?:text|sms)(?:s|ed|ing)?\b[^.,!?\n0-9]{0,28} to [(（]?$")
"""Before a number something is sent to: "text the code to …" names no code."""
HAN = re.compile("[㐀-鿿]")
NEXT = re.compile(r"(?<=[^\W\d_])[:：是为 ]{0,3}[0-9]{7}")
"""After a label that follows a number, the number the label is for."""
PART_OF_LINK = re.compile("[A-Za-z]/$|=$")
"""Before a number in a path or a parameter of a link, which is an item's rather than a telephone's."""
GOODS = re.compile(" ?(?:[这那该此][款种个]?)?(?:型号|型號|款号|货号|配件|零件)")
"""After a number that is an article's: 588-676-1724这款型号."""
HOTLINE_PREFIX = re.compile(r"(?<![0-9])(?:[48]00|8(?:88|77|66|55|44|33|22)|95[0-9]{3})[-. ]$")
YEAR_DATE = re.compile(
    r"(?:(?:19|20)[0-9]{2}(?:[-./ ](?:0?[1-9]|1[0-2])[-./ ](?:0?[1-9]|[12][0-9]|3[01])"
    r"|(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01]))"
    r"|(?:0?[1-9]|[12][0-9]|3[01])([-./])(?:0?[1-9]|[12][0-9]|3[01])\1(?:19|20)[0-9]{2})(?![0-9])"
)
ABROAD = re.compile(
    "(?:(27)[6-8][0-9]{8}|(31)6[0-9]{8}|(32)4[0-9]{8}|(33)[67][0-9]{8}|(34)[67][0-9]{8}|(351)9[0-9]{8}"
    "|(353)8[35-9][0-9]{7}|(358)[45][0-9]{7,9}|(39)3[0-9]{8,9}|(41)7[5-9][0-9]{7}|(43)6[5-9][0-9]{7,9}"
    "|(44)7[1-9][0-9]{8}|(46)7[02369][0-9]{7}|(47)[49][0-9]{7}|(48)[4-8][0-9]{8}|(49)1[567][0-9]{8,9}"
    "|(54)9[0-9]{10}|(55)[1-9][0-9]9[0-9]{8}|(60)1[0-9]{8,9}|(61)4[0-9]{8}|(62)8[0-9]{8,11}|(63)9[0-9]{9}"
    "|(64)2[0-9]{7,9}|(65)[89][0-9]{7}|(66)[689][0-9]{8}|(7)9[0-9]{9}|(81)[789]0[0-9]{8}|(82)10[0-9]{8}"
    "|(84)[35789][0-9]{8}|(852)[4-79][0-9]{7}|(853)6[0-9]{7}|(886)9[0-9]{8}|(90)5[0-9]{9}"
    "|(91)[6-9][0-9]{9}|(971)5[0-9]{8}|(972)5[0-9]{8})"
)
"""Mobiles with their calling code and no "+" (ITU-T E.164, national numbering plans); the code is a group."""
NUMBER = re.compile(
    r"(?:^|[^a-z ] ?|\b(?:my|his|her|our|their|new|old|the|same|uk|us) )"
    r"(?:number|num|no)(?:'s| is| was)?[:.]? {0,2}$"
)
"""A number of nothing else: "number: 61 4…", not "part number: 61 4…"."""


def abroad(lower: str, start: int, digits: str, first: int) -> bool:
    """Tell whether digits under "number" are a foreign mobile whose first group is its calling code.

    Parameters
    ----------
    lower
        The text in lower case.
    start
        Where the digits begin.
    digits
        The digits without separators.
    first
        How many of them stand in the first group.
    """
    code = ABROAD.fullmatch(digits)
    return (
        code is not None
        and code.end(code.lastindex or 0) == first
        and bool(NUMBER.search(lower[max(0, start - 24) : start]))
    )
