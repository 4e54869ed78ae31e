"""`hark rules` on the broker and the store the settings name."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Any

import typer

from models.events.decision import Arm, Suppression
from ops.commands.rules import AsJson, Wiring, app, out, why, wiring
from ops.commands.rules_text import shadow_lines
from ops.failures import sayable, settings
from ops.wiring.catalog import KafkaPublisher
from ops.wiring.history import history
from ops.wiring.store import opened
from rules.publish import Publisher
from rules.why import Kept
from sinks.clickhouse.queries import ask

_DECISIONS = """SELECT feedback_id, rule_id, arm, reason, rule_version FROM decisions FINAL
WHERE customer_id = {customer:String} ORDER BY decided_at"""


def wire(onto: Wiring = wiring) -> None:
    """Set what the commands connect to; settings are read and connections made when a command asks."""

    def publisher() -> Publisher:
        config = settings()
        onto.needs_approval = config.rules_approval
        return KafkaPublisher(config)

    onto.publisher = publisher
    onto.history = _history
    onto.decisions = _decisions


def _history(customer: str | None) -> Iterable[dict[str, Any]]:
    with opened(settings()) as client:
        yield from history(client, customer)


def _decisions(customer: str) -> Iterable[tuple[str, Kept]]:
    with opened(settings()) as client:
        rows = client.query(_DECISIONS, parameters={"customer": customer}).result_rows
    for identity, rule_id, arm, reason, version in rows:
        yield str(identity), Kept(str(rule_id), Arm(arm), Suppression(reason), int(version))


@app.command("shadow")
@sayable
def shadow(
    rule: Annotated[str | None, typer.Option("--rule", help="One rule only.")] = None, as_json: AsJson = False
) -> None:
    """Say what rules in shadow would have done on live events: how often, on whom, at what cost."""
    with opened(settings()) as client:
        rows = ask(client, "shadow", {"rule": rule or ""})
    if as_json:
        typer.echo(json.dumps({"rules": rows}, ensure_ascii=False))
        return
    for row in rows:
        for line in shadow_lines(row):
            out.print(line)
    if not rows:
        out.print("no decision of a rule in shadow is stored")


wire()

__all__ = ["app", "why", "wire"]
