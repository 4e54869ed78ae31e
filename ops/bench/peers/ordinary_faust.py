"""The same job as it is ordinarily written on Faust: Records, tables, one event at a time.

Nobody's straw man: the libraries people take, called as their manuals say (Presidio's analyser, with LAC
for Chinese names, VADER and SnowNLP, MinHashLSH, River's pipelines and ADWIN), `await topic.send` for each
output, Faust tables for what is remembered, rules as a list of functions, and rows inserted a batch at a
time. Run with `less` it leaves out names, near copies, propensities and drift.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import defaultdict, deque
from datetime import datetime
from typing import Any

import aiohttp
import faust

from models.events.base import MAX_TEXT, Channel
from ops.bench.peers import ordinary_learning as learning
from ops.bench.peers.meter import Meter
from ops.bench.peers.ordinary_text import Copies, Masking, polarity

BROKER, COUNT, STORE = sys.argv[1], int(sys.argv[2]), sys.argv[3]
WHOLE = "less" not in sys.argv[4:]
BATCH = 200
CHANNELS = frozenset(channel.value for channel in Channel)

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
    amount: float = 0.0
    value: float = 1.0
    occurred_at: int | str = 0


incoming = app.topic("bench.some", value_type=bytes, value_serializer="raw")
masked_topic = app.topic("ordinary.masked", value_serializer="json")
scored_topic = app.topic("ordinary.scored", value_serializer="json")
decisions = app.topic("ordinary.decisions", value_serializer="json")
actions = app.topic("ordinary.actions", value_serializer="json")
drifts = app.topic("ordinary.drifts", value_serializer="json")
seen = app.Table("seen", default=list)
profiles = app.Table("profiles", default=dict)
waiting = app.Table("waiting", default=list)
due: dict[int, deque[tuple[float, str]]] = defaultdict(deque)
"""When a customer's oldest waiting score is to be learned from, by partition."""

METER = Meter(COUNT)
MASKING = Masking(METER, names=WHOLE)
COPIES = Copies()
WORDS = {
    "delivery": ("物流", "快递", "配送", "delivery", "late"),
    "quality": ("质量", "坏", "broken", "defect"),
    "service": ("客服", "态度", "service", "support"),
    "payment": ("支付", "退款", "payment", "refund", "invoice"),
}


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


def valid(event: Feedback) -> bool:
    """Tell whether an event has what it needs; the others end here."""
    if not event.text:
        return bool(event.customer_id and event.kind)
    return (
        bool(event.customer_id or event.author)
        and event.channel in CHANNELS
        and len(event.text) <= MAX_TEXT
        and (event.rating is None or 1 <= event.rating <= 5)
        and seconds(event.occurred_at) < time.time() + 86_400
    )


async def process(stream: Any) -> None:
    """Mask, score, learn, decide and store, an event at a time."""
    rows, handled = list[dict[str, Any]](), 0
    async with aiohttp.ClientSession() as session:
        async for arrived in stream.events():
            finished = METER.add()
            try:
                event = Feedback.loads(arrived.value, serializer="json")
            except Exception:
                event = None
            if event is not None and valid(event):
                row = await handle(event, event.customer_id or event.author, arrived.message.partition)
                if row is not None:
                    handled += row["kind"] == "feedback"
                    rows.append(row)
            if rows and (len(rows) >= BATCH or finished):
                await insert(session, rows)
                rows.clear()
            if finished:
                METER.report_parts(handled)
                os._exit(0)  # Faust's own shutdown takes longer than the job


async def handle(event: Feedback, customer: str, partition: int) -> dict[str, Any] | None:
    """Do everything for one event; returns the row to store."""
    profile = profiles[customer]
    ids = seen[customer]
    if event.id in ids:
        return None
    seen[customer] = [*ids[-100:], event.id]
    profile.setdefault("negatives", [])
    now = seconds(event.occurred_at)
    if WHOLE:
        await learn_due(partition, now)
    if not event.text:
        return await fact(event, customer, profile, now)
    with METER.part("masking"):
        text, found = MASKING.mask(event.text)
    await masked_topic.send(key=customer, value={**event.asdict(), "text": text, "masked": found})
    with METER.part("sentiment, VADER and SnowNLP"):
        score = polarity(text, event.lang)
    more, repeats, wrong = dict[str, Any](), None, dict[str, bool]()
    if WHOLE:
        with METER.part("near copies"):
            cluster, repeats = COPIES.join(text, event.id, customer, event.channel, now)
        more = {"cluster": cluster.ident, "voices": len(cluster.voices), "duplicate_of": repeats}
    with METER.part("sentiment, River"):
        learned = learning.read(text)
        if event.rating is not None and repeats is None:
            wrong = learning.learn_rating(text, learned, event.rating >= 4)
    if WHOLE and wrong:
        await watch(wrong)
    topics = [topic for topic, words in WORDS.items() if any(word in text.lower() for word in words)]
    if repeats is None:
        negatives = [at for at in profile["negatives"] if at > now - 7 * 86_400]
        profile["negatives"] = [*negatives, now] if score < -0.2 else negatives
        profile["feedbacks"] = profile.get("feedbacks", 0) + 1
    if WHOLE:
        propensities = predict(customer, partition, profile, score, now, repeats is None)
        more["propensities"], churn = propensities, propensities["churn"]
    else:
        churn = min(1.0, 0.1 + 0.2 * len(profile["negatives"]))
    profiles[customer] = profile
    scored = {**event.asdict(), "text": text, "polarity": score, "learned": learned, "topics": topics,
              "churn": churn, "customer": profile, **more}  # fmt: skip
    await scored_topic.send(key=customer, value=scored)
    for action in rules(scored, profile) if repeats is None else ():
        decision = {"customer_id": customer, "feedback_id": event.id, "rule": action, "at": time.time()}
        await decisions.send(key=customer, value=decision)
        await actions.send(key=customer, value={**decision, "kind": action})
    return {"customer_id": customer, "kind": "feedback", "polarity": score, "text": text}


async def fact(event: Feedback, customer: str, profile: dict[str, Any], now: float) -> dict[str, Any]:
    """Keep what a customer did, and what it says of scores that wait for their outcome."""
    profile.update({"last": event.kind, "count": profile.get("count", 0) + 1})
    if WHOLE:
        learning.note(profile, event.kind, event.amount, now)
        scores = waiting.get(customer) or []
        if event.value > 0 and learning.happened(scores, event.kind, now):
            waiting[customer] = scores
    profiles[customer] = profile
    await scored_topic.send(key=customer, value=event.asdict())
    return {"customer_id": customer, "kind": event.kind}


def predict(
    customer: str, partition: int, profile: dict[str, Any], score: float, now: float, first: bool
) -> dict[str, float]:
    """Return a customer's propensities and let them wait for their outcomes."""
    with METER.part("propensities"):
        if first:
            learning.note(profile, "feedback", 0.0, now)
        x = learning.features(profile, score, now)
        found = learning.chances(x)
        scores = waiting.get(customer) or []
        if learning.keep(scores, now, x, found):
            waiting[customer] = scores
            due[partition].append((now + learning.LONGEST, customer))
    return found


async def learn_due(partition: int, now: float) -> None:
    """Learn from the scores of a partition whose horizon has passed."""
    queue = due[partition]
    while queue and queue[0][0] <= now:
        customer = queue.popleft()[1]
        with METER.part("propensities"):
            scores = waiting[customer]
            ready = [score for score in scores if score["at"] + learning.LONGEST <= now]
            wrong = [learning.learn(score) for score in ready]
            waiting[customer] = [score for score in scores if score not in ready]
        for one in wrong:
            await watch(one)


async def watch(wrong: dict[str, bool]) -> None:
    """Watch the models' errors, and tell which have drifted."""
    with METER.part("drift"):
        drifted = learning.watch(wrong)
    for name in drifted:
        await drifts.send(key=name, value={"model": name, "at": time.time()})


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
