"""Kind and demand on texts written for this test."""

import pytest

from models.topics import Analyser


@pytest.fixture(scope="module")
def analyser():
    return Analyser()


@pytest.mark.parametrize(
    ("text", "polarity", "kind"),
    [
        ("外卖等了两个小时才到，都凉了，太失望了", -0.8, "complaint"),
        ("质量太差，用两天就坏了", -0.8, "complaint"),
        ("客服态度恶劣，再也不来了", -0.9, "complaint"),
        ("建议增加夜间模式", 0.1, "suggestion"),
        ("希望能支持指纹登录，就更好了", 0.3, "suggestion"),
        ("能不能加个导出功能", 0.0, "suggestion"),
        ("要是能离线使用就好了", 0.0, "suggestion"),
        ("很好用，五星好评", 0.9, "praise"),
        ("物流很快，包装也好，会回购", 0.8, "praise"),
        ("客服很耐心，谢谢", 0.8, "praise"),
        ("请问怎么修改收货地址？", 0.0, "question"),
        ("这个支持快充吗？", 0.0, "question"),
        ("保修多久", 0.0, "question"),
        ("发票在哪里开", 0.0, "question"),
        ("麻烦帮我取消订单", -0.1, "request"),
        ("申请退款，请尽快处理", -0.3, "request"),
        ("帮我查一下物流到哪了", 0.0, "request"),
        ("需要开发票", 0.0, "request"),
        ("不推荐购买，不满意", -0.6, "complaint"),
        ("不建议大家买这个", -0.5, "complaint"),
        ("The app keeps crashing and support is useless", -0.8, "complaint"),
        ("Worst airline ever, never again", -0.9, "complaint"),
        ("Not good, very disappointed", -0.7, "complaint"),
        ("Please add dark mode", 0.1, "suggestion"),
        ("It would be nice to have offline maps", 0.2, "suggestion"),
        ("I wish you could sort by date", 0.0, "suggestion"),
        ("Great product, love it!", 0.9, "praise"),
        ("Thanks for the quick help", 0.8, "praise"),
        ("Highly recommend this hotel", 0.8, "praise"),
        ("How do I reset my password?", 0.0, "question"),
        ("When will my order ship?", -0.1, "question"),
        ("Does it work with Android 12?", 0.0, "question"),
        ("Is there a way to export data?", 0.0, "question"),
        ("I want a refund please", -0.4, "request"),
        ("Please cancel my subscription", -0.2, "request"),
        ("Can you help me change my flight", 0.0, "request"),
        ("Please call me back", -0.2, "request"),
        ("快递一直没到，请帮我查一下", -0.3, "request"),
        ("为什么又闪退了！垃圾软件", -0.9, "complaint"),
        ("為什麼一直閃退，太差了", -0.8, "complaint"),
        ("bug 太多了，赶紧修", -0.6, "request"),
        ("I hate the new update, it sucks", -0.9, "complaint"),
        ("good but could be improved, please include widgets", 0.3, "suggestion"),
    ],
)
def test_kind(analyser, text, polarity, kind):
    assert analyser.analyse(text, "", polarity, None).kind == kind


@pytest.mark.parametrize(
    ("text", "demands"),
    [
        ("要求退款并赔偿", ["refund", "compensation"]),
        ("请换货或者重新发一个", ["replacement"]),
        ("给我回电，给个说法", ["contact"]),
        ("太失望了，气死我了", []),
        ("不要求退款，只想说说", []),
        ("I want my money back", ["refund"]),
        ("please fix the login", ["repair"]),
        ("cancel my subscription", ["cancel"]),
        ("please add dark mode", ["feature"]),
        ("worst app ever", []),
    ],
)
def test_demand(analyser, text, demands):
    found = analyser.analyse(text, "", -0.8, None)
    assert found.demands == demands
    assert found.demand == bool(demands)


def test_stars_decide_where_words_do_not(analyser):
    assert analyser.analyse("嗯", "zh", 0.0, 1.0).kind == "complaint"
    assert analyser.analyse("嗯", "zh", 0.0, 5.0).kind == "praise"
