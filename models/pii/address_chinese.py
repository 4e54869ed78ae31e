"""Chinese addresses: from the province, city or district, or from the road or estate, to the room number."""

from __future__ import annotations

import re
from collections.abc import Iterator

from models.pii.span import Candidate
from models.pii.view import View

TYPE = "ADDRESS"
_PROVINCES = (
    "北京|天津|上海|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|"
    "福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南|陕西|甘肃|"
    "青海|台湾|"
    "内蒙古|广西|西藏|宁夏|新疆|香港|澳门"
)
_CITIES = (
    "广州|深圳|杭州|南京|苏州|成都|武汉|西安|郑州|长沙|青岛|大连|沈阳|"
    "宁波|厦门|福州|济南|合肥|无锡|佛山|东莞|昆明|南昌|哈尔滨|长春|"
    "石家庄|太原|"
    "南宁|贵阳|兰州|海口|温州|常州|徐州|珠海|中山|惠州|泉州|烟台|潍坊|"
    "绍兴|嘉兴|台州|金华|南通|扬州|洛阳|保定|唐山|三亚|银川|西宁|拉萨|"
    "呼和浩特|乌鲁木齐"
)
_ROAD = (
    "大道|大街|公路|胡同|街道|路|街|巷|弄|道|里|坊|村|镇|乡|庄|屯|"
    "组|苑|园|花园|公寓|小区|新村|家园|花苑|嘉园|名苑|雅苑|豪庭|山庄|"
    "大厦|广场|"
    "城|天街|天地|国际|中心|府|邸|居|庭|墅|湾|轩|阁|楼|格林|香槟|华庭|"
    "华府|名城|社区|学院|大学|工业园|开发区|产业园|科技园"
)
_NUMBER = (
    r"(?:第? ?[A-Za-z]?[0-9０-９一二三四五六七八九十百]{1,6}(?:[-之#][0-9A-Za-z]{1,5}){0,3}[A-Za-z]? ?"
    r"(?:段|号楼|号院|号|弄|栋|幢|座|单元|层|楼|室|房|户|组|门|期|区|排|"
    r"#)(?:之[一二三四五六七八九十0-9]{1,2})?|[A-Z](?:栋|座|区|幢)|"
    r"[甲乙丙丁](?:单元|座|号楼|号)|(?:东|西|南|北)(?:区|院|门|座|塔|"
    r"楼)) ?"
)
_TAIL = re.compile(
    rf"(?:{_NUMBER}){{1,6}}(?:[0-9]{{3,4}}(?:[室房号户]|(?![0-9年月日元块时分个天.])"
    rf"))?|(?<![0-9])[1-9][0-9]{{0,2}}-[0-9]{{1,2}}-[0-9]{{3,4}}(?![0-9])(?:室)?"
)
_FIGURE = "0-9０-９一二三四五六七八九十百"
_TAIL_START = re.compile(
    rf"[第 A-Za-z{_FIGURE}甲乙丙丁东西南北](?:(?<=[{_FIGURE}])|(?<=[ A-Za-z])[A-Za-z]?[{_FIGURE}]"
    rf"|(?<=第) ?[A-Za-z]?[{_FIGURE}]|(?<=[A-Z])[栋座区幢]|(?<=[甲乙丙丁])[单座号楼]"
    r"|(?<=[东西南北])[区院门座塔楼])"
)
"""Where `_TAIL` could match; the engine skips other characters fast."""
PLACE_ENDS = tuple(_ROAD.split("|"))
_LEFT = re.compile(r"[㐀-鿿A-Za-z0-9·()（） ]{1,48}")
_STOP = re.compile(
    r"(?:地址|住址|家住|住在|住|位于|家在|就在|现在|人在|寄到|寄往|"
    r"寄至|寄给|送到|送至|送往|发到|发往|发至|发|收货|收件|搬到|搬至|"
    r"来自|坐落于|坐落|前往|"
    r"配送|投递|派送|填的|写的|写成|写|改成|改为|改到|变更为|是|在|"
    r"到|去|于|为|从|我|你|他|她|的|了|请|给|我们|您|把|和我|：|:)"
)
_ADMIN = re.compile(
    rf"(?:(?:{_PROVINCES})(?:省|市|(?:壮族|回族|维吾尔)?自治区|特别行政区)?|"
    rf"(?:{_CITIES})市?|[㐀-鿿]{{2,4}}(?:省|市|自治州)|[㐀-鿿]{{1,4}}(?:新区|"
    r"区|县|旗|开发区|工业园区))"
)
_PLACE = (
    r"[ ]?[㐀-鿿A-Z0-9]{1,10}?(?:路|大道|大街|街道|街|镇|乡|巷|胡同|"
    r"小区|花园|公寓|苑|村|大厦|广场|天地|新村|家园)"
)
_CORE = re.compile(rf"[区县旗市]{_PLACE}")
"""What `_WHOLE` cannot do without."""
_CORE_REACH = 24
_WHOLE = re.compile(
    rf"(?:(?:{_PROVINCES})(?:省|市|(?:壮族|回族|维吾尔)?自治区|特别行政区)?[ "
    rf"]?)?(?:(?:{_CITIES})市?|[㐀-鿿]{{2,3}}(?:市|自治州|地区))?[ ]?[㐀-鿿]{{1,4}}(?:新区|"
    rf"区|县|旗|市){_PLACE}"
)
_LABELLED = re.compile(
    r"(?:地址|住址|家住|住在|位于|我家在|寄到|送到|寄往|送至|发到|搬到|户籍|籍贯)[:： 是为在写]{0,3}"
)

TRIGGERS = (
    rf"(?:{_ROAD})[ ]?[A-Za-z0-9第一二三四五六七八九十百甲乙丙丁东西南北-]{{1,9}} ?(?:号|"
    r"弄|栋|幢|座|单元|室|楼|层|房|院|区|门|#|[0-9])",
    r"[市区县州旗省][\x{3400}-\x{9fff}A-Z0-9]{1,10}(?:路|道|街|镇|乡|"
    r"巷|胡同|小区|花园|公寓|苑|村|大厦|广场|天地|家园)",
    r"[0-9]{1,4}(?:栋|幢|号楼|座|弄)[ ]?[0-9A-Z]{1,4}",
    r"[0-9一二三四五六七八九十]{1,3}单元",
)
"""What the gate looks for before this recogniser runs, and without which there is no address."""
_TRIGGER = re.compile("|".join(re.sub(r"\\x\{(\w{4})\}", r"\\u\1", one) for one in TRIGGERS))


def find(view: View) -> list[Candidate]:
    """Return the addresses of a text."""
    text = view.text
    found: list[Candidate] = []
    if not _TRIGGER.search(text):
        return found
    last = 0
    for match in _tails(view):
        if match.start() < last:
            continue
        start = _left(text, match.start(), max(last, match.start() - 36))
        if start is None:
            continue
        found.append(_candidate(text, start, match.end(), 61))
        last = match.end()
    for match in _wholes(view):
        start = match.start() + _trim(match.group())
        labelled = _LABELLED.search(text, max(0, start - 8), start)
        if labelled or len(_ADMIN.findall(match.group())) > 1:
            found.append(_candidate(text, start, match.end(), 49))
    return found


def _tails(view: View) -> Iterator[re.Match[str]]:
    """Yield the numbers of house, storey and room."""
    text = view.text
    start = _TAIL_START.search(text)
    while start:
        view.spend(2)
        match = _TAIL.match(text, start.start())
        if match:
            view.spend(3)
            yield match
        start = _TAIL_START.search(text, match.end() if match else start.start() + 1)


def _wholes(view: View) -> Iterator[re.Match[str]]:
    """Yield places from a district, or what stands before it, to a road or estate."""
    text = view.text
    last = 0
    core = _CORE.search(text)
    while core:
        view.spend(8)
        match = _WHOLE.search(text, max(last, core.start() - _CORE_REACH), core.end() + 2)
        if match:
            last = match.end()
            yield match
        core = _CORE.search(text, max(last, core.start() + 1))


def _left(text: str, end: int, floor: int) -> int | None:
    """Return where the address whose numbers begin at `end` starts, or nothing if no place precedes."""
    left = _LEFT.match(text[floor:end][::-1])
    if not left:
        return None
    segment = left.group()[::-1]
    offset = end - len(segment)
    admin = _ADMIN.search(segment)
    place = segment.endswith(PLACE_ENDS)
    if (
        not place
        and not (admin and len(segment) - admin.end() <= 8)
        and not re.match(r"[0-9]{1,4}(?:栋|幢|号楼|弄|座)", text[end : end + 6])
    ):
        return None
    if admin:
        start = admin.start() + _trim(segment[admin.start() : admin.end()])
        known = re.search(rf"(?:{_PROVINCES}|{_CITIES})", segment)
        if known and known.start() <= admin.end():
            start = min(start, known.start()) if known.start() < start else start
        return offset + start
    cut = 0
    for stop in _STOP.finditer(segment):
        if stop.end() < len(segment) - 1:
            cut = stop.end()
    start = max(cut, len(segment) - 14)
    while start < len(segment) and segment[start] in " )）":
        start += 1
    return offset + start if start < len(segment) else None


def _trim(segment: str) -> int:
    """Return how many code points before the place are words such as "住在"."""
    cut = 0
    for stop in _STOP.finditer(segment):
        if stop.end() <= 4 and stop.end() < len(segment) - 1:
            cut = stop.end()
    return cut


def _candidate(text: str, start: int, end: int, score: int) -> Candidate:
    value = re.sub(r"\s", "", text[start:end])
    return Candidate(start, start + len(text[start:end].rstrip()), TYPE, value, score)
