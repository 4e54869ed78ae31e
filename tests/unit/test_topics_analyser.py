"""Topics in both languages, with slang, misspelling, traditional characters and negation."""

import pytest

from models.topics import Analyser


@pytest.fixture(scope="module")
def analyser():
    return Analyser()


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("转账老卡壳", "payment.failure"),
        ("App老是闪退", "quality.performance"),
        ("賣家態度惡劣", "service.attitude"),
        ("收到的時候盒子已經壓壞了", "logistics.damage"),
        ("外卖等了很久还没到", "logistics.delay"),
        ("刚买就降价了", "price.price_drop"),
        ("重复扣款了两次", "payment.overcharge"),
        ("收不到验证码", "account.verification"),
        ("充电宝鼓包冒烟", "safety.fire"),
        ("吃完拉肚子", "safety.injury"),
        ("希望增加夜间模式", "feature.request"),
        ("配件跟我的手机不兼容", "quality.compatibility"),
        ("这个颜色有色差", "quality.appearance"),
        ("售后一直推卸责任", "service.attitude"),
        ("ＡＰＰ打不开", "quality.performance"),
        ("The app keeps CRASHING", "quality.performance"),
        ("I was charged twice", "payment.overcharge"),
        ("Still no refund", "payment.refund"),
        ("my account was hacked", "account.security"),
        ("it doesnt work at all", "quality.defect"),
        ("it doesn’t work at all", "quality.defect"),
        ("the crew was rude", "service.attitude"),
        ("flight was cancelled again", "logistics.cancellation"),
        ("lost my luggage in Houston", "logistics.lost"),
        ("please add a widget", "feature.request"),
        ("way overpriced", "price.expensive"),
        ("I love it, highly recommend", "praise.general"),
    ],
)
def test_topic_is_found(analyser, text, topic):
    assert topic in analyser.analyse(text, "", -0.2, None).topics


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("没有破损，很好", "logistics.damage"),
        ("it never crashes", "quality.performance"),
        ("no delay at all", "logistics.delay"),
        ("最近服务器很稳", "service.attitude"),
        ("chocolate is nice", "logistics.delay"),
        ("一点不卡", "quality.performance"),
    ],
)
def test_topic_is_not_found(analyser, text, topic):
    assert topic not in analyser.analyse(text, "", 0.5, None).topics


def test_most_mentioned_topic_comes_first_and_there_are_five_at_most(analyser):
    text = "闪退，闪退，又卡顿。快递慢，客服没人理，太贵，重复扣款，登录不了，色差"
    topics = analyser.analyse(text, "zh", -0.9, 1.0).topics
    assert topics[0] == "quality.performance"
    assert len(topics) == len(set(topics)) == 5


def test_accepted_tags_apply_from_then_on_and_can_be_taken_back(analyser):
    own = Analyser()
    assert "quality.cup_lid" not in own.analyse("杯盖又裂开了", "zh", -0.5, None).topics
    own.apply_tags({"quality.cup_lid": ("杯盖", "裂开")})
    assert own.analyse("杯蓋又裂開了", "zh", -0.5, None).topics[0] == "quality.cup_lid"
    assert "quality.performance" in own.analyse("闪退，杯盖", "zh", -0.5, None).topics
    own.apply_tags({})
    assert own.analyse("杯盖", "zh", -0.5, None).topics == []


def test_analysis_is_pure_and_signals_are_sorted_names(analyser):
    text = "App闪退，要求退款，12315见"
    first = analyser.analyse(text, "zh", -0.9, 1.0)
    assert analyser.analyse(text, "zh", -0.9, 1.0) == first
    names = analyser.signals(text)
    assert names == sorted(set(names))
    assert {"topic:quality.performance", "demand:refund", "urgency:legal"} <= set(names)
