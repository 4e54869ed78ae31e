"""The same job as it is ordinarily written on Faust: Records, tables, one event at a time.

Nobody's straw man: the libraries people take, called as their manuals say (Presidio's analyser without a
trained model, VADER and SnowNLP, a River pipeline), `await topic.send` for each output, Faust tables for
what is remembered, rules as a list of functions, and rows inserted a batch at a time.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from datetime import datetime
from typing import Any

import aiohttp
import faust
import spacy
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import SpacyNlpEngine
from presidio_analyzer.predefined_recognizers import PhoneRecognizer
from river import compose, feature_extraction, linear_model
from snownlp import SnowNLP
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from ops.bench.peers.meter import Meter

BROKER, COUNT, STORE = sys.argv[-3], int(sys.argv[-2]), sys.argv[-1]
BATCH = 200

app = faust.App(
    f"ordinary-{os.getpid()}", broker=f"kafka://{BROKER}", store="memory://", web_enabled=False,
    topic_replication_factor=1, topic_disable_leader=True, consumer_auto_offset_reset="earliest",
    topic_partitions=8, broker_session_timeout=10, broker_heartbeat_interval=2.5,  # a group forms sooner
)  # fmt: skip


class Feedback(faust.Record):
    """What comes in: feedback, and facts of customers with only some of the fields."""

    id: str = ""
    text: str = ""
    customer_id: str = ""
    author: str = ""
    channel: str = ""
    rating: float | None = None
    lang: str = ""
    kind: str = ""
    occurred_at: int | str = 0


incoming = app.topic("bench.some", value_type=bytes, value_serializer="raw")
masked_topic = app.topic("ordinary.masked", value_serializer="json")
scored_topic = app.topic("ordinary.scored", value_serializer="json")
decisions = app.topic("ordinary.decisions", value_serializer="json")
actions = app.topic("ordinary.actions", value_serializer="json")
seen = app.Table("seen", default=list)
profiles = app.Table("profiles", default=dict)


class Blank(SpacyNlpEngine):
    """Presidio's usual engine with spaCy's rules alone: its trained models are on no package index.

    With one of them an event costs this peer several times more.
    """

    def __init__(self) -> None:
        super().__init__(models=[{"lang_code": "en", "model_name": "blank"}])
        self.nlp = {"en": spacy.blank("en")}


REGISTRY = RecognizerRegistry()
REGISTRY.load_predefined_recognizers(languages=["en"])
REGISTRY.remove_recognizer("PhoneRecognizer")
REGISTRY.add_recognizer(PhoneRecognizer(supported_regions=("CN", "US", "GB")))
ANALYZER = AnalyzerEngine(registry=REGISTRY, nlp_engine=Blank(), supported_languages=["en"])
VADER = SentimentIntensityAnalyzer()
MODEL = compose.Pipeline(feature_extraction.TFIDF(lowercase=True), linear_model.LogisticRegression())
WORDS = {
    "delivery": ("物流", "快递", "配送", "delivery", "late"),
    "quality": ("质量", "坏", "broken", "defect"),
    "service": ("客服", "态度", "service", "support"),
    "payment": ("支付", "退款", "payment", "refund", "invoice"),
}


def mask(text: str) -> tuple[str, int]:
    """Replace what Presidio finds."""
    found = ANALYZER.analyze(text, language="en")
    for result in sorted(found, key=lambda r: r.start, reverse=True):
        text = text[: result.start] + f"<{result.entity_type}>" + text[result.end :]
    return text, len(found)


def polarity(text: str, lang: str) -> float:
    """Return the library's sentiment in [-1, 1]."""
    if lang == "zh" or not text.isascii():
        return float(2.0 * SnowNLP(text).sentiments - 1.0)
    return float(VADER.polarity_scores(text)["compound"])


def rules(event: dict[str, Any], profile: dict[str, Any]) -> list[str]:
    """Return the actions of ten rules, tried one after the other."""
    negatives, topics = profile["negatives"], event["topics"]
    worth = profile.get("lifetime_value") or 0.0
    checks = [
        ("escalation", len(negatives) >= 3), ("call", event["churn"] > 0.7),
        ("coupon", "delivery" in topics and event["polarity"] < 0), ("ticket", event["polarity"] < -0.8),
        ("reply", event["kind"] == "question"), ("interview", event["polarity"] < -0.6 and worth > 1000),
        ("invitation", event["polarity"] > 0.9), ("compensation", "payment" in topics and worth > 5000),
        ("offer", "price" in topics), ("notify", "safety" in topics),
    ]  # fmt: skip
    return [name for name, fires in checks if fires]


def seconds(moment: int | str) -> float:
    """Return a producer's time, ms or ISO 8601, in seconds since the epoch; now where it is neither."""
    try:
        if isinstance(moment, str):
            return datetime.fromisoformat(moment).timestamp()
        return moment / 1000.0
    except ValueError:
        return time.time()


async def process(stream: Any) -> None:
    """Mask, score, learn, decide and store, an event at a time."""
    meter, rows, handled = Meter(COUNT), list[dict[str, Any]](), 0
    async with aiohttp.ClientSession() as session:
        async for raw in stream:
            finished = meter.add()
            try:
                event = Feedback.loads(raw, serializer="json")
            except Exception:
                event = None
            if event is not None and (event.customer_id or event.author):
                row = await handle(event, event.customer_id or event.author)
                if row is not None:
                    handled += row["kind"] == "feedback"
                    rows.append(row)
            if rows and (len(rows) >= BATCH or finished):
                await insert(session, rows)
                rows.clear()
            if finished:
                meter.report(feedback=handled)
                os._exit(0)  # Faust's own shutdown takes longer than the job


async def handle(event: Feedback, customer: str) -> dict[str, Any] | None:
    """Do everything for one event; returns the row to store."""
    profile = profiles[customer]
    ids = seen[customer]
    if event.id in ids:
        return None
    seen[customer] = [*ids[-100:], event.id]
    profile.setdefault("negatives", [])
    if not event.text:
        profile.update({"last": event.kind, "count": profile.get("count", 0) + 1})
        profiles[customer] = profile
        await scored_topic.send(key=customer, value=event.asdict())
        return {"customer_id": customer, "kind": event.kind}
    text, found = mask(event.text)
    await masked_topic.send(key=customer, value={**event.asdict(), "text": text, "masked": found})
    score = polarity(text, event.lang)
    if event.rating is not None:
        MODEL.learn_one(text, event.rating >= 4)
    learned = MODEL.predict_proba_one(text).get(True, 0.5)
    topics = [topic for topic, words in WORDS.items() if any(word in text.lower() for word in words)]
    now = seconds(event.occurred_at)
    negatives = [at for at in profile["negatives"] if at > now - 7 * 86_400]
    profile["negatives"] = [*negatives, now] if score < -0.2 else negatives
    profile["feedbacks"] = profile.get("feedbacks", 0) + 1
    churn = min(1.0, 0.1 + 0.2 * len(profile["negatives"]))
    profiles[customer] = profile
    scored = {**event.asdict(), "text": text, "polarity": score, "learned": learned, "topics": topics,
              "churn": churn, "customer": profile}  # fmt: skip
    await scored_topic.send(key=customer, value=scored)
    for action in rules(scored, profile):
        decision = {"customer_id": customer, "feedback_id": event.id, "rule": action, "at": time.time()}
        await decisions.send(key=customer, value=decision)
        await actions.send(key=customer, value={**decision, "kind": action})
    return {"customer_id": customer, "kind": "feedback", "polarity": score, "text": text}


async def insert(session: aiohttp.ClientSession, rows: list[dict[str, Any]]) -> None:
    """Insert a batch over the store's HTTP interface."""
    body = "\n".join(faust.serializers.codecs.dumps("json", row).decode() for row in rows)
    query = {"query": "INSERT INTO bench_rows FORMAT JSONEachRow", "input_format_skip_unknown_fields": "1"}
    async with session.post(STORE, params=query, data=body.encode()) as answer:
        await answer.read()


def main() -> None:
    """Run a worker until the agent has seen everything."""
    app.agent(incoming)(process)
    worker = faust.Worker(app, loglevel="ERROR", loop=asyncio.new_event_loop())
    worker.execute_from_commandline()


if __name__ == "__main__":
    main()
