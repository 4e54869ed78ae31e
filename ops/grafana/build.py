"""Write the dashboards: `python -m ops.grafana.build`; with `--check` only compare, for CI."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ops.grafana.loop import LOOP
from ops.grafana.models import MODELS
from ops.grafana.pipeline import PIPELINE
from ops.grafana.uplift import UPLIFT
from ops.grafana.voice import VOICE

DASHBOARDS = (VOICE, UPLIFT, LOOP, MODELS, PIPELINE)
FOLDER = Path(__file__).parent / "provisioning" / "dashboards"


def texts() -> dict[str, str]:
    """Return the JSON of every dashboard by file name."""
    return {
        f"{board.uid.removeprefix('hark-')}.json": json.dumps(board.json(), indent=1, ensure_ascii=False)
        + "\n"
        for board in DASHBOARDS
    }


def stale(folder: Path = FOLDER) -> list[str]:
    """Return the names of files that differ from what the code makes, or that it does not make."""
    made = texts()
    there = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    return sorted(name for name in made.keys() | there.keys() if made.get(name) != there.get(name))


def main(arguments: list[str]) -> int:
    """Write the files, or say which are out of date."""
    if "--check" in arguments:
        for name in (names := stale()):
            print(f"{name} is not what ops/grafana makes: run python -m ops.grafana.build")
        return 1 if names else 0
    for name, text in texts().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
