"""`hark eval`: the product's own models on files of the user."""

from __future__ import annotations

import typer

from ops.evaluation import churn, pii, sentiment, tables, topics, watch
from ops.failures import sayable

app = typer.Typer(
    help="Product models on files of yours, one pass, predict then learn.", no_args_is_help=True
)
app.command("sentiment")(sayable(sentiment.sentiment))
app.command("pii")(sayable(pii.pii))
app.command("churn")(sayable(churn.churn))
app.command("tables")(sayable(tables.tables))
app.command("topics")(sayable(topics.topics))
app.command("watch")(sayable(watch.watch))
