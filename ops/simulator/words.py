"""What simulated customers say: templates of our own, filled at random."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import yaml

_FILE = Path(__file__).with_name("texts.yaml")


class Words:
    """Makes texts whose truth is known.

    Parameters
    ----------
    rng
        The world's randomness.
    """

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._texts: dict[str, Any] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))

    def product(self, lang: str) -> str:
        """Return a product name."""
        return str(self._rng.choice(self._texts[lang]["products"]))

    def topics(self, lang: str, mood: str) -> list[str]:
        """Return the topics a mood can be about."""
        return list(self._texts[lang][mood])

    def opinion(self, lang: str, mood: str, topic: str, product: str) -> str:
        """Return a text of a mood ("negative", "positive") about a topic."""
        words, rng = self._texts[lang], self._rng
        body = rng.choice(words[mood][topic])
        text = rng.choice(words["opening"]) + body
        text += ("，" if lang == "zh" else ".") + rng.choice(words["close"][mood])
        return self._fill(text, product)

    def outbreak(self, lang: str) -> str:
        """Return a text about an issue nobody spoke of before."""
        words, rng = self._texts[lang], self._rng
        return self._fill(str(rng.choice(words["opening"]) + rng.choice(words["outbreak"])), "")

    def remark(self, lang: str, kind: str, product: str) -> str:
        """Return a suggestion or a question."""
        return self._fill(self._rng.choice(self._texts[lang][kind]), product)

    def _fill(self, text: str, product: str) -> str:
        return text.replace("{product}", product).replace("{n}", str(self._rng.randint(2, 9)))
