"""Masking beside Presidio and argus-redact, in one run on the same texts: cost, ratios, and what each finds.

The other tools are no dependencies of Hark: `--install` puts them into an environment of their own, or
`--python` names an interpreter that has them; what cannot be imported is skipped and named. All figures
are medians of CPU time.
"""

from __future__ import annotations

import gzip
import json as jsonlib
import platform
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from models.pii import Finder, Keyring, Masker
from ops.bench import pii_found
from ops.evaluation.pii import read

SEED = 20261122
RIVALS = ("presidio-analyzer", "argus-redact")
"""Packages of the other tools; Presidio without a language model, for its pattern recognisers need none."""
HOSTILE = (
    ("digits", "1"),
    ("pairs", "12 "),
    ("cards", "4111 1111 1111 1111 "),
    ("phones", "13812345678 "),
    ("at", "a@a."),
    ("colons", "a:"),
    ("surname", "张"),
    ("full names", "张伟"),
    ("titles", "张先生"),
    ("house numbers", "路1号"),
    ("capitals", "12 Aa "),
    ("zero width", "1\u200b"),
    ("full width", "１２ "),
    ("han digits", "一，"),
    ("brackets", "1)("),
    ("addresses", "a@a."),
    ("links", "http://a/"),
    ("words", "one two "),
    ("groups", "6222 "),
)
NOISE = (
    "0123456789 -.",
    "0123456789  ",
    "一二三0123 -",
    "０１２３ －．",
    "ab@. ",
    "ab:/.?=&",
    "[](){}<>@a1",
    "EGHM0123456789 ",
)
"""Alphabets of random hostile texts."""
RIVAL = r"""
import json, statistics, sys, time
name, path, repeats = sys.argv[1], sys.argv[2], int(sys.argv[3])
rows = json.load(open(path, encoding="utf-8"))
if name == "presidio":
    from presidio_analyzer import RecognizerRegistry
    from presidio_analyzer.nlp_engine import NlpArtifacts
    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"])
    known = [one for one in registry.recognizers if type(one).__mro__[1].__name__ == "PatternRecognizer"]
    def find(text, lang):
        for one in known:
            one.analyze(text, one.supported_entities, None)
else:
    from argus_redact import redact
    def find(text, lang):
        redact(text, lang=lang, mode="fast")
out = {}
for label, texts in rows.items():
    for text, lang in texts[:20]:
        find(text, lang)
    passes = []
    for _ in range(repeats):
        start = time.process_time()
        for text, lang in texts:
            find(text, lang)
        passes.append((time.process_time() - start) / len(texts) * 1e6)
    out[label] = statistics.median(passes)
print(json.dumps(out))
"""


def texts_of(path: Path, ordinary: Sequence[Path] = ()) -> dict[str, list[tuple[str, str]]]:
    """Return clean texts, texts with personal data, and a mix with one in ten of them.

    Parameters
    ----------
    path
        A labelled JSONL file, gzipped or not; only texts without digits or findings count as clean.
    ordinary
        JSONL files of everyday feedback, which then is the clean text instead: the labelled file's
        texts without findings are traps.
    """
    rows = _rows(path)
    dense = [(row["text"], row["lang"]) for row in rows if row["spans"]]
    hard = [(row["text"], row["lang"]) for row in rows if not row["spans"]]
    plain = [pair for pair in hard if not any(char.isdigit() for char in pair[0])]
    everyday = [pair for other in ordinary for pair in _everyday(other)]
    plain = everyday or plain
    clean = [(_sixty(pair[0], plain, index), pair[1]) for index, pair in enumerate(plain)]
    rng = random.Random(SEED)
    mix = [rng.choice(dense) if index % 10 == 0 else rng.choice(clean) for index in range(2000)]
    return {"clean": clean, "hard negatives": hard, "dense": dense, "mix 10 %": mix}


def _rows(path: Path) -> list[dict[str, Any]]:
    opener: Callable[..., Any] = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        return [jsonlib.loads(line) for line in file]


def _everyday(path: Path) -> list[tuple[str, str]]:
    texts = [str(row.get("text") or "") for row in _rows(path)]
    chosen = random.Random(SEED).sample(texts, min(1000, len(texts)))
    return [(text, "en" if text.isascii() else "zh") for text in chosen if text.strip()]


def _sixty(text: str, pool: Sequence[tuple[str, str]], index: int) -> str:
    """Lengthen a text with its neighbours of the same script to about 60 characters."""
    step = 1
    while len(text) < 60 and step <= len(pool):
        other = pool[(index + step) % len(pool)][0]
        if other.isascii() == text.isascii():
            text = f"{text} {other}" if text.isascii() else text + other
        step += 1
    return text[:60]


def own(texts: dict[str, list[tuple[str, str]]], repeats: int) -> dict[str, float]:
    """Return µs a text of `Masker.mask`, the median of `repeats` passes, in CPU time."""
    masker = Masker(Finder(), {}, Keyring({1: bytes(32)}, 1))
    masker.mask("客户张伟说不好，电话13812345678")
    return {label: _median(lambda text: masker.mask(text), pairs, repeats) for label, pairs in texts.items()}


def _median(call: Callable[[str], object], pairs: Sequence[tuple[str, str]], repeats: int) -> float:
    passes = []
    for _ in range(repeats):
        start = time.process_time()
        for text, _lang in pairs:
            call(text)
        passes.append(time.process_time() - start)
    return statistics.median(passes) / len(pairs) * 1e6


def hostile(length: int = 20_000, repeats: int = 5) -> dict[str, float]:
    """Return ms for masking a hostile text of `length` characters, by kind."""
    masker = Masker(Finder(), {}, Keyring({1: bytes(32)}, 1))
    out: dict[str, float] = {}
    rng = random.Random(SEED)
    texts = {label: (unit * length)[:length] for label, unit in HOSTILE}
    texts |= {f"any of {kind!r}": "".join(rng.choice(kind) for _ in range(length)) for kind in NOISE}
    for label, text in texts.items():
        spent = []
        for _ in range(repeats):
            start = time.process_time()
            masker.mask(text)
            spent.append((time.process_time() - start) * 1e3)
        out[label] = statistics.median(spent)
    return out


def rival(
    name: str, texts: dict[str, list[tuple[str, str]]], python: str, repeats: int, folder: Path
) -> dict[str, float] | str:
    """Return µs a text of another tool, or why it was skipped."""
    sample = {label: pairs[:300] for label, pairs in texts.items()}
    path = folder / "texts.json"
    path.write_text(jsonlib.dumps(sample, ensure_ascii=False), encoding="utf-8")
    done = subprocess.run(
        [python, "-c", RIVAL, name, str(path), str(repeats)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["no output"])[-1]
    found: dict[str, float] = jsonlib.loads(done.stdout.strip().splitlines()[-1])
    return found


def environment(folder: Path) -> Path:
    """Return the interpreter of an environment that has the other tools, made when it is missing.

    Raises
    ------
    subprocess.CalledProcessError
        When a package cannot be installed.
    """
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", *RIVALS], check=True)
    return python


def bench(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="Labelled JSONL, gzipped or not.")
    ],
    python: Annotated[str, typer.Option(help="Interpreter that has the other tools.")] = sys.executable,
    ordinary: Annotated[
        list[Path] | None, typer.Option(help="JSONL of everyday feedback, to be the clean text.")
    ] = None,
    install: Annotated[
        Path | None, typer.Option(help="Make an environment with the other tools here, and use it.")
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Passes; the median counts.")] = 5,
) -> None:
    """Time masking beside Presidio's pattern recognisers and argus-redact fast."""
    import tempfile

    if install is not None:
        python = str(environment(install))
    texts = texts_of(file, ordinary or ())
    length = statistics.mean(len(text) for text, _ in texts["clean"])
    typer.echo(
        f"CPU time, one core; Python {platform.python_version()}; clean texts of {length:.0f} characters"
    )
    ours = own(texts, repeats)
    _row("hark mask", ours, None)
    with tempfile.TemporaryDirectory() as folder:
        for name in ("presidio", "argus"):
            found = rival(name, texts, python, min(repeats, 3), Path(folder))
            if isinstance(found, str):
                typer.echo(f"{name:<12} skipped: {found}")
            else:
                _row(name, found, ours)
        _found(file, python, Path(folder))
    for label, spent in hostile().items():
        typer.echo(f"hostile, 20,000 characters, {label:<26} {spent:8.2f} ms")


def _found(file: Path, python: str, folder: Path) -> None:
    """Print what each tool finds of the values of number systems, by language, types aside."""
    rows = [row for row in read(file) if row.counted is None]
    for lang in sorted({row.lang for row in rows}):
        spoken = [row for row in rows if row.lang == lang]
        for name in ("hark", "presidio", "argus"):
            found = pii_found.own(spoken) if name == "hark" else pii_found.rival(name, spoken, python, folder)
            if not isinstance(found, str):
                figures = pii_found.compared(spoken, found)
                typer.echo(
                    f"{name:<12} {lang}, {figures.values} values: recall {figures.recall:.3f}, "
                    f"precision {figures.precision:.3f}"
                )


def _row(name: str, found: dict[str, float], ours: dict[str, float] | None) -> None:
    cells = [
        f"{label} {spent:.2f} µs" + (f" (x{spent / ours[label]:.0f})" if ours else "")
        for label, spent in found.items()
    ]
    typer.echo(f"{name:<12} " + ", ".join(cells))


if __name__ == "__main__":
    typer.run(bench)
