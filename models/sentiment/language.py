"""A cheap guess of the language, for events that do not say theirs.

Only the choice of features depends on it, so the script decides: no model, no dictionary.
"""

from __future__ import annotations

import re

from models.placeholders import without_placeholders

CHINESE, ENGLISH, OTHER = "zh", "en", "und"

_HAN = re.compile("[\u3400-\u9fff\U00020000-\U0002ffff]")
_KANA_HANGUL = re.compile("[\u3040-\u30ff\uac00-\ud7a3]")
_LATIN = re.compile("[A-Za-z]+")
_FOREIGN = re.compile("[\u00c0-\u024f\u0370-\u1fff]")
_SAMPLE = 400


def guess_language(text: str) -> str:
    """Return "zh", "en" or "und" for the text.

    One ideograph says as much as a short word, so Han characters are weighed against Latin words,
    not letters: "这个 APP 不好用" is Chinese.

    Examples
    --------
    >>> guess_language("这个 APP 不好用"), guess_language("does not open"), guess_language("приложение")
    ('zh', 'en', 'und')
    """
    sample = text[:_SAMPLE]
    han = len(_HAN.findall(sample))
    kana = len(_KANA_HANGUL.findall(sample))
    words = len(_LATIN.findall(sample))
    if han + kana == 0:
        if not sample.isascii() and len(_FOREIGN.findall(sample)) * 8 > words:
            return OTHER
        return ENGLISH if words else OTHER
    if kana * 4 > han:
        return OTHER
    return CHINESE if han >= words else ENGLISH


def feature_language(lang: str, text: str) -> str:
    """Map a declared language tag (BCP 47, any case, may be empty) to the one whose model reads it.

    Examples
    --------
    >>> feature_language("zh-Hant-HK", "好"), feature_language("EN_us", "ok"), feature_language("", "好")
    ('zh', 'en', 'zh')
    >>> feature_language("fr", "bon")
    'und'
    """
    primary = lang.replace("_", "-").partition("-")[0].lower()
    if not primary or primary in {"und", "mul", "zxx", "unknown"}:
        return guess_language(without_placeholders(text))
    if primary in {"zh", "yue", "wuu", "nan", "hak", "cmn", "gan", "hsn"}:
        return CHINESE
    return ENGLISH if primary == "en" else OTHER
