"""Sentences for the values of `pii_samples`, names and addresses, and texts that only look like them."""

from __future__ import annotations

import random
from collections.abc import Callable

import pii_samples as samples

CONTEXTS: dict[str, tuple[Callable[[random.Random], list[str]], tuple[str, ...]]] = {
    "PHONE": (
        samples.phones,
        (
            "打我电话{}吧",
            "手机：{}，尽快联系",
            "联系方式 {} 谢谢",
            "please call {} tomorrow",
            "Tel: {}",
            "my mobile is {}.",
        ),
    ),
    "ID_CARD": (
        samples.ids,
        ("身份证{}认证失败", "我的证件号：{}。", "ID card {} rejected", "号码{}，请核实"),
    ),
    "BANK_CARD": (
        samples.cards,
        ("卡号{}刷不了", "退到银行卡 {} 上", "my card {} was charged", "Visa {} declined"),
    ),
    "EMAIL": (samples.emails, ("邮箱{}收不到", "write to {} please", "发到 {} 谢谢", "email: {}")),
    "IP": (samples.addresses, ("登录IP {} 不是我", "server {} times out", "blocked {} again", "从{}登录的")),
    "PASSPORT": (
        samples.passports,
        ("护照号{}识别失败", "passport number {} rejected", "护照：{}，办不了", "Passport No: {}"),
    ),
    "SSN": (samples.socials, ("my SSN is {}.", "social security number {} was rejected", "SSN: {}")),
    "WECHAT": (
        samples.wechats,
        ("微信号：{}，备注退款", "加我微信{}聊", "my WeChat is {}", "add me on wechat {}", "vx: {}"),
    ),
    "QQ": (samples.qqs, ("QQ：{}，晚上在线", "加我qq {} 聊", "my QQ is {}", "联系QQ{}")),
    "URL_TOKEN": (samples.links, ("点这个 {} 报502", "the link {} is broken", "链接：{}。")),
    "PLATE": (samples.plates, ("车牌{}违章", "我的车{}被刮了", "停车场识别成{}，多扣钱")),
}
"""Forms and sentences of each type."""

PEOPLE = (
    "收货人王小丽，电话13800138000",
    "我叫欧阳建国，住在浙江省杭州市西湖区文三路90号2单元501室",
    "师傅陈琪杰服务很好",
    "高建华说不行，张伟先生来电投诉",
    "约翰·史密斯的快递",
    "My name is Alice Cooper and I live at 381 Brandon Road Apt. 41",
    "Agent heidi miller was helpful. Regards,\nTom Baker",
    "Hi Freddy, deliver to Rosa Lopez, P.O. Box 12, Springfield, IL 62704",
)
"""Names and samples.addresses, for properties that hold for any text."""

CLEAN = (
    "香格里拉的早餐不如希尔顿，王府井那家更近",
    "宝宝喝王老吉，吃了陈皮和罗非鱼，石家庄发货",
    "康师傅汤面味道一般，张家界农家乐也去过",
    "Hello United, my flight was cancelled. Thanks Alexa!",
    "Best Deals on Prime Day, Cable Strings are great",
    "订单号202406151234567890到现在没发货",
    "快递单号SF1234567890123三天没动静",
    "客服热线400-820-8820一直占线",
    "打10086转人工没人接",
    "更新到12.3.45.6版本后闪退",
    "2024-06-15 12:30:45 登录失败",
    "时间戳1718425845123不对",
    "ISBN 978-7-111-54742-6 买不到",
    "第三次反馈了，一二三四五条都没人看",
    "余额1,234,567.89元，积分20240615",
    "请求id 858d869d-d3cb-46bb-a609-68787ef94f55 超时",
    "北京的门店服务很好，高兴",
    "order 7421110405817476312 still not shipped",
    "firmware 12.11.5.87 bricked my device",
    "ratio 3.14159265358 looks stretched",
    "Tracking number 1Z999AA10123456784 shows nothing",
    "app 5.3.27 build 83691 crashes on SM-G9980",
    "看看 https://www.example.com/help?page=2 打不开",
    "the screen is 1920x1080 and the price went from 16,108.00 to 2998",
    "std::vector<int> a = {1, 2, 3}; took 12:30:45",
    "一共来了一百二十三个人，一直等到二〇二四年",
)
"""Texts without personal data that look like it."""
