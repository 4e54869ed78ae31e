"""Personal data in forms written without sight of the recognisers; the forms that fixes may look at.

A form is a small pattern: `#` is a digit, `&` one of 2 to 9, `^` one of 3 to 9, `~A` a capital, `~a` a
small letter, `~h` a hex digit, `~t` a letter or digit; other characters stand for themselves. A prefix
`full:`, `circled:`, `han:`, `yao:`, `formal:`, `math:`, `keycap:` or `zero:` respells the digits. Forms
in braces are numbers with a check digit, cut into groups: `{card 62 19 4-4-4-4-3}`.
"""

from __future__ import annotations

import random
import re
from typing import NamedTuple

import pii_samples as samples

ALPHABETS = {
    "full": "０１２３４５６７８９",
    "circled": "⓪①②③④⑤⑥⑦⑧⑨",
    "han": "〇一二三四五六七八九",
    "yao": "零幺两三四五六七八九",
    "formal": "零壹贰叁肆伍陆柒捌玖",
    "math": "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗",
}
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


class Sample(NamedTuple):
    """A text, its language, and the one value in it; no type where it holds no personal data."""

    text: str
    lang: str
    start: int
    end: int
    type: str
    form: str


class Group(NamedTuple):
    """Forms of one type and the sentences they may stand in, of one language."""

    type: str
    lang: str
    forms: tuple[str, ...]
    contexts: tuple[str, ...]


def _cut(value: str, sizes: str) -> str:
    if sizes == "1":
        return " ".join(value)
    parts = re.split(r"(\d+)", sizes)
    out, position = "", 0
    for part in parts:
        if part.isdigit():
            out += value[position : position + int(part)]
            position += int(part)
        else:
            out += part
    return out + value[position:]


def _checked(rng: random.Random, kind: str, rest: list[str]) -> str:
    if kind == "card":
        prefix, length = rest[0], int(rest[1])
        middle = "".join(rng.choice("0123456789") for _ in range(length - 1 - len(prefix)))
        return samples.luhn_complete(prefix + middle)
    if kind == "badcard":
        value = _checked(rng, "card", rest)
        return value[:-1] + str((int(value[-1]) + 3) % 10)
    number = samples.citizen(rng)
    if kind == "old":
        return number[:6] + number[8:17]
    if kind == "badid":
        return number[:-1] + ("5" if number[-1] != "5" else "6")
    if kind == "idx":
        while number[-1] != "X":
            number = samples.citizen(rng)
    return number


def build(form: str, rng: random.Random) -> str:
    """Return a made-up value of a form."""
    head, colon, tail = form.partition(":")
    if colon and head in (*ALPHABETS, "keycap", "zero", "lower"):
        value = build(tail, rng)
        if head == "lower":
            return value.lower()
        if head == "keycap":
            return "".join(f"{char}\ufe0f\u20e3" if char.isdigit() else char for char in value)
        if head == "zero":
            return "\u200b".join(value)
        return "".join(ALPHABETS[head][int(c)] if c.isascii() and c.isdigit() else c for c in value)

    def number(match: re.Match[str]) -> str:
        kind, *rest = match[1].split(" ", 3 if "card" in match[1] else 1)
        sizes = rest[-1] if len(rest) == (3 if "card" in kind else 1) else ""
        value = _checked(rng, kind, rest)
        return _cut(value, sizes) if sizes else value

    value = re.sub(r"\{(\w+[^}]*)\}", number, form) if form.startswith("{") else form
    if value is form:
        for mark, choices in (
            ("~A", LETTERS),
            ("~a", LETTERS.lower()),
            ("~h", "0123456789abcdef"),
            ("~t", "abcdefghkmXYZQRS0123456789"),
            ("&", "23456789"),
            ("^", "3456789"),
            ("#", "0123456789"),
        ):
            pieces = value.split(mark)
            value = pieces[0] + "".join(rng.choice(choices) + piece for piece in pieces[1:])
    return value


def draw(groups: tuple[Group, ...], seed: int, contexts: int = 3) -> list[Sample]:
    """Return every form in some of its sentences."""
    rng = random.Random(seed)
    out = []
    for group in groups:
        for form in group.forms:
            for context in rng.sample(group.contexts, min(contexts, len(group.contexts))):
                value = build(form, rng)
                before, _, after = context.partition("{}")
                text, start = before + value + after, len(before)
                out.append(Sample(text, group.lang, start, start + len(value), group.type, form))
    return out


GROUPS: tuple[Group, ...] = (
    Group(
        "PHONE",
        "zh",
        (
            "1^#########",
            "1^# #### ####",
            "1^#—####—####",
            "1^#_####_####",
            "1^#/####/####",
            "(1^#)####-####",
            "1^#·####·####",
            "1^##-####-###",
            "1^#### #####",
            "+86(1^#)########",
            "+(86)1^#########",
            "0086-1^#-####-####",
            "86 1^# #### ####",
            "full:+86 1^#########",
            "full:1^#########",
            "1 ^ # # # # # # # # #",
            "1-^-#-#-#-#-#-#-#-#-#",
            "yao:1^#########",
            "han:1^# #### ####",
            "formal:1^#########",
            "math:1^#########",
            "keycap:1^#########",
            "circled:1^#########",
            "zero:1^#########",
            "1^#\u200d####\ufeff####",
            "1^#\u00a0####\u00a0####",
            "(0571)8#######",
            "0571－8#######",
            "021-6###-####",
            "（０２１）6#######",
            "0719-8######",
            "010-8####### 转 ###",
            "010-8#######-####",
            "0755-8#######分机##",
            "+86-571-8#######",
            "+86 (0)10 6### ####",
            "86-21-6#######",
            "+852 9### ####",
            "00852-6#######",
            "(852) 2### ####",
            "+853-66######",
            "+886-2-####-####",
            "0933 ### ###",
        ),
        (
            "麻烦回我{}",
            "我的手机{}收不到验证码",
            "致电{}无人接听",
            "联系人电话（{}）",
            "客服让我留个号码，我留了{}，没人理",
            "骑手电话是{}，一直不接",
            "预留手机号{}已停机",
            "有事打{}，谢谢",
        ),
    ),
    Group(
        "PHONE",
        "en",
        (
            "(&##)&##-####",
            "&## &## ####",
            "&##-&##-####",
            "&##&######",
            "+1-&##-&##-####",
            "1 (&##) &##-####",
            "1.&##.&##.####",
            "&##/&##-####",
            "&##-&##-#### x###",
            "(&##) &##-#### extension ####",
            "+1 &## &## #### #22",
            "+44 20 7### ####",
            "+44 (0) 7### ######",
            "07### ### ###",
            "0161 4## ####",
            "+353 86 ### ####",
            "+49 30 ########",
            "+49-(0)89-&#####",
            "+33 (0)1 4# ## ## ##",
            "+41 79 ### ## ##",
            "+46 70 ### ## ##",
            "+45 2# ## ## ##",
            "+48 5## ### ###",
            "+30 69# ### ####",
            "+90 5## ### ## ##",
            "+972 5#-&##-####",
            "+966 5# &## ####",
            "+27 8# ### ####",
            "+254 7## ######",
            "+52 1 55 #### ####",
            "+62 812-####-####",
            "+63 917 ### ####",
            "+66 8 #### ####",
            "+92 300 #######",
            "+64 21 ### ####",
            "+61 (0)4## ### ###",
            "+1&##&######",
            "001 &## &## ####",
            "+8613#########",
            "full:+1 &## &## ####",
        ),
        (
            "Reach me on {} after 5pm",
            "call or text {} please",
            "the driver's phone ({}) is off",
            "My cell: {}",
            "left a voicemail at {} yesterday",
            "Phone number on file {} is wrong",
            "Telephone {}.",
        ),
    ),
    Group(
        "ID_CARD",
        "zh",
        (
            "{id}",
            "lower:{idx}",
            "{idx 6 4 4 4}",
            "{id 3 3 8 4}",
            "{id 6·8·4}",
            "full:{idx}",
            "{id 6—8—4}",
            "han:{id}",
            "zero:{id}",
            "{id 6  8  4}",
            "{id 4 4 4 4 2}",
            "{badid}",
            "{old}",
            "math:{id}",
        ),
        (
            "身份证{}提示格式错误",
            "我的身份证号码是{}，实名认证不过",
            "证件号：{}",
            "实名信息{}被别人占用，身份证是我的",
            "上传身份证（{}）失败三次",
        ),
    ),
    Group(
        "ID_CARD", "zh", ("{id}", "{idx}", "lower:{idx}"), ("{}，麻烦查一下", "我的是{}", "资料填{}过不了")
    ),
    Group(
        "BANK_CARD",
        "zh",
        (
            "{card 62 16}",
            "{card 6217 19}",
            "{card 6228 19 4-4-4-4-3}",
            "{card 6222 19 4 4 4 4 3}",
            "{card 621 19 6 13}",
            "{card 62 17}",
            "{card 62 18 6 6 6}",
            "full:{card 62 19}",
            "han:{card 6225 16}",
            "{card 6225 16 4·4·4·4}",
            "{card 6225 16 4_4_4_4}",
            "{card 6225 16 4—4—4—4}",
            "{card 6225 16 8 8}",
            "{card 4 16 4/4/4/4}",
            "zero:{card 62 16}",
            "{badcard 62 16}",
            "{badcard 6217 19 4 4 4 4 3}",
            "{card 436742 19}",
            "{card 955880 19}",
        ),
        (
            "银行卡{}扣了两次款",
            "退款退到卡号{}",
            "我的储蓄卡 {} 绑定失败",
            "信用卡号：{}，显示异常",
            "收款账号{}一直没到账",
        ),
    ),
    Group(
        "BANK_CARD",
        "en",
        (
            "{card 4 16}",
            "{card 4 16 4 4 4 4}",
            "{card 51 16 4-4-4-4}",
            "{card 37 15 4 6 5}",
            "{card 34 15}",
            "{card 37 15 4-6-5}",
            "{card 36 14 4 6 4}",
            "{card 3528 16}",
            "{card 6011 16 4.4.4.4}",
            "{card 2221 16}",
            "{card 65 16 4 4 4 4}",
            "{card 4 13}",
            "{badcard 4 16}",
            "{badcard 37 15 4 6 5}",
            "{card 4 16 4\u00a04\u00a04\u00a04}",
            "{card 51 16 4–4–4–4}",
        ),
        (
            "my card {} was charged twice",
            "Visa ending badly: card number {} declined",
            "credit card {} expired",
            "you billed debit card {} again",
            "Card no. {}",
        ),
    ),
    Group(
        "EMAIL",
        "zh",
        (
            "zhang.san##@163.com",
            "li-si@foo.com.cn",
            "wang_wu@公司.cn",
            "wangwu##＠qq.com",
            "zhaoliu@vip.163.com",
            "########@qq.com",
            "zhaoliu艾特qq点com",
            "lixiaoming(at)163.com",
            "lixiaoming【at】163【dot】com",
            "lixiaoming @ sina.com",
            "full:ab##@126.com",
            "Lee.Ming+shop@example.hk",
        ),
        (
            "发票发到{}吧",
            "我的邮箱是{}，验证码没收到",
            "邮箱：{}",
            "请回复到{}，谢谢",
            "换绑邮箱{}失败",
        ),
    ),
    Group(
        "EMAIL",
        "en",
        (
            "jane.doe@example.com",
            "j.d+news@sub.example.co.uk",
            "bob_##@example.io",
            "o'brien@example.ie",
            "jane (at) example (dot) com",
            "jane [at] example [dot] co [dot] uk",
            "jane at example dot com",
            "jane AT example DOT org",
            "jane.doe at gmail dot com",
            "jane<at>example<dot>net",
            "JANE@EXAMPLE.COM",
            "first.last@my-company.museum",
            "x@y.co",
            "<jane@example.com>",
            "mailto:jane@example.com",
            "jane@example.com.",
        ),
        (
            "send it to {} please",
            "My email is {}",
            "email {} bounced",
            "reset mail for {} never came",
            "You can write me: {}",
        ),
    ),
    Group(
        "IP",
        "en",
        (
            "203.0.113.#",
            "10.#.2.1##",
            "172.16.2#.&",
            "198.51.100.2#:8080",
            "198.51.100.0/24",
            "[198.51.100.7]",
            "198[.]51[.]100[.]2#",
            "198(dot)51(dot)100(dot)2#",
            "2001:db8:~h~h~h1:2:3:4:5:6",
            "2001:db8::~h~h",
            "[2001:db8::1]:443",
            "fe80::1%eth0",
            "::ffff:192.0.2.1#",
            "2001:db8:0:0:8:800:200c:417a",
            "2001:0DB8:AC10:FE01::",
            "2001:db8::/48",
        ),
        (
            "login from IP {} was not me",
            "my ip address is {} and it is blocked",
            "cannot reach {} since noon",
            "blocked host {}",
            "requests from {} time out",
        ),
    ),
    Group(
        "IP",
        "zh",
        ("10.#.2.1##", "full:172.16.2#.&", "192。168。1。2#", "203.0.113.1#:3389", "192点168点1点20"),
        ("IP地址{}异地登录", "我的ip是{}", "服务器{}连不上"),
    ),
    Group(
        "PLATE",
        "zh",
        (
            "粤B#####",
            "沪A·~A####",
            "京~A##~A##",
            "京AD#####",
            "粤BF~A####",
            "浙A#####D",
            "苏E·D#####",
            "粤Z~A###港",
            "粤Z·~A###澳",
            "使014###",
            "沪A00##领",
            "京A####警",
            "WJ京#####",
            "冀B####挂",
            "川A####学",
            "full:粤B#####",
            "lower:浙a~A####",
            "粤 B ~A####",
            "豫A-#####",
            "【粤B#####】",
            "晋A—#####",
            "琼~A~A~A###",
        ),
        (
            "车牌{}被误识别",
            "我的车{}停了两小时收四十",
            "车牌号：{}",
            "绑定车辆{}失败",
            "司机开的{}，绕路",
        ),
    ),
    Group(
        "PASSPORT",
        "zh",
        (
            "E########",
            "EJ#######",
            "G########",
            "D########",
            "SE#######",
            "PE#######",
            "K########",
            "KJ#######",
        )
        + ("full:E########", "E-########", "E #### ####", "lower:e########", "3########"),
        ("护照{}无法识别", "护照号码：{}", "用护照号{}登记酒店失败", "我的护照是{}"),
    ),
    Group(
        "PASSPORT",
        "en",
        (
            "5########",
            "A########",
            "C4VK6##R8",
            "TR#######",
            "M########",
            "##AF#####",
            "PA#######",
            "GA######",
            "YA#######",
            "AAB######",
            "K#######E",
            "P#######A",
            "AA#######",
            "B#######",
            "## #######",
        ),
        (
            "my passport {} was rejected",
            "passport number: {}",
            "Passport No. {} cannot be scanned",
            "passport no {} expired",
        ),
    ),
    Group(
        "SSN",
        "en",
        (
            "2##-5#-4###",
            "4## 2# 5###",
            "52#1#3###",
            "3##.4#.5###",
            "3##–4#–5###",
            "5##/3#/2###",
            "full:2##-5#-4###",
        )
        + ("3##_4#_5###",),
        (
            "my SSN {} leaked",
            "social security number is {}",
            "Social Security: {}",
            "ssn#: {}",
            "last form wanted SSN ({})",
        ),
    ),
    Group("SSN", "en", ("2##-5#-4###", "4##-1#-2###"), ("{} is what they asked me for", "verify {} again")),
    Group(
        "WECHAT",
        "zh",
        (
            "wxid_~a~a####~a~a##",
            "zhang_san_##",
            "LiMing####",
            "tom-####",
            "abc######",
            "xiaoming1990",
            "a1########",
            "happylife",
            "full:wang####",
        ),
        (
            "加微信{}",
            "我的微信号是{}",
            "微信：{}",
            "vx {} 备注退款",
            "V信{}联系",
            "wx：{}",
            "加我薇信{}",
            "微信ID：{}",
            "威信号{}",
        ),
    ),
    Group(
        "WECHAT",
        "en",
        ("tom_lee##", "wxid_~a####~a~a", "Sunny####"),
        ("my WeChat ID is {}", "WeChat: {}", "add me on WeChat {}", "wechat id {}"),
    ),
    Group(
        "QQ",
        "zh",
        (
            "&####",
            "&#######",
            "&########",
            "1#########",
            "full:&########",
            "&## ### ###",
            "han:&########",
            "zero:&#######",
        ),
        ("QQ{}", "加我QQ：{}", "我的qq号是{}", "扣扣{}找我", "企鹅号{}", "QQ号码 {} 被盗", "Q Q：{}"),
    ),
    Group("QQ", "en", ("&########", "1#########"), ("my QQ is {}", "QQ: {}", "QQ number {}")),
    Group(
        "URL_TOKEN",
        "en",
        (
            "https://example.com/reset?token=~t~t~t~t~t~t~t~t~t~t~t~t~t~t~t~t",
            "https://app.example.com/login?session=~h~h~h~h~h~h~h~h~h~h~h~h~h~h~h~h",
            "http://example.com/a?sessionid=~t~t~t~t~t~t~t~t~t~t~t~t",
            "https://example.com/cb#access_token=~t~t~t~t~t~t~t~t~t~t~t~t~t~t",
            "https://bob:hunter##@example.com/x",
            "https://example.com/u?sig=~h~h~h~h~h~h~h~h~h~h~h~h~h~h~h~h~h~h~h~h",
            "https://example.com/i?api_key=~t~t~t~t~t~t~t~t~t~t~t~t",
            "example.com/p?jwt=eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.SflKxwRJSMeKKF2QT4",
            "https://example.com/verify?code=~t~t~t~t~t~t~t~t~t~t~t~t~t~t~t~t~t~t",
            "https://example.com/x;jsessionid=~h~h~h~h~h~h~h~h~h~h~h~h~h~h~h~h~h~h",
            "HTTPS://EXAMPLE.COM/R?TOKEN=~h~h~h~h~h~h~h~h~h~h~h~h~h~h~h~h",
            "https://example.com/s?ticket=ST-##-~t~t~t~t~t~t~t~t~t~t~t~t~t~t",
        ),
        ("this link {} gives 404", "opened {} and got an error", "see {}", "链接{} 打不开"),
    ),
    Group(
        "ADDRESS",
        "zh",
        (
            "广东省深圳市南山区科技园南路##号",
            "上海市浦东新区张江路###弄#号楼&##室",
            "杭州市西湖区文三路###号",
            "北京市朝阳区建国路88号院3号楼1单元502",
            "成都市武侯区人民南路四段#号",
            "江苏省苏州市工业园区星湖街###号创意产业园A栋",
            "海淀区中关村大街1#号",
            "湖北省武汉市洪山区珞喻路###号华中小区2栋1单元&01",
            "天河路###号",
            "新疆乌鲁木齐市天山区解放南路##号",
        ),
        ("收货地址{}，写错了", "我住{}，快递说送不到", "地址：{}", "送到{}就行", "家在{}附近没网点"),
    ),
    Group(
        "ADDRESS",
        "en",
        (
            "12## Maple Street",
            "45 Oak Ave, Springfield, IL 627##",
            "8## N 5th St Apt 4B",
            "221B Baker Street, London",
            "P.O. Box ###",
            "77 Sunset Blvd., Los Angeles, CA 900##",
            "1# Rue de Rivoli, Paris",
            "3## Elm Rd, Suite 2##",
        ),
        ("ship it to {} please", "I live at {}", "Address: {}", "it was delivered to {} instead"),
    ),
    Group(
        "NAME",
        "zh",
        ("张伟", "李秀英", "王建国", "欧阳娜娜", "陈晓东", "刘洋", "周子涵", "司马光远", "林志玲", "赵敏"),
        (
            "我叫{}",
            "收件人：{}",
            "客服{}态度很好",
            "{}先生投诉过",
            "联系人{}，急",
            "姓名：{}",
            "{}女士的订单",
        ),
    ),
    Group(
        "NAME",
        "en",
        ("Emily Carter", "John Smith", "Priya Patel", "Mary O'Neil", "Jean-Luc Martin", "David Lee"),
        ("My name is {}", "I spoke with {} yesterday", "Agent {} was rude", "Mr. {} refused", "Regards,\n{}"),
    ),
)
"""Written first and used to find what to fix."""

NEGATIVES: tuple[str, ...] = (
    "订单号{n20}还没发货".replace("{n20}", "2024" + "#" * 16),
    "订单编号：&#################，申请退款",
    "运单号YT&############三天没更新",
    "快递JD0####&########签收了没收到",
    "圆通单号YT#############",
    "顺丰SF1############显示已签收",
    "流水号 ####&############## 查不到",
    "升级到V&.1#.3之后就闪退",
    "版本10.1&.3.2不能用",
    "固件1.0.&#.1#有问题",
    "价格从1##99降到8999，亏了",
    "余额¥12,3##.56不对",
    "2024年1&月3#日下的单".replace("1&", "11").replace("3#", "2#"),
    "2024/11/0& 12:3#:45登录不上",
    "20241105123###生成的报告错了",
    "打95588转人工等了半小时",
    "客服400-8&#-####一直忙线",
    "拨打12315投诉你们",
    "800-820-####打不通",
    "坐标116.3974##,39.9092##定位偏了",
    "型号RTX4090跑不动",
    "内存DDR5-6400 32G不兼容",
    "ISBN 9787111##### # 买到盗版",
    "商品条码69########### 扫不出",
    "SKU:10008&#####5缺货",
    "UUID 3f25&h04-4f89-11d3-9a0c-0305e82c3301报错".replace("&h", "5a"),
    "验证码######一直错",
    "取件码&-#-####打不开柜子",
    "积分12####清零了",
    "时间戳17000#####123",
    "第&#期第1#页",
    "比赛3-2，2-1，真精彩",
    "一共花了一百二十三块四毛五",
    "一二三四五六七，数了七遍",
    "两三天才回，五六个人推来推去",
    "充了100&####个金币",
    "分辨率2560×1440，144Hz",
    "尺码170/88A偏大",
    "房号8&#空调坏了",
    "航班CA1###晚点",
    "高铁G1###次没座",
    "MU5###改签",
    "税号91440300MA5#####1X写错",
    "公司机器4核8G，跑10000000次要3.5秒",
    "工单号10###########处理太慢",
    "交易号420000#######2024#########",
    "电影票取票码#### #### ####失效",
    "order #1##-#######-####### missing".replace("order #1", "order 1"),
    "tracking 9400 1000 0000 0000 0000 ##",
    "USPS 94001##################### lost",
    "FedEx 7#########&# stuck in Memphis",
    "UPS 1Z~A~A##~A##########",
    "version 2.1#.4.1 crashes",
    "build 20241105.3 fails",
    "iOS 17.&.1 broke it",
    "paid $1,2##.99 for this",
    "on 2024-11-0& at 12:3#:22",
    "released 11/0&/2024",
    "ISBN 978-0-13-46859#-1",
    "uuid 123e4567-e89b-12d3-a456-4266141740##",
    "SKU B0##~A~A~A#### out of stock",
    "error code 0x8007####",
    "lat 37.7749## lon -122.4194##",
    "timestamp 1700######",
    "invoice INV-2024-00####",
    "model WH-1000XM5 vs QC45",
    "ticket 48####9 is still open",
    "call 911 first, they said",
    "score was 21-15, 21-18, 19-21",
    "ratio 1:1000000 scale",
    "resolution 3840x2160 at 120 fps",
    "part number 90915-YZZD1 does not fit",
    "MAC 00:1B:44:11:3A:B7 not recognised",
    "sha1 da39a3ee5e6b4b0d3255bfef95601890afd807##",
    "see https://example.com/products/1234567?ref=home&page=2",
    "https://shop.example.com/item/10008######.html 链接失效",
    "it takes 1000000000 years to load",
    "100000000000 times better",
    "serial no. SN: C02X#0##JHD2",
    "9.99.99.9 out of ten? I'd say 10/10",
    "may I ask when will the update arrive",
    "The Bank Street app is great, Grace period too short",
    "I am May to August on holiday",
    "好吃，高大上，张嘴就来",
    "卡顿严重，秦岭那边没信号",
    "王者荣耀闪退，安卓都不行",
    "客服小王很好，但是高峰期排队",
    "李宁的鞋子开胶了",
    "南方航空和东方航空都比你们强",
    "路口那家店1号桌最好",
    "这条街上第2家，50号票也行",
)
"""Ordinary numbers and words that are nobody's."""
