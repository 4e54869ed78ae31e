"""The command `hark`."""

from __future__ import annotations

import typer

from ops.commands import (
    bench,
    dead,
    demo,
    doctor,
    erase,
    explain,
    gateway,
    guardrail,
    import_,
    keys,
    media,
    models,
    produce,
    report,
    rules,
    rules_wiring,
    store,
    tickets,
    topics,
    topics_tags,
    up,
    uplift,
    worker,
)
from ops.evaluation import churn, pii, sentiment
from ops.evaluation import topics as topics_evaluation
from ops.failures import sayable, settings
from ops.wiring.tags import KafkaTags

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="From what customers say to what a company does, and whether it helped.",
)
evaluate = typer.Typer(
    help="Product models on files of yours, one pass, predict then learn.", no_args_is_help=True
)
evaluate.command("sentiment")(sayable(sentiment.sentiment))
evaluate.command("pii")(sayable(pii.pii))
evaluate.command("churn")(sayable(churn.churn))
evaluate.command("topics")(sayable(topics_evaluation.topics))

app.command("demo")(demo.demo)
app.command("produce")(produce.produce)
app.command("import")(import_.import_)
app.command("worker")(worker.worker)
app.command("up")(up.up)
app.command("gateway")(gateway.gateway)
app.command("media")(media.media)
app.command("bench")(bench.bench)
app.command("doctor")(doctor.doctor)
app.command("report")(report.report)
app.command("uplift")(sayable(uplift.uplift))
app.command("explain")(explain.explain)
app.command("erase")(erase.erase)
app.command("guardrail")(guardrail.guardrail)
rules_wiring.wire()
topics.app.add_typer(topics_tags.create_app(lambda: KafkaTags(settings())))
app.add_typer(topics.app, name="topics")
app.add_typer(models.app, name="models")
app.add_typer(rules.app, name="rules")
app.add_typer(store.app, name="store")
app.add_typer(dead.app, name="dead")
app.add_typer(tickets.app, name="tickets")
app.add_typer(keys.app, name="keys")
app.add_typer(evaluate, name="eval")


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
