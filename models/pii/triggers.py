"""What the gate looks for: Hyperscan expressions and the recogniser each concerns, as a bit."""

from __future__ import annotations

from collections.abc import Sequence

NORMALISE = 1
DIGITS = 2
EMAIL = 4
IP = 8
PLATE = 16
PASSPORT = 32
CODES = 64
WECHAT = 128
QQ = 256
URL = 512
ADDRESS = 1024
NAME = 2048
WESTERN_ADDRESS = 4096
ENGLISH_NAME = 8192
POST_BOX = 16384
EUROPEAN_ADDRESS = 32768
SPOKEN = 65536
HOUSE = 131072
STREET = 262144
ALL = 131071
NAME_PAIR = 1048576
"""A name only its own characters speak for: instead of NAME where no role, double surname or dot is."""

DOTS = "·•・‧◦∙⋅"
"""Dots that stand in the middle of a line."""
WEBMAIL = "(?:qq|163|126|139|gmail|hotmail|outlook|foxmail|yahoo|sina|icloud)"
"""Mail providers whose domain people cut short."""
PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"

STREETS = (
    "street|st|avenue|ave|road|rd|boulevard|blvd|lane|ln|drive|dr|court|ct|square|highway|hwy|parkway|pkwy"
    "|terrace|circle|cir|way|place|pl|crescent|close|expressway|freeway|turnpike|alley|mews"
)

LOOK_ALIKE = (
    r"\x{ff03}\x{ff0b}\x{ff10}-\x{ff19}\x{ff20}-\x{ff3a}\x{ff41}-\x{ff5a}\x{ff0e}\x{ff0f}\x{ff3f}\x{fe6b}\x{2460}-\x{24ff}"
    r"\x{2776}-\x{2793}\x{2070}-\x{2089}\x{00b2}\x{00b3}\x{00b9}\x{00a0}\x{2000}-\x{200c}\x{200e}\x{200f}\x{202a}-\x{202f}"
    r"\x{205f}-\x{206f}\x{feff}\x{00ad}\x{1d400}-\x{1d7ff}\x{0660}-\x{0669}\x{06f0}-\x{06f9}"
    r"\x{07c0}-\x{07c9}\x{0966}-\x{0dff}\x{0e50}-\x{0e59}\x{0ed0}-\x{0ed9}\x{0f20}-\x{0f29}\x{1040}-\x{1099}"
    r"\x{1369}-\x{1371}\x{17b4}\x{17b5}\x{17e0}-\x{17e9}\x{180b}-\x{1819}\x{1946}-\x{19da}\x{1a80}-\x{1a99}"
    r"\x{1b50}-\x{1b59}\x{1bb0}-\x{1bb9}\x{1c40}-\x{1c59}\x{a620}-\x{a629}\x{a8d0}-\x{abf9}"
    r"\x{2010}-\x{2012}\x{2015}\x{2043}\x{2212}\x{ff0d}\x{fe55}\x{fe52}\x{fe58}\x{fe63}\x{2024}\x{ff61}"
    r"\x{fe00}-\x{fe0e}\x{034f}\x{061c}\x{115f}\x{1160}\x{3164}\x{ffa0}\x{fff9}-\x{fffb}\x{2060}-\x{2064}"
    r"\x{10480}-\x{104ff}\x{10d30}-\x{12000}\x{16a00}-\x{16cff}\x{1ccf0}-\x{1ccff}\x{1e100}-\x{1e9ff}"
    r"\x{1f100}-\x{1f10c}\x{1fbf0}-\x{1fbf9}\x{e0000}-\x{e007f}\x{2100}-\x{2121}\x{2123}-\x{2138}\x{2145}-\x{214f}"
)
_DASHES = (
    r"\x{3000}\x{2013}\x{2014}\x{301c}\x{223c}\x{02dc}\x{ff02}-\x{ff07}\x{ff0a}\x{ff0d}-\x{ff0f}"
    r"\x{ff1c}-\x{ff1e}\x{ff5b}-\x{ff5e}"
)
"""Signs common in Chinese texts that are look-alikes only beside a letter or digit."""
_EMOJI = r"\x{a9}\x{ae}\x{203c}-\x{3299}\x{1f000}-\x{1faff}\x{fe0f}"
HAN_DIGITS = "〇零○一二三四五六七八九壹贰叁肆伍陆柒捌玖幺两"

PATTERNS: Sequence[tuple[int, str]] = (
    (NORMALISE, rf"[{LOOK_ALIKE}]"),
    (NORMALISE, rf"[^{_EMOJI}][\x{{fe0f}}\x{{200d}}\x{{20e3}}]|[0-9#*]\x{{fe0f}}"),
    (NORMALISE, rf"[{HAN_DIGITS}](?:[ \-.]?[{HAN_DIGITS}0-9]){{5}}"),
    (NORMALISE, rf"[0-9](?:[ \-.]?[0-9]){{0,4}}[ \-.]?[{HAN_DIGITS}](?:[ \-.]?[{HAN_DIGITS}0-9])"),
    (
        NORMALISE,
        rf"[{HAN_DIGITS}]{{3}}[，,、…|] ?[{HAN_DIGITS}]{{4}}[，,、…|]|(?:[{HAN_DIGITS}][，,、…|] ?){{10}}",
    ),
    (
        NORMALISE,
        rf"[0-9A-Za-z][{_DASHES}]|[{_DASHES}][0-9A-Za-z#]",
    ),
    (DIGITS, rf"[0-9](?:[ \t()（）\]】./_~{DOTS}*\-]{{0,3}}[0-9]){{6}}"),
    (
        DIGITS,
        r"[0-9]{3,4}[，,、|=+…\\:;；\n] ?[0-9]{3,8}[，,、|=+…\\:;；\n] ?[0-9]{4}"
        r"|(?:[0-9][，,、|=+…\\:;；\n] ?){7}[0-9]",
    ),
    (
        EMAIL,
        r"[^ \n@] {0,2}@ {0,2}(?:[^\s@.。]+(?:\.[^\s]|。|点|點|，(?:com|cn|net)"
        r"| ?[\[({<*【（「〔〈《]{0,2} ?dot| \. )|\[)",
    ),
    (
        EMAIL,
        rf"[^ \n@] ?[\[({{<【（「〔〈《]{{1,2}} ?@|%40|&#64;|@{WEBMAIL}",
    ),
    (EMAIL, rf"at{WEBMAIL} ?(?:\.|点|dot|。)|at[a-z0-9\-]{{1,40}}dot[a-z]{{2}}"),
    (
        EMAIL,
        r"[ _\[({<*\-]at[ _\])}>*\-]{1,3}[a-z0-9][a-z0-9\-]{0,40}"
        r"[ _\[({<*\-]{0,3}(?:\.[^ ]| \. |。|点|點|dot|d0t|punkt|point)",
    ),
    (EMAIL, r"[\[({<【（「〔〈《](?:at|a|艾特|圈a|爱特)|艾特|爱特|圈a|小老鼠"),
    (EMAIL, rf" at (?:sign|symbol) | at {WEBMAIL}|在 ?{WEBMAIL}|[^ \n@]@@[a-z0-9]"),
    (EMAIL, r"[a-z0-9] ?# ?[a-z0-9][a-z0-9\-]{0,40} ?(?:\.|。|点|點|[_\[({<*【（「\- ]dot)"),
    (EMAIL, rf"a{WEBMAIL}[点點。]|[a-z0-9_]#[a-z0-9][a-z0-9\-]{{0,40}}#[a-z]{{2}}"),
    (
        IP,
        r"[0-9](?:[dot \[\](){}.。点]{1,7}[0-9]{1,3}){2}[dot \[\](){}.。点]{1,7}[0-9]",
    ),
    (IP, r"[0-9a-f](?::[0-9a-f]{1,4}){5}"),
    (IP, r"[a-z0-9]-[0-9]{1,3}-[0-9]{1,3}-[0-9]{1,3}-[0-9]|[0-9]-[0-9]{1,3}-[0-9]{1,3}-[0-9]{1,3}\.[a-z]"),
    (IP, r"(?:ip|host)[-. ]?[0-9]{1,3}-[0-9]{1,3}-[0-9]{1,3}-[0-9]"),
    (IP, r"::|ip[^0-9]{0,4}[0-9]{1,3} ?[,，]"),
    (
        PLATE,
        rf"[{PROVINCES}使民航][ {DOTS}.\-/_:：*()（）\[\]【】]{{0,3}}[a-z0-9]"
        rf"[ {DOTS}.\-/_:：*()（）\[\]【】]{{0,3}}(?:[a-z0-9][ {DOTS}.\-/_]?){{0,4}}[0-9]",
    ),
    (
        PLATE,
        r"(?:[车車]牌|牌照|[车車]号|号牌|港[车牌]|两地牌|[绿蓝黄]牌|plate|registration|军车|警车|wj|武警|\breg\b|vrn|\btags?\b|"
        r"\b[a-z]{2}[0-9]{2} ?[a-z]{3}\b)",
    ),
    (
        PASSPORT,
        r"(?:[护護]照|通行[证證]|回[乡鄉][证證]|[台胞入]{2}[证證]|出入境"
        r"|passport|ppt|旅行[证證]|travel (?:document|permit))",
    ),
    (PASSPORT, r"\b[egpsdhkm][a-z]?[0-9]{7,8}\b"),
    (
        CODES,
        r"[a-z] ?[0-9]{6}[ (（]"
        r"|(?:^|[^a-z0-9])(?:[a-z]{1,2}[0-9]{6}[0-9a]|[a-z][1289][0-9]{8}|[stfgm][0-9]{7}[a-z])",
    ),
    (CODES, r"[157]/?[0-9]{6}[/(（ ]"),
    (CODES, r"[a-z]{2}[0-9]{2}[ \-]?[a-z0-9]{4}[ \-]?[a-z0-9]{4}[ \-]?[a-z0-9]"),
    (
        WECHAT,
        r"(?:[微薇威徽維维卫唯葳溦嶶伪][ \-.·]?(?:[❤♥]\x{fe0f}?)?(?:信|芯|心|星|❤|♥|x|号|號)|[微薇威][:：]|"
        r"[加嘉佳我系私扣下][薇威]|绿色|wei ?(?:xin|[信芯心])|we ?chat|wxid_|"
        r"绿泡泡|"
        r"(?:^|[^a-z0-9])[vw][-._/ ]?x|(?:^|[^a-z0-9])[vw][-. ]?[信芯❤♥]"
        r"|[加➕+] ?[v微]|加我|一下 ?[v微]|[我系私扣] ?[v微]|(?:^|[^a-z0-9])v[ :：])",
    ),
    (
        QQ,
        r"(?:q[ ._\-]?q|扣扣|蔻蔻|抠抠|叩叩|企鹅|🐧|(?:^|[^a-z0-9])q[ :：号]|"
        r"[加我询服系的扣]q|q我|q[1-9][0-9]{6}|加扣|[我系找的]扣|"
        r"群号?[:： 是]{0,3}[1-9]|q群|[球秋丘]{2}|扣[号:：]|tx号|腾讯号)",
    ),
    (URL, r"(?:://|www\.)[^\s]*(?:[=@;]|/[a-z0-9_\-]{20}|/[a-z0-9_.\-]*/[a-z0-9_\-]{6})"),
    (URL, r"\.[a-z]{2,10}(?::[0-9]{2,5})?/[^\s?]*\?[^\s]*="),
    (URL, r"eyj[a-z0-9_\-]{8}"),
    (HOUSE, r"[0-9][a-z]?,? [a-z0-9]"),
    (STREET, rf"\b(?:{STREETS})\b"),
)
