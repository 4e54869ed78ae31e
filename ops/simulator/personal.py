"""Made-up personal data in valid formats, to be masked. Nothing here belongs to anybody by design."""

from __future__ import annotations

from random import Random

_GB_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_GB_CHECK = "10X98765432"
_PLATE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


def phone(rng: Random) -> str:
    """Return a number in the format of a Chinese mobile phone."""
    return "1" + rng.choice("3578") + rng.choice("123456789") + "".join(rng.choices("0123456789", k=8))


def id_card(rng: Random) -> str:
    """Return a number with a valid GB 11643 check character."""
    body = f"{rng.choice((110101, 310104, 440305, 510107))}{rng.randint(1950, 2004)}"
    body += f"{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}{rng.randint(1, 999):03d}"
    return body + _GB_CHECK[sum(int(d) * w for d, w in zip(body, _GB_WEIGHTS, strict=True)) % 11]


def bank_card(rng: Random) -> str:
    """Return a 19-digit number that passes Luhn."""
    body = "6222" + "".join(rng.choices("0123456789", k=14))
    total = 0
    for place, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return body + str(-total % 10)


def email(rng: Random) -> str:
    """Return an address in a domain reserved for examples (RFC 2606)."""
    return "".join(rng.choices("abcdefghjkmnpqrstuvw", k=6)) + f"{rng.randint(1, 99)}@example.com"


def ip(rng: Random) -> str:
    """Return an address of the documentation range 203.0.113.0/24 (RFC 5737)."""
    return f"203.0.113.{rng.randint(1, 254)}"


def plate(rng: Random) -> str:
    """Return a Chinese number plate."""
    head = rng.choice("京沪粤川浙") + rng.choice("ABCDE") + rng.choice(_PLATE_LETTERS)
    return head + str(rng.randint(1000, 9999))


_SAYINGS = {
    "zh": (
        (phone, "，电话{}"), (phone, "，请回电{}。"), (id_card, "，身份证号{}"), (bank_card, "，卡号{}"),
        (email, "，邮箱{}"), (ip, "，登录IP {}"), (plate, "，车牌{}"),
    ),
    "en": (
        (phone, " Call me at +86 {}."), (email, " Mail me: {}."), (bank_card, " My card is {}."),
        (ip, " From IP {}."),
    ),
}  # fmt: skip


def sentence(rng: Random, lang: str) -> str:
    """Return a few words that give something personal away."""
    make, words = rng.choice(_SAYINGS[lang])
    return words.format(make(rng))
