"""Bursts in a simulated stream whose truth is known, and the tail they rest on."""

import math
import random

import numpy as np
import pytest

from models.snapshot import Snapshot, decode, encode
from models.topics.burst import tail
from models.topics.emerging import BurstDetector

HOUR = 3600.0
SUBJECTS = ["快递", "客服", "app", "价格", "质量", "包装", "物流", "界面", "会员", "发票", "口味", "尺码"]
VERDICTS = ["太慢", "不错", "很好", "一般", "有问题", "太差", "还行", "挺快", "满意", "要改进", "没反应"]
OPENINGS = ["今天", "昨天", "这次", "真的", "我觉得", "朋友说", "老用户", "说实话", "唉", "哈哈"]
NEW = ["杯盖裂开漏水", "这批杯盖裂开了", "杯盖又裂开，漏一桌"]


def stream(seed, hours, onset=None, voices=1000):
    """Yield (text, customer, time): day and night, a lunch hour of its own, a new issue from `onset` on."""
    generator = random.Random(seed)
    at = 0.0
    while at < hours * HOUR:
        hour = at / HOUR % 24
        usual = 25 * (1.2 - math.cos((hour - 3) / 12 * math.pi))
        new = 12 if onset is not None and onset <= at / HOUR < onset + 3 else 0
        at += generator.expovariate((usual + new) / HOUR)
        if generator.random() < new / (usual + new):
            yield generator.choice(OPENINGS) + generator.choice(NEW), f"n{generator.randrange(voices)}", at
            continue
        text = generator.choice(OPENINGS) + generator.choice(SUBJECTS) + generator.choice(VERDICTS)
        if 11 <= hour < 13 and generator.random() < 0.3:
            text = "午餐外卖" + text
        yield text, f"c{generator.randrange(1000)}", at


def run(detector, events):
    return [burst for text, customer, at in events for burst in detector.step(text, "zh", customer, at)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_new_issue_is_found_within_the_hour_once_and_nothing_else(seed):
    onset = 100 + 5 * seed
    bursts = run(BurstDetector(bits=13), stream(seed, onset + 6, onset))
    assert bursts[0].at <= (onset + 1) * HOUR
    assert all(burst.at > onset * HOUR for burst in bursts)
    assert len(bursts) <= 2
    first = bursts[0]
    assert any("杯盖" in phrase for phrase in first.phrases)
    assert first.count > 10 * first.expected
    assert first.customers >= 3
    assert all("杯盖" in example or "裂开" in example for example in first.examples)


def test_two_quiet_weeks_with_a_daily_lunch_hour_raise_no_alarm():
    assert run(BurstDetector(bits=13), stream(11, 14 * 24)) == []


def test_one_loud_customer_is_no_burst():
    assert run(BurstDetector(bits=13), stream(4, 106, 100, voices=1)) == []


def test_a_restored_detector_goes_on_as_if_never_stopped():
    events = list(stream(5, 104, 101))
    steady, stopped = BurstDetector(bits=12), BurstDetector(bits=12)
    found = run(steady, events)
    cut = [0, len(events) // 3, len(events) * 99 // 100, len(events)]
    again = []
    for start, end in zip(cut, cut[1:], strict=False):
        data = encode(Snapshot("emerging", 1, start, 0.0, "", stopped.state()))
        stopped = BurstDetector(bits=12)
        stopped.restore(decode(data).state)
        again += run(stopped, events[start:end])
    assert found
    assert again == found


def test_late_events_count_for_an_hour_and_gaps_are_crossed():
    detector = BurstDetector(bits=10, warm_up=0.0)
    detector.step("快递太慢", "zh", "c1", 10 * HOUR)
    detector.step("快递太慢", "zh", "c1", 9.5 * HOUR)
    assert detector.state()["counts"]["slot_total"].sum() == 2
    detector.step("快递太慢", "zh", "c1", 8 * HOUR)
    assert detector.state()["counts"]["slot_total"].sum() == 2
    assert detector.advance(5000 * HOUR) == []
    assert detector.state()["counts"]["slot_total"].sum() == 0
    assert detector.state()["counts"]["past_total"].sum() == pytest.approx(2)


def test_a_state_of_another_size_is_refused():
    with pytest.raises(ValueError, match="10 bits"):
        BurstDetector(bits=11).restore(BurstDetector(bits=10).state())
    with pytest.raises(ValueError, match="false_alarms"):
        BurstDetector(false_alarms=0)


@pytest.mark.parametrize(("mean", "overdispersion"), [(0.3, 0.0), (4.0, 0.0), (4.0, 0.2), (40.0, 0.05)])
def test_tail_agrees_with_simulation(mean, overdispersion):
    generator = np.random.default_rng(7)
    rates = generator.gamma(1 / overdispersion, mean * overdispersion, 200_000) if overdispersion else mean
    sample = generator.poisson(rates, 200_000)
    for count in (1, round(mean), round(2 * mean) + 1):
        assert tail(count, mean, overdispersion) == pytest.approx((sample >= count).mean(), abs=0.005)


def test_tail_far_out_is_small_and_never_negative():
    assert 0 < tail(60, 1.0, 0.05) < 1e-20
    assert tail(10**6, 0.001, 0.0) == 0.0
