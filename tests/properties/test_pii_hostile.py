"""Hostile texts cost little, and ordinary long ones are read whole."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path
from types import FrameType

import pytest

from models.pii import Finder, Keyring, Masker
from models.pii.view import Effort
from ops.bench.pii import NOISE
from ops.bench.pii_hostile import SIGNS, VALUES, Recipe, draw, mixture, search

sys.path.insert(0, str(Path(__file__).parent))
import pii_sentences

FINDER = Finder()
MASKER = Masker(FINDER, {}, Keyring({1: bytes(32)}, 1))
SEED = 20261122

SEPARATORS = " -./_~·•*()（）,，、|=+…:;；"
HOSTILE = (
    *("1", "a@", "a.", "@", "a@a.", "a:", "http://a/", "a.bc/x?", "[1](", "１２ ", "１，", "一，", "一二三 "),
    *("4111 1111 1111 1111 ", "13812345678 ", "张", "路1号", "Aa ", "12 Aa ", "one two ", "微信a", "护照E"),
    *(digits + separator for digits in ("1", "12", "6222") for separator in SEPARATORS),
)


FOUND_BY_SEARCH = (
    Recipe("runs", ("<", "wxid_abc123def", "straße ", "<", "(415) 555-0132")),
    Recipe("any", ("，", "wxid_", "微信", "微信", "*")),
    Recipe("any", ("二", "车牌", "二", " ", "-", ")", "6222", "二")),
    Recipe("any", ("栋", "X", "1", "NW")),
    Recipe("any", ("at", "张", "@", "省", "二", "[")),
    Recipe("any", ("张", "客户", "·", "=", "ip", "_", "李", ":", "E1", "一")),
    Recipe("runs", ("号", "粤B·D12345")),
)
"""The dearest that `python -m ops.bench.pii_hostile` found before effort was true."""


@pytest.mark.parametrize("unit", HOSTILE[:22])
def test_cost_grows_linearly(unit: str) -> None:
    def cost(length: int) -> float:
        text = (unit * length)[:length]
        return min(_timed(text) for _ in range(3))

    assert cost(16_000) < 12 * cost(4_000) + 0.005


def test_hostile_texts_cost_little() -> None:
    """A text of 20,000 characters takes 20 ms or less; allowed is three times as much, in units of a loop."""
    rng = random.Random(SEED)
    hostile = {unit: (unit * 20_000)[:20_000] for unit in HOSTILE}
    hostile |= {kind: "".join(rng.choice(kind) for _ in range(20_000)) for kind in (*NOISE, "Aa 1 ")}
    hostile |= {str(found): mixture(found.signs, rng, shape=found.shape) for found in FOUND_BY_SEARCH}
    costs = {kind: _timed(text) for kind, text in hostile.items()}
    allowed = 5 * min(_loop() for _ in range(3))
    dear = {kind: min(_timed(hostile[kind]) for _ in range(3)) for kind in costs if costs[kind] > allowed}
    assert not {kind: cost for kind, cost in dear.items() if cost > allowed}, SEED


def _calls(text: str) -> int:
    """Return how many functions masking a text calls, those of C included."""
    count = 0

    def note(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        MASKER.mask(text)
    finally:
        sys.setprofile(None)
    return count


def test_work_grows_with_the_length_whatever_signs_are_mixed() -> None:
    rng = random.Random(SEED)
    for _ in range(25):
        signs = draw(rng)
        text = mixture(signs, rng)
        few, many = _calls(text[:5_000]), _calls(text)
        assert many <= 6 * few + 2_000, (SEED, signs)
        assert many <= 8 * len(text), (SEED, signs)


def test_search_for_hostile_texts_climbs() -> None:
    def cost(recipe: Recipe) -> float:
        return float(sum(map(len, recipe.signs)))

    drawn, dearest = search(cost, random.Random(SEED), 20, 200)
    assert len(drawn) == 20
    assert dearest[0].spent > drawn[0].spent, SEED
    assert [one.spent for one in dearest] == sorted((one.spent for one in dearest), reverse=True)


def test_hostile_text_is_masked_to_its_end() -> None:
    signs = ("@", "1", "楼", "微信", "车牌", "区", "Dear ", "::", "张")
    text = mixture(signs, random.Random(SEED), 19_980) + " 13812345678"
    masked = MASKER.mask(text).text
    assert "13812345678" not in masked
    assert len(masked) < 5_000
    assert MASKER.mask(masked).text == masked


SAID = (
    "你好，我想问一下退款什么时候能到账，已经等了三天了",
    "您好，请您稍等，我这边帮您查询一下订单的状态",
    "订单号是 2024030188123456，一共 3 件，付了 259.00 元",
    "好的，谢谢，希望这次能快一点，之前的服务一直不错",
    "the app keeps crashing when I open the settings page on my phone",
    "Thanks for waiting, could you tell me which version you have installed?",
)


def test_long_transcripts_are_no_hostile_texts() -> None:
    times = (f"[2024-03-01 {9 + at // 60:02d}:{at % 60:02d}:{at * 7 % 60:02d}]" for at in range(200))
    text = "\n".join(
        f"{time} {'用户' if at % 2 else '客服'}：{SAID[at % 6]}" for at, time in enumerate(times)
    )
    assert len(text) > 12_000
    assert FINDER.find(text) == []


def _long(parts: list[str], length: int) -> str:
    return "\n".join(parts * (1 + length // sum(map(len, parts))))[:length]


def _personal(count: int) -> list[str]:
    rng = random.Random(SEED)
    kinds = list(pii_sentences.CONTEXTS.values())
    chosen = (rng.choice(kinds) for _ in range(count))
    return [rng.choice(contexts).format(rng.choice(list(make(rng)))) for make, contexts in chosen]


def test_ordinary_long_texts_are_read_whole() -> None:
    """Order numbers and amounts in every third line, something personal in every fifteenth."""
    lines = [line for line in _personal(40) for line in (*(SAID * 3)[:14], line)]
    text = _long(lines, 20_000)
    effort = Effort.of(len(text))
    found = FINDER.find(text, effort=effort)
    assert effort.left > 0
    assert len(found) > 30
    assert max(span.end - span.start for span in found) < 120


def test_nothing_but_personal_data_is_read_whole_for_three_thousand_characters() -> None:
    text = _long(_personal(80), 3_000)
    effort = Effort.of(len(text))
    assert max(span.end - span.start for span in FINDER.find(text, effort=effort)) < 120
    assert effort.left > 0


def test_effort_ends_where_it_is_spent() -> None:
    """Whatever a text is made of, reading it stops within half a millisecond of what is allowed."""
    rng = random.Random(SEED)
    for alphabet in (SIGNS, VALUES):
        for _ in range(20):
            text = mixture(draw(rng, alphabet), rng)
            effort = Effort.of(len(text))
            FINDER.find(text, effort=effort)
            assert effort.left > -500, SEED


@pytest.mark.parametrize("kind", NOISE[:4])
def test_digits_by_the_thousand_are_one_finding(kind: str) -> None:
    rng = random.Random(SEED)
    text = "".join(rng.choice(kind) for _ in range(6_000))
    masked = MASKER.mask(text).text
    assert len(masked) < 600
    assert MASKER.mask(masked).text == masked


def _loop() -> float:
    start = time.process_time()
    sum(number * number % 7 for number in range(200_000))
    return time.process_time() - start


def _timed(text: str) -> float:
    start = time.process_time()
    MASKER.mask(text)
    return time.process_time() - start
