"""Made-up values of every number system and the written forms of them, for sentences in text files.

A line is `lang|sentence`; `⟦TYPE form⟧` is a value to be found, `{…}` outside brackets a value that is
none. A form is literal text with `{maker|filter|…}`; makers are the names of `MAKERS`, filters write a
value otherwise. Nothing here knows how the recognisers work.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from ops.evaluation.pii import Row, Truth

ROUNDS = ("a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p")
"""Written one after the other, each before its findings were seen; corrected by, once seen."""
_VALUE = re.compile(r"⟦([A-Z_]+) ([^⟧]+)⟧")
_SLOT = re.compile(r"\{([^{}|]+)((?:\|[^{}|]+)*)\}")
_GROUPS = re.compile(r"(\d+)(\D*)")
_ALPHABETS: dict[str, Sequence[str]] = {
    "fw": "０１２３４５６７８９",
    "han": "零一二三四五六七八九",
    "yao": "零幺二三四五六七八九",
    "ling": "〇一二三四五六七八九",
    "bank": "零壹贰叁肆伍陆柒捌玖",
    "circ": "⓪①②③④⑤⑥⑦⑧⑨",
    "keys": [f"{digit}\ufe0f\u20e3" for digit in range(10)],
    "en": [
        f"{word} "
        for word in ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    ],
}
_FULL = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_COUNTIES = "110101 110108 310115 320106 330106 350203 370202 410105 420106 430102 440305 510107 610113"
_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_PLATE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_SYLLABLES = "li wang zhang chen liu yang huang zhao wu zhou xu sun ma zhu hu lin guo he gao luo"
_GIVEN = "wei fang na min jing lei jun yan jie tao ming chao xia ping gang yu hao lan bin peng"
_FIRST = "emma liam olivia noah ava mason sophia lucas mia ethan grace oliver ruby henry zoe jack"
_LAST = "harper walker bennett coleman fisher hayes jordan keller lawson mercer nolan porter quinn"
_HOSTS = "gmail.com outlook.com yahoo.com 163.com 126.com qq.com foxmail.com icloud.com proton.me"
_WORDS = "river maple lantern copper harbor violet pepper comet walnut breeze pixel mango tiger"
_HAN_GIVEN = "伟 芳 建国 晓燕 志强 雨桐 丽娟 文博 思远 海涛 佳怡 子涵"
_HAN_PLACES = (
    "上海市浦东新区张杨路 杭州市西湖区文三路 成都市武侯区科华北路 广州市天河区体育西路 武汉市洪山区珞喻路"
)
_HAN_FLATS = "3幢502室 12栋1单元801 2号楼1604 B座9层"
_BASE62 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def _of(rng: random.Random, words: str) -> str:
    return rng.choice(words.split())


def _digits(rng: random.Random, count: int, first: str = "0123456789") -> str:
    return rng.choice(first) + "".join(rng.choice("0123456789") for _ in range(count - 1))


def _luhn(body: str) -> str:
    total = 0
    for index, char in enumerate(reversed(body)):
        value = int(char) * (2 - index % 2)
        total += value - 9 if value > 9 else value
    return body + str(-total % 10)


def _card(rng: random.Random, prefixes: str, length: int) -> str:
    prefix = _of(rng, prefixes)
    return _luhn(prefix + _digits(rng, length - 1 - len(prefix)))


def _bad_card(rng: random.Random) -> str:
    good = _card(rng, "6222 6217 6228 4532", 16)
    return good[:-1] + str((int(good[-1]) + rng.randint(1, 9)) % 10)


def _born(rng: random.Random) -> str:
    return f"{rng.randint(1951, 2008)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}"


def _citizen(rng: random.Random, last: str = "") -> str:
    while True:
        body = _of(rng, _COUNTIES) + _born(rng) + _digits(rng, 3)
        total = sum(int(char) * weight for char, weight in zip(body, _ID_WEIGHTS, strict=True))
        check = "10X98765432"[total % 11]
        if not last or check == last:
            return body + check


def _hong_kong(rng: random.Random) -> str:
    letter, digits = rng.choice("ABCDEGHKMPRVYZ"), _digits(rng, 6)
    values = [36, ord(letter) - 55, *map(int, digits)]
    total = sum(value * weight for value, weight in zip(values, range(9, 1, -1), strict=True))
    return f"{letter}{digits}({'0123456789A'[-total % 11]})"


def _taiwanese(rng: random.Random) -> str:
    letter, digits = rng.choice("ABCDEFGH"), rng.choice("12") + _digits(rng, 7)
    area = ord(letter) - 55
    weights = (1, 9, 8, 7, 6, 5, 4, 3, 2, 1)
    values = (area // 10, area % 10, *map(int, digits))
    total = sum(value * weight for value, weight in zip(values, weights, strict=True))
    return f"{letter}{digits}{-total % 10}"


def _singaporean(rng: random.Random) -> str:
    digits = _digits(rng, 7)
    total = sum(int(char) * weight for char, weight in zip(digits, (2, 7, 6, 5, 4, 3, 2), strict=True))
    return f"S{digits}{'JZIHGFEDCBA'[total % 11]}"


def _german_account(rng: random.Random) -> str:
    body = _digits(rng, 18)
    return f"DE{98 - int(body + '131400') % 97:02}{body}"


def _bad_citizen(rng: random.Random) -> str:
    good = _citizen(rng)
    return good[:-1] + rng.choice([char for char in "0123456789" if char != good[-1]])


def _plate(rng: random.Random, length: int = 5) -> str:
    """Return letters and digits of a number plate, digits in the majority."""
    chars = [rng.choice("0123456789") for _ in range(length)]
    for place in rng.sample(range(length), rng.choice((0, 0, 1, 2))):
        chars[place] = rng.choice("ABCDEFGHJKLMNPQRSTUVWXYZ")
    return "".join(chars)


def _octets(rng: random.Random) -> str:
    return ".".join(str(rng.randint(1, 254)) for _ in range(4))


def _v6(rng: random.Random, groups: int, short: bool) -> str:
    parts = [f"{rng.randrange(4096, 65536):x}" for _ in range(groups)]
    parts[0] = rng.choice(("2001", "2408", "240e", "2a02", "2409"))
    if short:
        parts.insert(rng.randint(1, groups - 1), "")
    return ":".join(parts)


def _pinyin(rng: random.Random) -> str:
    return _of(rng, _SYLLABLES) + _of(rng, _GIVEN)


def _jwt(rng: random.Random) -> str:
    return "eyJhbGciOiJIUzI1NiJ9." + _token(rng, 24) + "." + _token(rng, 20)


def _token(rng: random.Random, count: int) -> str:
    return "".join(rng.choice(_BASE62) for _ in range(count))


def _hex(rng: random.Random, count: int) -> str:
    return "".join(rng.choice("0123456789abcdef") for _ in range(count))


MAKERS: dict[str, Callable[[random.Random], str]] = {
    "m": lambda rng: _of(rng, "13 15 17 18 19") + _digits(rng, 9),
    "area": lambda rng: _of(rng, "010 021 022 023 024 025 027 028 029"),
    "area4": lambda rng: rng.choice(
        ["0371", "0411", "0512", "0531", "0571", "0591", "0731", "0755", "0769", "0851"]
    ),
    "loc": lambda rng: _digits(rng, 8, "25678"),
    "loc7": lambda rng: _digits(rng, 7, "23678"),
    "npa": lambda rng: rng.choice(
        ["206", "212", "303", "312", "404", "415", "503", "512", "602", "617", "646", "713", "818", "917"]
    ),
    "nxx": lambda rng: _digits(rng, 1, "23456789") + _digits(rng, 2, "2345678"),
    "id": _citizen,
    "idx": lambda rng: _citizen(rng, "X"),
    "id15": lambda rng: _of(rng, _COUNTIES) + _born(rng)[2:] + _digits(rng, 3),
    "idbad": _bad_citizen,
    "hkid": _hong_kong,
    "twid": _taiwanese,
    "nric": _singaporean,
    "iban": _german_account,
    "uc16": lambda rng: _card(rng, "622202 625912 622588 621483", 16),
    "uc19": lambda rng: _card(rng, "621700 622848 622202 621799", 19),
    "visa": lambda rng: _card(rng, "4532 4024 4916 4716", 16),
    "mc": lambda rng: _card(rng, "5105 5254 5425 2221", 16),
    "amex": lambda rng: _card(rng, "34 37", 15),
    "jcb": lambda rng: _card(rng, "3530 3566", 16),
    "disc": lambda rng: _card(rng, "6011 6441 6521", 16),
    "diners": lambda rng: _card(rng, "3052 36", 14),
    "maestro": lambda rng: _card(rng, "5018 5020 6304 6759", 16),
    "cardbad": _bad_card,
    "ip": _octets,
    "ipd": lambda rng: _octets(rng).replace(".", "[.]"),
    "ip6": lambda rng: _v6(rng, 8, False),
    "ip6c": lambda rng: _v6(rng, rng.randint(3, 5), True),
    "prov": lambda rng: rng.choice(_PROVINCES),
    "city": lambda rng: rng.choice("ABCDEFGHJ"),
    "pl5": _plate,
    "pl4": lambda rng: _plate(rng, 4),
    "ne": lambda rng: rng.choice("DF") + _digits(rng, 5),
    "py": _pinyin,
    "user": lambda rng: _of(rng, _FIRST) + rng.choice((".", "_", "")) + _of(rng, _LAST),
    "word": lambda rng: _of(rng, _WORDS),
    "host": lambda rng: _of(rng, _HOSTS),
    "jwt": _jwt,
    "ssn": lambda rng: f"{rng.randint(101, 665)}{rng.randint(10, 99)}{rng.randint(1000, 9999)}",
    "L": lambda rng: rng.choice(_PLATE_LETTERS),
    "date": lambda rng: f"202{rng.randint(0, 6)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}",
    "ymd": lambda rng: f"202{rng.randint(0, 6)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}",
    "ms": lambda rng: "17" + _digits(rng, 11),
    "zhname": lambda rng: rng.choice("王李张刘陈杨赵黄周吴徐孙") + _of(rng, _HAN_GIVEN),
    "zhaddr": lambda rng: _of(rng, _HAN_PLACES) + f"{rng.randint(1, 399)}号" + _of(rng, _HAN_FLATS),
    "enname": lambda rng: f"{_of(rng, _FIRST).title()} {_of(rng, _LAST).title()}",
    "enaddr": lambda rng: (
        f"{rng.randint(2, 9800)} {_of(rng, _WORDS).title()} {_of(rng, 'Street Ave Road Lane Blvd')}"
        f", {_of(rng, 'Portland Austin Denver Boise')}, {_of(rng, 'OR TX CO ID')} {_digits(rng, 5)}"
    ),
    "uuid": lambda rng: "-".join(_hex(rng, count) for count in (8, 4, 4, 4, 12)),
}
"""Values without separators, by name; besides, `dN` makes N digits, `DN` no 0 first, `hexN` and `tokN`."""


_COUNTED: dict[str, Callable[[random.Random, int], str]] = {
    "d": _digits,
    "D": lambda rng, count: _digits(rng, count, "123456789"),
    "hex": _hex,
    "tok": _token,
}


def _filtered(value: str, name: str, rng: random.Random) -> str:
    if name in _ALPHABETS:
        return "".join(_ALPHABETS[name][int(char)] if char.isdigit() else char for char in value)
    if name == "wide":
        return value.translate(_FULL)
    if name in ("up", "low"):
        return value.upper() if name == "up" else value.lower()
    if name == "zw":
        place = rng.randint(2, len(value) - 2)
        return value[:place] + "\u200b" + value[place:]
    if name == "dash":
        return value.replace(".", "-")
    out, position = "", 0
    for size, separator in _GROUPS.findall(name):
        out += value[position : position + int(size)] + separator
        position += int(size)
    return out + value[position:]


def _filled(form: str, rng: random.Random) -> str:
    def fill(match: re.Match[str]) -> str:
        name, filters = match[1], match[2].split("|")[1:]
        counted = re.fullmatch(r"(d|D|hex|tok)(\d+)", name)
        value = _COUNTED[counted[1]](rng, int(counted[2])) if counted else MAKERS[name](rng)
        for one in filters:
            value = _filtered(value, one, rng)
        return value

    return _SLOT.sub(fill, form)


def row(line: str, rng: random.Random) -> Row:
    """Return the sentence of a line with made-up values and their bounds."""
    lang, _, sentence = line.replace("\\n", "\n").partition("|")
    text, spans, position = "", [], 0
    for match in _VALUE.finditer(sentence):
        text += _filled(sentence[position : match.start()], rng)
        value = _filled(match[2], rng)
        spans.append(Truth(len(text), len(text) + len(value), match[1], False))
        text += value
        position = match.end()
    return Row(text + _filled(sentence[position:], rng), lang, tuple(spans), (), None)


def rows(round_: str, seed: int, draws: int = 1) -> list[Row]:
    """Return `draws` rows of every sentence of a round, a folder of `pii_rounds`."""
    files = sorted((Path(__file__).parent / "pii_rounds" / round_).glob("*.txt"))
    lines = [line for file in files for line in file.read_text("utf-8").splitlines()]
    wanted = [line for line in lines if line and not line.startswith("#")]
    return [row(line, random.Random(f"{seed} {draw} {line}")) for line in wanted for draw in range(draws)]
