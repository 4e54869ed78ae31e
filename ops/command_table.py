"""The commands of `hark`: where each lives and its line in the overview.

A table instead of imports: all commands together import the broker's client, the store's, the models
and the benchmark, 4.6 s of processor time; a command that loads only itself starts at once.
"""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """One command or group of commands.

    Attributes
    ----------
    target
        `module:attribute` of a function that is the command, or of the `typer.Typer` that is the group.
    summary
        First paragraph of its help; a test holds it to the command's own.
    """

    target: str
    summary: str


COMMANDS = {
    "demo": Entry(
        "ops.commands.demo:demo", "Run the whole pipeline on embedded parts and print what came of it."
    ),
    "produce": Entry(
        "ops.commands.produce:produce",
        "Publish feedback from files to feedback.raw; exits 1 when a line could not be read.",
    ),
    "import": Entry(
        "ops.commands.import_:import_", "Publish files by a mapping; exits 1 when a line is no valid event."
    ),
    "worker": Entry(
        "ops.commands.worker:worker", "Run agents until stopped; more workers share the partitions."
    ),
    "up": Entry(
        "ops.commands.up:up",
        "Start broker, store, workers and the guardrail job, print their addresses, and run until stopped.",
    ),
    "gateway": Entry(
        "ops.commands.gateway:gateway", "Accept feedback and customer events over HTTP until stopped."
    ),
    "media": Entry("ops.commands.media:media", "Read attachments that came without a text, until stopped."),
    "bench": Entry(
        "ops.commands.bench:bench", "Measure the whole pipeline beside its peers, in under ten minutes."
    ),
    "doctor": Entry(
        "ops.commands.doctor:doctor",
        "Check broker, topics, store, schema, keys, rules, calendar and model snapshots.",
    ),
    "report": Entry(
        "ops.commands.report:report", "Print counts, model figures, decisions and uplift from the store."
    ),
    "uplift": Entry(
        "ops.commands.uplift:uplift",
        "Say whether rules helped, or what a randomised table shows, with intervals that hold.",
    ),
    "explain": Entry(
        "ops.commands.explain:explain",
        "Explain the scores of a feedback: what added to them and by how much.",
    ),
    "value": Entry(
        "ops.commands.value:value",
        "Print what listening to each topic was worth: V = αS + βT + γR with its parts.",
    ),
    "why": Entry(
        "ops.commands.rules_wiring:why",
        "Explain each rule's condition at a customer's last events, and the limit that stopped it.",
    ),
    "erase": Entry(
        "ops.commands.erase:erase",
        "Erase a customer: profile, windows, features, pending labels, links and rows.",
    ),
    "guardrail": Entry(
        "ops.commands.guardrail:guardrail",
        "Judge the guardrails of live rules from the store, and pause a rule that is proven to do harm.",
    ),
    "links": Entry("ops.commands.links:app", "Which channel handle belongs to which customer."),
    "topics": Entry("ops.commands.topics:app", "Kafka topics."),
    "models": Entry("ops.commands.models:app", "Versions of the models, challengers, going back."),
    "rules": Entry("ops.commands.rules_wiring:app", "Check, test, try, publish and explain rules."),
    "store": Entry("ops.commands.store:app", "The ClickHouse store."),
    "dead": Entry("ops.commands.dead:app", "Events that could not be processed, never their content."),
    "tickets": Entry("ops.commands.tickets:app", "Work orders: what is open, since when, and who has it."),
    "keys": Entry("ops.commands.keys:app", "Keys of pseudonyms."),
    "eval": Entry(
        "ops.commands.evaluate:app", "Product models on files of yours, one pass, predict then learn."
    ),
}
