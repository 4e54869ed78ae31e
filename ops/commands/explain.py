"""`hark explain`: why a feedback got its scores, part by part and in words."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

import typer
from rich.console import Console

from models.scoring.model_set import new_learner, part
from models.scoring.replay import inputs_at
from models.scoring.targets import ADOPTION, PROPENSITIES, SENTIMENT
from models.topics.analyser import Analyser
from models.topics.priority import priority, standing
from ops.failures import UserError, sayable, settings
from ops.wiring.history import history
from ops.wiring.store import opened
from ops.wiring.tags import KafkaTags
from ops.wiring.versions import Version, of, versions
from sinks.clickhouse.client import Client
from streams.settings import Settings
from streams.weights import priority_weights

_STORED = {ADOPTION: "adoption"}
_SHOWN = 6


@sayable
def explain(
    feedback_id: Annotated[str, typer.Argument(help="Id of a scored feedback.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Explain the scores of a feedback: what added to them and by how much.

    Contributions are exact for the model version named; where the version that scored is held no more,
    the newest one explains, and both scores are shown.
    """
    config = settings()
    with opened(config) as client:
        records = _log(client, feedback_id)
    found = _explained(config, records, feedback_id)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
    else:
        _print(Console(soft_wrap=True, highlight=False, markup=False), found)


def _log(client: Client, feedback_id: str) -> list[dict[str, Any]]:
    """Return the customer's log up to the feedback."""
    query = "SELECT customer_id FROM feedback FINAL WHERE feedback_id = {id:String} LIMIT 1"
    rows = client.query(query, parameters={"id": feedback_id}).result_rows
    if not rows:
        raise UserError(f"no feedback {feedback_id} is in the store")
    records = []
    for record in history(client, str(rows[0][0])):
        records.append(record)
        if record.get("feedback_id") == feedback_id and record["event"] == "feedback":
            break
    return records


def _explained(config: Settings, records: list[dict[str, Any]], feedback_id: str) -> dict[str, Any]:
    with ThreadPoolExecutor(1) as beside:
        loading = beside.submit(KafkaTags(config).load)
        record, held = records[-1], versions(config)
        book = loading.result()
    analyser = Analyser(tags=book.phrases())
    inputs = inputs_at(records, feedback_id, analyser)
    parts = [_sentiment(record, held)]
    if inputs is not None:
        parts += [_propensity(name, record, inputs, held) for name in PROPENSITIES]
    return {
        "feedback_id": feedback_id,
        "customer_id": record["customer_id"],
        "text": record["text"],
        "scores": record["scores"],
        "reasons": record["reasons"],
        "priority": priority_parts(config, record),
        "explained": parts,
    }


def priority_parts(config: Settings, record: dict[str, Any]) -> dict[str, float]:
    """Return the factors of the priority, under the weights in force now, and their product."""
    worth = standing(record["customer"]["lifetime_value"])
    level, voices = record["scores"]["urgency"], record["cluster_size"]
    found = priority(level, worth, voices, priority_weights(config))
    return {**found._asdict(), "score": round(found.score / 100.0, 4)}


def _model(name: str, record: dict[str, Any], held: list[Version]) -> tuple[Any, dict[str, Any]]:
    """Return the model that scored, or the nearest there is, and how to call it."""
    used = int(record["models"].get(name, 0))
    learner, snapshot = new_learner(name), of(held, name, used) if used else None
    version = 0 if snapshot is None else snapshot.version
    if snapshot is not None:
        learner.restore(part(snapshot.state, "learner."))
    return learner, {"model": name, "scored_with": used, "explained_with": version, "exact": version == used}


def _sentiment(record: dict[str, Any], held: list[Version]) -> dict[str, Any]:
    learner, found = _model(SENTIMENT, record, held)
    said = learner.explain(record["text"], record["lang"], _SHOWN)
    polarity = learner.predict(record["text"], record["lang"]).polarity
    parts = [{"words": f"“{reason.term}”", "contribution": reason.contribution} for reason in said.reasons]
    return found | {
        "score": record["scores"]["polarity"],
        "score_now": round(polarity, 4),
        "log_odds": said.logit,
        "base": said.bias,
        "rest": said.rest,
        "parts": parts,
    }


def _propensity(
    name: str, record: dict[str, Any], inputs: dict[str, Any], held: list[Version]
) -> dict[str, Any]:
    learner, found = _model(name, record, held)
    base, reasons = learner.baseline(inputs), learner.explain(inputs, len(inputs))
    total = base + sum(reason.contribution for reason in reasons)
    shown = reasons[:_SHOWN]
    parts = [{"words": reason.words, "contribution": reason.contribution} for reason in shown]
    return found | {
        "score": record["scores"].get(_STORED.get(name, name)),
        "score_now": round(learner.predict_proba_one(inputs), 4),
        "log_odds": total,
        "base": base,
        "rest": total - base - sum(reason.contribution for reason in shown),
        "parts": parts,
    }


def _print(out: Console, found: dict[str, Any]) -> None:
    out.print(f"{found['feedback_id']} of {found['customer_id']}: {found['text']}")
    scores = found["scores"]
    out.print(
        f"{scores['kind']}, {scores['urgency']}, about {', '.join(scores['topics']) or 'nothing known'}"
        + (f"; {'; '.join(found['reasons'])}" if found["reasons"] else "")
    )
    rank = found["priority"]
    factors = " × ".join(f"{name} {rank[name]}" for name in ("urgency", "value", "reach"))
    out.print(f"priority {rank['score']} = {factors}")
    for one in found["explained"]:
        version = f"version {one['scored_with']}" if one["scored_with"] else "the shipped model"
        out.print(
            f"\n{one['model']} {one['score'] if one['score'] is not None else 'not stored'} by {version}"
        )
        if not one["exact"]:
            out.print(
                f"  that version is held no more; version {one['explained_with']} says {one['score_now']}:"
            )
        for part_ in one["parts"]:
            out.print(f"  {part_['contribution']:+.3f}  {part_['words']}")
        out.print(f"  {one['rest']:+.3f}  everything else")
        out.print(f"  {one['base']:+.3f}  where everybody starts; together {one['log_odds']:+.3f} log-odds")
