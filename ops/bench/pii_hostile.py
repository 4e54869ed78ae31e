"""Search for texts that are dear to mask: random mixtures of signs, then the dearest of them changed.

`python -m ops.bench.pii_hostile` prints the dearest mixtures with their seed. All figures are CPU time, the
lesser of two; the loop printed beside them tells a slow minute of the machine from a slow recogniser.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from typing import Annotated, Literal, NamedTuple

import typer

from models.pii import (
    Finder,
    Keyring,
    Masker,
    address_chinese,
    address_western,
    context,
    email,
    name_english,
    name_signs,
)

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
VALUES = (
    *("13812345678", "138-1234-5678", "+1 415 555 0132", "(415) 555-0132", "010-62345678"),
    *("+44 20 7946 0958", "110101199003074514", "6222 0212 3456 7894", "4111-1111-1111-1111", "078-05-1120"),
    *("E12345678", "GB82WEST12345698765432", "A123456(3)", "a@b.co", "li.wei@qq.com", "a at b dot com"),
    *("li[at]qq[dot]com", "192.168.10.1", "fe80::1", "1[.]2[.]3[.]4", "京A12345", "粤B·D12345"),
    *("wxid_abc123def", "vx:ab12345", "QQ 123456789", "https://a.b/x?token=Zk81mP0q", "http://u:p@h/"),
    *("eyJhbGciOi.eyJzdWIi.c2ln", "张伟", "欧阳娜娜", "约翰·史密斯", "Mr John Smith", "12 Main St, Apt 4"),
    *("杭州市西湖区文三路90号3栋201室", "Rue de la Paix 12", "Hauptstraße 5", "P.O. Box 123"),
    *("four one five ", "一三八零零一三八零零零", "１３８", "2024-03-15 10:22", "10:22:33", "v1.2.3.4"),
    *("SF1234567890", "￥259.00", "订单号2024030188123456", "\u200b\u200b"),
)
"""Whole values, true and not."""
_SHAPES = ("any", "turns", "runs")
_MOST_OF_ONE = 40
_DEAREST = 16
_AGAIN = 7


def words() -> tuple[str, ...]:
    """Return every word the recognisers know: labels, roles, names, places, streets, mail providers."""
    known = {word for of_kind in context.WORDS.values() for word in of_kind}
    known |= {*name_signs.BEFORE, *name_signs.AFTER, *name_signs.STOP, *name_signs.PLACES, *name_signs.DOUBLE}
    known |= {*name_english.LABELS, *name_english.GIVEN, *name_english.FAMILY}
    known |= {*address_chinese.PLACE_ENDS, *address_western.KINDS, *email.PROVIDERS}
    return tuple(sorted(known))


ALPHABETS: dict[str, Callable[[], Sequence[str]]] = {
    "signs": lambda: SIGNS,
    "words": lambda: (*words(), *SIGNS, *SIGNS, *SIGNS),
    "values": lambda: (*VALUES, *SIGNS),
}


class Recipe(NamedTuple):
    """What a text is made of.

    Parameters
    ----------
    shape
        How signs follow one another: any of them, each in its turn, or any of them some times over.
    signs
        What it holds; one given twice is twice as likely.
    """

    shape: str
    signs: tuple[str, ...]


class Found(NamedTuple):
    """One mixture and what masking it took, in ms."""

    spent: float
    recipe: Recipe


def mixture(signs: Sequence[str], rng: random.Random, length: int = LENGTH, shape: str = "any") -> str:
    """Return a text of `length` characters, made of `signs`."""
    if shape == "turns":
        once = "".join(signs)
        return (once * (length // len(once) + 1))[:length]
    parts: list[str] = []
    size = 0
    while size < length:
        times = rng.randint(1, _MOST_OF_ONE) if shape == "runs" else 1
        parts.append(rng.choice(signs) * times)
        size += len(parts[-1])
    return "".join(parts)[:length]


def draw(rng: random.Random, alphabet: Sequence[str] = SIGNS) -> tuple[str, ...]:
    """Return two to ten signs."""
    return tuple(rng.sample(alphabet, rng.randint(2, 10)))


def changed(recipe: Recipe, rng: random.Random, alphabet: Sequence[str] = SIGNS) -> Recipe:
    """Return the recipe with a sign more, one less or one other, one given more weight, or another shape."""
    kept = list(recipe.signs)
    place = rng.randrange(len(kept))
    match rng.randrange(6):
        case 0 | 1 if len(kept) > 1:
            del kept[place]
        case 2:
            kept[place] = rng.choice(alphabet)
        case 3:
            kept.insert(place, rng.choice(kept))
        case 4:
            return Recipe(rng.choice(_SHAPES), recipe.signs)
        case _:
            kept.insert(place, rng.choice(alphabet))
    return Recipe(recipe.shape, tuple(kept))


def search(
    cost: Callable[[Recipe], float],
    rng: random.Random,
    draws: int,
    steps: int,
    alphabet: Sequence[str] = SIGNS,
) -> tuple[list[Found], list[Found]]:
    """Return all random mixtures and the dearest found by changing them, each dearest first.

    Parameters
    ----------
    cost
        What masking such a mixture takes.
    rng
        Source of the mixtures.
    draws, steps
        Random mixtures, and changes tried on the dearest.
    alphabet
        What to draw from.
    """
    recipes = (Recipe("any", draw(rng, alphabet)) for _ in range(draws))
    drawn = sorted((Found(cost(recipe), recipe) for recipe in recipes), reverse=True)
    dearest = drawn[:_DEAREST]
    for _ in range(steps):
        recipe = changed(rng.choice(dearest).recipe, rng, alphabet)
        found = Found(cost(recipe), recipe)
        if found > dearest[-1] and recipe not in [one.recipe for one in dearest]:
            dearest = sorted([*dearest[: _DEAREST - 1], found], reverse=True)
    return drawn, dearest


def _cost(masker: Masker, seed: int, repeats: int = 2) -> Callable[[Recipe], float]:
    def cost(recipe: Recipe) -> float:
        text = mixture(recipe.signs, random.Random(seed), shape=recipe.shape)
        return min(_timed(masker, text) for _ in range(repeats))

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
    alphabet: Annotated[
        Literal["signs", "values", "words"], typer.Option(help="What mixtures are made of.")
    ] = "signs",
    limit: Annotated[float, typer.Option(help="ms to count mixtures over.")] = 20.0,
) -> None:
    """Print what random mixtures of signs take to mask, and the dearest that could be found."""
    masker = Masker(Finder(), {}, Keyring({1: bytes(32)}, 1))
    masker.mask("客户张伟说不好，电话13812345678")
    kind = ALPHABETS[alphabet]()
    drawn, dearest = search(_cost(masker, seed), random.Random(seed), draws, steps, kind)
    spent = [one.spent for one in drawn]
    over = sum(one > limit for one in spent)
    typer.echo(f"seed {seed}, {alphabet}; {LENGTH:,} characters; a loop of 200,000 takes {_loop():.1f} ms")
    typer.echo(
        f"{draws} random: median {spent[len(spent) // 2]:.1f}, one in twenty over "
        f"{spent[len(spent) // 20]:.1f}, dearest {spent[0]:.1f} ms; {over} over {limit:g} ms"
    )
    again = _cost(masker, seed, _AGAIN)
    spent_again = sorted(((again(one.recipe), one.recipe) for one in dearest), reverse=True)
    typer.echo(f"dearest of {steps} changes, the least of {_AGAIN}; {_loop():.1f} ms the loop:")
    for taken, recipe in spent_again[:5]:
        typer.echo(f"{taken:8.1f} ms  {recipe.shape} {list(recipe.signs)}")


if __name__ == "__main__":
    typer.run(hostile)
