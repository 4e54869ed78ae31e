"""Search for texts that are dear to mask: random mixtures of signs, then the dearest of them changed.

`python -m ops.bench.pii_hostile` prints the dearest mixtures with their seed. All figures are CPU time, the
lesser of two; the loop printed beside them tells a slow minute of the machine from a slow recogniser.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from typing import Annotated, NamedTuple

import typer

from models.pii import Finder, Keyring, Masker

SEED = 20261122
LENGTH = 20_000
SIGNS = (
    *("1", "12", "0", "6222", "138", "2024", "+86", "１", "２", "一", "二", " ", "\n", "\u200b", "😀"),
    *"-./:@#()[]{<>_~*%&=?'，、。·．",
    *(
        '"',
        "::",
        "a",
        "b1",
        "Aa",
        "x",
        "X",
        "é",
        "α",
        "E1",
        "NW",
        "eyJ",
        "at",
        "dot",
        ".com",
        "http://",
        "token=",
    ),
    *(
        "token=",
        "wxid_",
        "qq",
        "ip",
        "order",
        "one ",
        "two ",
        "John ",
        "Dear ",
        "St",
        "Via ",
        "straße ",
        "P.O. Box ",
    ),
    *("微信", "护照", "车牌", "京A", "电话", "卡号", "客户", "我是", "说", "张", "李", "王伟"),
    *"路号省市区街弄楼栋",
)
"""What the recognisers look at."""
_DEAREST = 16


class Found(NamedTuple):
    """One mixture and what masking it took, in ms."""

    spent: float
    signs: tuple[str, ...]


def mixture(signs: Sequence[str], rng: random.Random, length: int = LENGTH) -> str:
    """Return a text of `length` characters, drawn from `signs`."""
    parts: list[str] = []
    size = 0
    while size < length:
        parts.append(rng.choice(signs))
        size += len(parts[-1])
    return "".join(parts)[:length]


def draw(rng: random.Random) -> tuple[str, ...]:
    """Return two to ten signs."""
    return tuple(rng.sample(SIGNS, rng.randint(2, 10)))


def changed(signs: tuple[str, ...], rng: random.Random) -> tuple[str, ...]:
    """Return the signs with one more, one less or one other."""
    kept = list(signs)
    place = rng.randrange(len(kept))
    match rng.randrange(3):
        case 0 if len(kept) > 1:
            del kept[place]
        case 1:
            kept[place] = rng.choice(SIGNS)
        case _:
            kept.append(rng.choice(SIGNS))
    return tuple(kept)


def search(
    cost: Callable[[tuple[str, ...]], float], rng: random.Random, draws: int, steps: int
) -> tuple[list[Found], list[Found]]:
    """Return all random mixtures and the dearest found by changing them, each dearest first.

    Parameters
    ----------
    cost
        What masking a mixture of these signs takes.
    rng
        Source of the mixtures.
    draws, steps
        Random mixtures, and changes tried on the dearest.
    """
    drawn = sorted((Found(cost(signs), signs) for signs in (draw(rng) for _ in range(draws))), reverse=True)
    dearest = drawn[:_DEAREST]
    for _ in range(steps):
        signs = changed(rng.choice(dearest).signs, rng)
        found = Found(cost(signs), signs)
        if found > dearest[-1] and found.signs not in [one.signs for one in dearest]:
            dearest = sorted([*dearest[: _DEAREST - 1], found], reverse=True)
    return drawn, dearest


def _cost(masker: Masker, seed: int) -> Callable[[tuple[str, ...]], float]:
    def cost(signs: tuple[str, ...]) -> float:
        text = mixture(signs, random.Random(seed))
        return min(_timed(masker, text), _timed(masker, text))

    return cost


def _timed(masker: Masker, text: str) -> float:
    start = time.process_time()
    masker.mask(text)
    return (time.process_time() - start) * 1e3


def _loop() -> float:
    start = time.process_time()
    sum(number * number % 7 for number in range(200_000))
    return (time.process_time() - start) * 1e3


def hostile(
    seed: Annotated[int, typer.Option(help="Of all mixtures.")] = SEED,
    draws: Annotated[int, typer.Option(min=1, help="Random mixtures.")] = 400,
    steps: Annotated[int, typer.Option(min=0, help="Changes tried on the dearest.")] = 400,
    limit: Annotated[float, typer.Option(help="ms to count mixtures over.")] = 20.0,
) -> None:
    """Print what random mixtures of signs take to mask, and the dearest that could be found."""
    masker = Masker(Finder(), {}, Keyring({1: bytes(32)}, 1))
    masker.mask("客户张伟说不好，电话13812345678")
    drawn, dearest = search(_cost(masker, seed), random.Random(seed), draws, steps)
    spent = [one.spent for one in drawn]
    over = sum(one > limit for one in spent)
    typer.echo(f"seed {seed}; {LENGTH:,} characters; a loop of 200,000 takes {_loop():.1f} ms")
    typer.echo(
        f"{draws} random: median {spent[len(spent) // 2]:.1f}, one in twenty over "
        f"{spent[len(spent) // 20]:.1f}, dearest {spent[0]:.1f} ms; {over} over {limit:g} ms"
    )
    for one in dearest[:5]:
        typer.echo(f"{one.spent:8.1f} ms  {list(one.signs)}")


if __name__ == "__main__":
    typer.run(hostile)
