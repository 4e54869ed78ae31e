"""`hark topics suggest | accept | dismiss`: people decide about new tags."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Protocol

import typer

from models.clock import Clock, SystemClock
from models.topics.tags import Status, Tag, TagBook, TagError
from ops.failures import sayable


class Store(Protocol):
    """Where the tag book lives, and the past that a tag may be applied to."""

    def load(self) -> TagBook:
        """Return the book as it stands."""
        ...

    def save(self, book: TagBook) -> None:
        """Keep the book, and make workers take its accepted tags from now on."""
        ...

    def apply_to_past(self, tag: Tag) -> int:
        """Give stored feedback the tag's topic where its phrases match; returns how many got it."""
        ...


def create_app(open_store: Callable[[], Store], clock: Clock | None = None) -> typer.Typer:
    """Return the commands over a store that is opened when one runs."""
    app = typer.Typer(no_args_is_help=True, help="New tags suggested by bursts.")
    now = (clock or SystemClock()).now

    @app.command()
    @sayable
    def suggest(
        all_: Annotated[bool, typer.Option("--all", help="Also accepted and dismissed ones")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array")] = False,
    ) -> None:
        """List suggested tags with masked examples, latest first."""
        status: Status | None = None if all_ else "suggested"
        tags = open_store().load().tags(status)
        if as_json:
            typer.echo(json.dumps([asdict(tag) for tag in tags], ensure_ascii=False))
            return
        if not tags:
            typer.echo("no suggestions")
        for tag in tags:
            since = datetime.fromtimestamp(tag.since, UTC).strftime("%Y-%m-%d %H:%M")
            name = f" as {tag.topic}" if tag.topic else ""
            typer.echo(f"{tag.id}  {tag.status}{name}  {', '.join(tag.phrases)}")
            typer.echo(
                f"    since {since} UTC: {tag.count} feedbacks of {tag.customers} customers, "
                f"{tag.expected:.1f} expected"
            )
            for example in tag.examples:
                typer.echo(f"    · {example}")

    @app.command()
    @sayable
    def accept(
        ident: Annotated[str, typer.Argument(help="Id of the suggestion")],
        topic: Annotated[str, typer.Argument(help="Topic it becomes, group.topic")],
        phrase: Annotated[list[str] | None, typer.Option(help="Look for this instead; repeatable")] = None,
        past: Annotated[bool, typer.Option("--past", help="Apply it to stored feedback too")] = False,
    ) -> None:
        """Accept a suggestion: its topic applies to feedback from now on."""
        store = open_store()
        book = store.load()
        tag = _decided(lambda: book.accept(ident, topic, now(), phrase or ()))
        store.save(book)
        typer.echo(f"{tag.topic} applies from now on: {', '.join(tag.phrases)}")
        if past:
            typer.echo(f"{store.apply_to_past(tag)} stored feedbacks got it")

    @app.command()
    @sayable
    def dismiss(ident: Annotated[str, typer.Argument(help="Id of the suggestion")]) -> None:
        """Dismiss a suggestion: its phrases are not suggested again for 30 days."""
        store = open_store()
        book = store.load()
        tag = _decided(lambda: book.dismiss(ident, now()))
        store.save(book)
        typer.echo(f"dismissed {tag.id}: {', '.join(tag.phrases)}")

    return app


def _decided(decide: Callable[[], Tag]) -> Tag:
    try:
        return decide()
    except TagError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
