"""Tables of texts and the spans the finder must report, by type; negatives beside positives."""

from __future__ import annotations

import pytest

from models.pii import Finder

FINDER = Finder()

POSITIVE = [
    ("PHONE", "打我196-9986-9673吧", "196-9986-9673", "8619699869673"),
    ("PHONE", "手机＋８６　１３８００１３８０００", "＋８６　１３８００１３８０００", "8613800138000"),
    ("PHONE", "打一三八零零一三八零零零一直占线", "一三八零零一三八零零零", "8613800138000"),
    ("PHONE", "座机010-62345678转801", "010-62345678转801", "861062345678"),
    ("PHONE", "call (415) 555-0132 now", "(415) 555-0132", "14155550132"),
    ("PHONE", "reach me on +44 (0)20 7946 0958", "+44 (0)20 7946 0958", "442079460958"),
    ("ID_CARD", "身份证11010519491231002X失败", "11010519491231002X", "11010519491231002X"),
    ("ID_CARD", "HKID A123456(3) rejected", "A123456(3)", "A1234563"),
    ("BANK_CARD", "卡号4111 1111 1111 1111", "4111 1111 1111 1111", "4111111111111111"),
    ("BANK_CARD", "card 3782-822463-10005 declined", "3782-822463-10005", "378282246310005"),
    (
        "BANK_CARD",
        "IBAN GB82 WEST 1234 5698 7654 32.",
        "GB82 WEST 1234 5698 7654 32",
        "GB82WEST12345698765432",
    ),
    ("EMAIL", "mail John.Smith@Example.com", "John.Smith@Example.com", "john.smith@example.com"),
    ("EMAIL", "jane dot doe at example dot com", "jane dot doe at example dot com", "jane.doe@example.com"),
    ("IP", "登录IP 203.0.113.9 不是我", "203.0.113.9", "203.0.113.9"),
    ("IP", "server 2001:db8::1f00:9 down", "2001:db8::1f00:9", "2001:db8::1f00:9"),
    ("PLATE", "车牌京A·12345违章", "京A·12345", "京A12345"),
    ("PLATE", "新能源车贵B51365D充电", "贵B51365D", "贵B51365D"),
    ("PLATE", "license plate VMX 1181 was charged", "VMX 1181", "VMX1181"),
    ("PASSPORT", "护照E12345678过期", "E12345678", "E12345678"),
    ("PASSPORT", "passport number 657502241", "657502241", "657502241"),
    ("SSN", "my SSN is 205 87 4138.", "205 87 4138", "205874138"),
    ("WECHAT", "加我微信lihua57聊", "lihua57", "lihua57"),
    ("QQ", "联系QQ：642070007", "642070007", "642070007"),
    ("URL_TOKEN", "打开 https://a.example/r?token=Zk81mP0q 报错", "https://a.example/r?token=Zk81mP0q", None),
    (
        "ADDRESS",
        "收货地址：浙江省杭州市西湖区文三路90号2单元501室",
        "浙江省杭州市西湖区文三路90号2单元501室",
        None,
    ),
    ("ADDRESS", "ship it to 381 Brandon Road Apt. 41", "381 Brandon Road Apt. 41", None),
    ("NAME", "收货人王小丽，谢谢", "王小丽", "王小丽"),
    ("NAME", "投诉人：欧阳建国", "欧阳建国", "欧阳建国"),
    ("NAME", "My name is Alice Cooper and I wait", "Alice Cooper", "alice cooper"),
]

NEGATIVE = [
    "订单号202406151234567890到现在没发货",
    "快递单号SF1234567890123三天没动静",
    "客服热线400-820-8820一直占线，打10086也没用",
    "更新到12.3.45.6版本后闪退",
    "时间戳1718425845123不对",
    "编号110105194912310021查询失败",
    "交易号4111111111111112怎么是失败",
    "第三次反馈了，一二三四五条都没人看",
    "请求id 858d869d-d3cb-46bb-a609-68787ef94f55 超时",
    "firmware 12.11.5.87 bricked my device",
    "ratio 3.14159265358 looks stretched",
    "reference 12091352345 not found",
    "std::vector<int> took 12:30:45",
    "page https://www.example.com/help?page=2 is down",
    "微信支付失败，WeChat payments keep crashing",
    "京东自营的A12345型号断货了",
    "高兴得太早了，方便面都涨价了",
    "Great app, love the dark mode",
]


@pytest.mark.parametrize(("kind", "text", "surface", "value"), POSITIVE)
def test_reports_the_span(kind: str, text: str, surface: str, value: str | None) -> None:
    found = [(span.type, text[span.start : span.end]) for span in FINDER.find(text)]
    assert (kind, surface) in found
    if value is not None:
        assert value in {span.value for span in FINDER.find(text)}


@pytest.mark.parametrize("text", NEGATIVE)
def test_reports_nothing(text: str) -> None:
    assert FINDER.find(text) == []


def test_finds_several_in_order() -> None:
    text = "我叫李建国，手机13800138000，邮箱a@b.com"
    assert [span.type for span in FINDER.find(text)] == ["NAME", "PHONE", "EMAIL"]


def test_numbers_in_a_long_list_are_all_found() -> None:
    text = "名单 " + " ".join(["138 0013 8000"] * 60)
    assert sum(span.type == "PHONE" for span in FINDER.find(text)) == 60
