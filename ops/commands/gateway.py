"""`hark gateway`: the HTTP door for producers without Kafka."""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import typer

from ops.failures import run, sayable, settings
from ops.gateway.server import serve


@sayable
def gateway(
    host: Annotated[str | None, typer.Option("--host", help="Instead of HARK_GATEWAY_HOST.")] = None,
    port: Annotated[int | None, typer.Option("--port", help="Instead of HARK_GATEWAY_PORT.")] = None,
    broker: Annotated[str | None, typer.Option("--broker", help="Instead of HARK_BROKER.")] = None,
) -> None:
    """Accept feedback and customer events over HTTP until stopped."""
    config = settings(gateway_host=host, gateway_port=port, broker=broker)
    logging.basicConfig(
        level=config.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr
    )
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    run(serve(config))
