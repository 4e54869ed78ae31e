"""Made-up personal values of every type, said the way people say them; each value is used once."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from ops.simulator import personal

_LETTERS = "abcdefghjkmnpqrstuvw"
_DIGITS = "0123456789"


def _run(rng: Random, alphabet: str, count: int) -> str:
    return "".join(rng.choices(alphabet, k=count))


def _name(rng: Random) -> str:
    return (
        rng.choice("王李张刘陈杨赵吴周徐")
        + rng.choice("雨梓浩思宇欣佳嘉晓文")
        + rng.choice("涵睿轩妍琪怡彤萱")
    )


def _address(rng: Random) -> str:
    road, number, room = rng.choice("文建新和平华"), rng.randint(11, 999), rng.randint(101, 999)
    return f"杭州市西湖区{road}三路{number}号2单元{room}室"


SAID: dict[str, tuple[str, Callable[[Random], str]]] = {
    "PHONE": ("{}", personal.phone),
    "ID_CARD": ("{}", personal.id_card),
    "BANK_CARD": ("{}", personal.bank_card),
    "EMAIL": ("{}", personal.email),
    "IP": ("{}", lambda rng: f"203.0.{rng.randint(10, 254)}.{rng.randint(10, 254)}"),
    "PLATE": ("{}", personal.plate),
    "PASSPORT": ("护照{}", lambda rng: "E" + _run(rng, _DIGITS, 8)),
    "SSN": ("SSN {}", lambda rng: f"{rng.randint(200, 599)}-{rng.randint(11, 99)}-{rng.randint(1111, 9999)}"),
    "WECHAT": ("微信号{}", lambda rng: _run(rng, _LETTERS, 5) + "_" + _run(rng, _DIGITS, 3)),
    "QQ": ("QQ{}", lambda rng: rng.choice("3456789") + _run(rng, _DIGITS, 8)),
    "URL_TOKEN": (
        "{}",
        lambda rng: f"https://e.example/a?token={_run(rng, _LETTERS, 3)}{_run(rng, _DIGITS, 7)}",
    ),
    "ADDRESS": ("住在{}", _address),
    "NAME": ("我叫{}", _name),
}
"""By type: what is said around a value, and how one is made."""


class Canaries:
    """Fresh values, remembered."""

    def __init__(self, seed: int) -> None:
        self._rng = Random(seed)
        self.values: list[str] = []

    def value(self, kind: str) -> str:
        """Return a value of a type that was not used before."""
        while (value := SAID[kind][1](self._rng)) in self.values:
            continue
        self.values.append(value)
        return value

    def said(self, kind: str) -> str:
        """Return a fresh value with the words that tell what it is."""
        return SAID[kind][0].format(self.value(kind))
