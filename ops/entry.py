"""Entry point of the command `hark`: Ctrl-C ends in one word, even while modules are loading."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; exit status 130 when interrupted, as shells expect."""
    try:
        from ops.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.stderr.write("hark: stopped\n")
        raise SystemExit(130) from None
