"""`hark media`: pictures and voice of feedback become text."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
from prometheus_client import start_http_server

from models.intake import Limits
from models.media import Folder, PocketSphinx, Tesseract, Transcribers
from ops.failures import UserError, run, sayable, settings
from ops.media.reading import MediaReader
from ops.media.worker import MediaWorker
from streams.settings import Settings

DAY_MS = 86_400_000


@sayable
def media(
    folder: Annotated[Path | None, typer.Option("--folder", help="Instead of HARK_MEDIA_DIR.")] = None,
    broker: Annotated[str | None, typer.Option("--broker", help="Instead of HARK_BROKER.")] = None,
) -> None:
    """Read attachments that came without a text, until stopped."""
    config = settings(broker=broker, media_dir=folder)
    logging.basicConfig(level=config.log_level, stream=sys.stderr)
    transcribers = Transcribers([Tesseract(), PocketSphinx()])
    for reason in transcribers.missing:
        typer.echo(reason, err=True)
    if not len(transcribers):
        raise UserError("nothing to read attachments with: install one of the above")
    limits = Limits(
        config.max_event_bytes, int(config.future_tolerance_s * 1000), int(config.max_age_days * DAY_MS)
    )
    run(_serve(config, MediaReader(transcribers, Folder(config.media_dir), limits)))


async def _serve(config: Settings, reader: MediaReader) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    if config.metrics_port:
        start_http_server(config.metrics_port, addr=config.metrics_host)
    await MediaWorker(config, reader).run(stopped)
