"""What speaks for a Chinese name by its characters alone: a surname and a given name in no ordinary word."""

from __future__ import annotations

import json
import re
from importlib import resources

from models.pii.context import alternation

_FILE = resources.files("models.pii").joinpath("han_names.json")
_DATA: dict[str, list[str] | str] = json.loads(_FILE.read_text("utf-8"))
STRICT = frozenset(_DATA["strict"])
WEAK = frozenset(_DATA["weak"])
DOUBLE = frozenset(_DATA["double"])
GIVEN = frozenset(_DATA["given"])
STOP = frozenset(_DATA["stop"])
FOREIGN = frozenset(_DATA["transliteration"])
ENDINGS = frozenset(_DATA["endings"])
SURNAMES = STRICT | WEAK
SURNAME_CLASS = "".join(sorted(SURNAMES))
DOUBLE_CLASS = "|".join(sorted(DOUBLE))
BEFORE, AFTER = list(_DATA["before"]), list(_DATA["after"])
ORDINARY = frozenset(_DATA["ordinary"])
FUNCTION = frozenset(_DATA["function"])
PLACES = list(_DATA["places"])
BEFORE_CLASS = alternation(BEFORE)
AFTER_CLASS = alternation(AFTER)
_ORDINARY = "".join(sorted(FOREIGN & ORDINARY))
_RARE = "".join(sorted(FOREIGN - ORDINARY))
PAIR = re.compile(
    f"[{''.join(SURNAMES | FOREIGN)}](?:(?<=[{''.join(STRICT)}])[{''.join(GIVEN)}]"
    f"|(?<=[{_RARE}])(?:[{_RARE}][{_RARE}{_ORDINARY}]|[{_ORDINARY}][{_RARE}])|(?<=[{_ORDINARY}])[{_RARE}]{{2}}"
    f"|(?<=[{''.join(WEAK)}])[{''.join(GIVEN)}]{{1,2}}{AFTER_CLASS})"
)
COUNTS = "0123456789一二两三四五六七八九十几半每这那整某上下多"
MEASURES = "张段毛卷章曲代包车单关周层石钱"
_COUNTED = re.compile(f"[{COUNTS}][{MEASURES}]")


def is_suspicious(text: str) -> bool:
    """Tell whether a surname and a given name, or a transliteration, stand together in no ordinary word."""
    return next_sign(text, 0) is not None


def next_sign(text: str, position: int) -> int | None:
    """Return where the first pair from `position` on stands that is no ordinary word, if one does."""
    match = PAIR.search(text, position)
    while match:
        if stands_out(text, match.start(), match.group()):
            return match.start()
        match = PAIR.search(text, match.end() - 1)
    return None


def stands_out(text: str, start: int, pair: str) -> bool:
    """Tell whether a surname and what follows are no ordinary word, no end of one and nothing counted."""
    if pair in STOP or pair[:2] in STOP:
        return False
    before = text[max(0, start - 1) : start + 1]
    return before not in ENDINGS and not _COUNTED.match(before)
