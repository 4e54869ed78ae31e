"""Made-up personal data by the rules of each number system, in many written forms; seeded."""

from __future__ import annotations

import random

HAN = "零一二三四五六七八九"
CIRCLED = "⓪①②③④⑤⑥⑦⑧⑨"
FULL = "０１２３４５６７８９"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def digits(rng: random.Random, count: int) -> str:
    """Return random digits, the first not 0."""
    return str(rng.randint(1, 9)) + "".join(rng.choice("0123456789") for _ in range(count - 1))


def luhn_complete(body: str) -> str:
    """Append the Luhn check digit."""
    total = 0
    for index, char in enumerate(reversed(body)):
        value = int(char) * (2 if index % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return body + str(-total % 10)


def citizen(rng: random.Random) -> str:
    """Return a citizen number with the right check character."""
    body = (
        rng.choice(("110101", "310104", "440106", "510107", "330106", "420111", "500103", "810000"))
        + f"{rng.randint(1950, 2009)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}{rng.randint(0, 999):03}"
    )
    total = sum(int(char) * weight for char, weight in zip(body, _WEIGHTS, strict=True))
    return body + "10X98765432"[total % 11]


def card(rng: random.Random) -> str:
    """Return a card number of a usual scheme."""
    prefix, count = rng.choice(
        (("4", 16), ("5", 16), ("62", 16), ("6217", 19), ("37", 15), ("6011", 16), ("35", 16))
    )
    if prefix == "5":
        prefix = f"5{rng.randint(1, 5)}"
    return luhn_complete(prefix + "".join(rng.choice("0123456789") for _ in range(count - 1 - len(prefix))))


def mobile(rng: random.Random) -> str:
    """Return a Chinese mobile number."""
    return "1" + rng.choice("3456789") + "".join(rng.choice("0123456789") for _ in range(9))


def grouped(value: str, sizes: tuple[int, ...], separator: str) -> str:
    """Cut a number into groups."""
    parts, position = [], 0
    for size in sizes:
        parts.append(value[position : position + size])
        position += size
    return separator.join(parts)


def spell(value: str, alphabet: str) -> str:
    """Write digits in another alphabet."""
    return "".join(alphabet[int(char)] if char.isdigit() else char for char in value)


def phones(rng: random.Random) -> list[str]:
    """Return telephone numbers in one form each."""
    m = mobile(rng)
    area = f"{rng.choice('23456789')}{rng.randint(0, 8)}{rng.randint(0, 9)}"
    us = f"{area}{rng.choice('23456789')}{rng.randint(100000, 999999)}"

    def d(count: int) -> str:
        return "".join(rng.choice("0123456789") for _ in range(count))

    return [
        m,
        grouped(m, (3, 4, 4), "-"),
        grouped(m, (3, 4, 4), " "),
        grouped(m, (3, 4, 4), "."),
        f"+86 {m}",
        f"+86-{grouped(m, (3, 4, 4), '-')}",
        f"(+86){m}",
        f"0086{m}",
        f"86-{m}",
        spell(m, FULL),
        spell(m, CIRCLED),
        spell(m, HAN),
        "\u200b".join(m),
        m[:3] + "\u200b" + m[3:7] + "\u2060" + m[7:],
        " ".join(m),
        f"010-{rng.randint(5, 8)}{d(7)}",
        f"(021){rng.randint(5, 8)}{d(7)}",
        f"0755 {rng.randint(2, 8)}{d(3)} {d(4)}",
        f"0571-{rng.randint(2, 8)}{d(7)}转{d(3)}",
        f"+86 10 {rng.randint(5, 8)}{d(3)} {d(4)}",
        f"({us[:3]}) {us[3:6]}-{us[6:]}",
        f"{us[:3]}.{us[3:6]}.{us[6:]}",
        f"{us[:3]}-{us[3:6]}-{us[6:]} ext. {d(3)}",
        f"+1{us}",
        f"+1 ({us[:3]}) {us[3:6]} {us[6:]}",
        f"1-{us[:3]}-{us[3:6]}-{us[6:]}",
        f"001-{us[:3]}-{us[3:6]}-{us[6:]}x{d(4)}",
        f"+44 7{d(3)} {d(6)}",
        f"+44 (0)20 7{d(3)} {d(4)}",
        f"07{d(3)} {d(6)}",
        f"020 7{d(3)} {d(4)}",
        f"+852 {rng.choice('569')}{d(3)} {d(4)}",
        f"+852-{rng.choice('569')}{d(7)}",
        f"+853 6{d(3)} {d(4)}",
        f"+886 9{d(2)} {d(3)} {d(3)}",
        f"0912-{d(3)}-{d(3)}",
        f"+81 90-{d(4)}-{d(4)}",
        f"090-{d(4)}-{d(4)}",
        f"+82-10-{d(4)}-{d(4)}",
        f"+49 151 {d(8)}",
        f"+49 (0)30 {d(7)}",
        f"+33 6 {d(2)} {d(2)} {d(2)} {d(2)}",
        f"06 {d(2)} {d(2)} {d(2)} {d(2)}",
        f"+61 4{d(2)} {d(3)} {d(3)}",
        f"+65 {rng.choice('689')}{d(3)} {d(4)}",
        f"+91 {rng.choice('6789')}{d(4)} {d(5)}",
        f"+7 9{d(2)} {d(3)}-{d(2)}-{d(2)}",
        f"+55 11 9{d(4)}-{d(4)}",
        f"+34 6{d(2)} {d(3)} {d(3)}",
        f"+39 3{d(2)} {d(7)}",
        f"+31 6 {d(8)}",
        f"+971 5{d(1)} {d(3)} {d(4)}",
        f"＋８６　{spell(m, FULL)}",
    ]


def ids(rng: random.Random) -> list[str]:
    """Return citizen numbers in one form each."""
    n = citizen(rng)
    return [
        n,
        n.lower(),
        grouped(n, (6, 8, 4), " "),
        grouped(n, (6, 8, 4), "-"),
        grouped(n, (6, 4, 4, 4), " "),
        grouped(n, (3, 3, 4, 4, 4), " "),
        "".join(FULL[int(c)] if c.isdigit() else "Ｘ" for c in n),
        n[:6] + "\u200b" + n[6:14] + "\u200b" + n[14:],
    ]


def cards(rng: random.Random) -> list[str]:
    """Return card numbers in one form each."""
    n = card(rng)
    amex = luhn_complete("37" + digits(rng, 12))
    union = luhn_complete("6222" + digits(rng, 14))
    return [
        n,
        amex,
        grouped(amex, (4, 6, 5), " "),
        grouped(amex, (4, 6, 5), "-"),
        grouped(union, (4, 4, 4, 4, 3), " "),
        grouped(union, (6, 13), " "),
        grouped(luhn_complete("4" + digits(rng, 14)), (4, 4, 4, 4), "-"),
        spell(n, FULL),
        spell(union, HAN),
        grouped(luhn_complete("5412" + digits(rng, 11)), (4, 4, 4, 4), "."),
    ]


def emails(rng: random.Random) -> list[str]:
    """Return addresses in one form each."""
    user = rng.choice(("li.wei", "k_smith88", "zhang-san", "m.o'neil", "anna+shop", "WANG.FANG"))
    word = rng.choice(("jane", "zhangwei", "tom88", "mary.lee"))
    return [
        f"{user}@example.com",
        f"{user}@mail.example.co.uk",
        f"{word} at example dot com",
        f"{word} [at] example [dot] org",
        f"{word}(at)example.net",
        f"{word}＠qq．com",
        f"{word}艾特163点com",
        f"{word} AT gmail DOT com",
        f"{word} at gmail.com",
        f"{word}{{at}}example{{dot}}io",
        f"{word}@qq。com",
        f"{word} @ example.com",
        f"{word}#qq.com",
        f"{word}@\u200bexample.com",
    ]


def plates(rng: random.Random) -> list[str]:
    """Return plates in one form each."""
    tail = f"{rng.choice('ABCDEFGH')}{digits(rng, 4)}"
    city = rng.choice("ABCDEFG")
    return [
        f"粤{city}{tail}",
        f"沪{city}·{tail}",
        f"浙{city}-{tail}",
        f"苏{city} {digits(rng, 5)}",
        f"京{city}D{digits(rng, 5)}",
        f"川{city}{digits(rng, 5)}F",
        f"粤Z{digits(rng, 4)}港",
        f"粤Z{digits(rng, 4)}澳",
        f"京{city}{digits(rng, 4)}警",
        f"鲁{city}{digits(rng, 4)}学",
        f"鄂{city}{digits(rng, 4)}挂",
        f"皖{city.lower()}{tail.lower()}",
    ]


def addresses(rng: random.Random) -> list[str]:
    """Return IP addresses in one form each."""
    v4 = ".".join(str(rng.randint(1, 254)) for _ in range(4))
    group = f"{rng.randint(0x1000, 0xFFFF):x}"
    return [
        v4,
        f"192.168.{rng.randint(0, 254)}.{rng.randint(1, 254)}",
        v4.replace(".", "[.]"),
        v4.replace(".", "．"),
        spell(v4, FULL),
        f"2001:db8::{group}",
        f"fe80::1ff:fe23:4567:{group}",
        f"2001:0db8:85a3:0000:0000:8a2e:0370:{group}",
        f"2001:DB8:0:1::{group.upper()}",
    ]


def passports(rng: random.Random) -> list[str]:
    """Return passport numbers of several countries."""
    return [
        f"E{digits(rng, 8)}",
        f"EA{digits(rng, 7)}",
        f"G{digits(rng, 8)}",
        f"e{digits(rng, 8)}",
        digits(rng, 9),
        f"A{digits(rng, 8)}",
        f"TK{digits(rng, 7)}",
        f"M{digits(rng, 8)}",
        f"C01X0{digits(rng, 2)}K{digits(rng, 1)}",
        f"{digits(rng, 2)}AB{digits(rng, 5)}",
        f"N{digits(rng, 7)}",
        f"AB{digits(rng, 6)}",
        f"E {digits(rng, 8)}",
    ]


def socials(rng: random.Random) -> list[str]:
    """Return social security numbers in one form each."""
    area, group, serial = rng.randint(100, 665), rng.randint(10, 99), rng.randint(1000, 9999)
    return [f"{area}{mark}{group}{mark}{serial}" for mark in ("-", " ", ".", "/", "", "–")]


def wechats(rng: random.Random) -> list[str]:
    """Return WeChat ids."""
    return [
        f"wxid_{digits(rng, 4)}abcd{digits(rng, 4)}",
        f"li_wei{digits(rng, 3)}",
        f"zhang-{digits(rng, 5)}",
        f"Tom{digits(rng, 6)}",
    ]


def qqs(rng: random.Random) -> list[str]:
    """Return QQ numbers."""
    return [digits(rng, count) for count in (5, 6, 7, 8, 9, 10)] + [spell(digits(rng, 9), FULL)]


def links(rng: random.Random) -> list[str]:
    """Return web addresses that carry a secret."""
    secret = "".join(rng.choice("abcdefXYZ0123456789") for _ in range(24)) + "a1"
    return [
        f"https://a.example.com/reset?token={secret}",
        f"http://example.org/cb?state=1&access_token={secret}&x=2",
        f"https://user:{secret}@git.example.com/repo",
        f"https://example.com/invite/{secret}",
        f"https://example.com/p?apikey={secret}",
        f"www.example.com/login?sid={secret}",
        f"https://example.com/d?X-Amz-Signature={secret}",
        f"https://example.com/#id_token={secret}",
    ]
