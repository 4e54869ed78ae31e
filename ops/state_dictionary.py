"""Makes the dictionary that partition state is packed with: `python -m ops.state_dictionary FILE`.

Trained on the states that a simulated world leaves behind in every agent, none of them anybody's, and
judged on another world's: prints bytes before and after by agent and kind of key. A new dictionary gets
a new number and file beside the old ones, which changelogs still need.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections import defaultdict
from pathlib import Path

import zstandard

from ops.bench.steps import Steps
from ops.simulator.world import World
from streams.packing import WORTH_BYTES, Packer

BYTES = 32_768
EVENTS, DAYS = 4_000, 60
START_MS = 1_750_000_000_000
TRAINED_ON, JUDGED_ON = 1009, 2003
MOST = 600
"""Values of one kind that are learned from, so that none is all the dictionary knows."""

Values = dict[tuple[str, str], list[bytes]]


def kind_of(key: bytes) -> str:
    """Return the part of a state key that says what its value is: `c`, `~parked`."""
    return key.partition(b":")[0].decode()


async def values(seed: int) -> Values:
    """Return the values a world leaves in the agents' states, by agent and kind, long ones only."""
    steps, world = Steps(2), World(seed, EVENTS, START_MS, DAYS)
    steps.feed([*world.beginning(), *(record for day in range(DAYS) for record in world.day(day))])
    found: Values = defaultdict(list)
    for (agent, _), state in steps.states.items():
        for key, value in state.items():
            if len(value) >= WORTH_BYTES:
                found[agent, kind_of(key)].append(value)
    await steps.close()
    return found


def trained(found: Values, ident: int) -> bytes:
    """Return a dictionary with this number."""
    samples: list[bytes | bytearray | memoryview] = [v for held in found.values() for v in held[:MOST]]
    return zstandard.train_dictionary(BYTES, samples, dict_id=ident, level=3).as_bytes()


def table(found: Values, packer: Packer) -> list[str]:
    """Return a line a kind: values, mean bytes before and after, µs to pack and to unpack."""
    lines = [f"{'state':<16}{'values':>8}{'bytes':>8}{'packed':>8}{'µs':>7}{'µs back':>9}"]
    for (agent, kind), held in sorted(found.items()):
        start = time.process_time()
        packed = [packer.pack(value) for value in held]
        middle = time.process_time()
        back = [packer.unpack(value) for value in packed]
        end = time.process_time()
        assert back == held
        before, after = statistics.fmean(map(len, held)), statistics.fmean(map(len, packed))
        each = 1e6 / len(held)
        lines.append(
            f"{agent + ' ' + kind:<16}{len(held):>8}{before:>8.0f}{after:>8.0f}"
            f"{(middle - start) * each:>7.1f}{(end - middle) * each:>9.1f}"
        )
    return lines


def main() -> None:
    """Write the dictionary to the file named, whose number is its own, and show what it gains."""
    path = Path(sys.argv[1])
    path.write_bytes(trained(asyncio.run(values(TRAINED_ON)), int(path.stem)))
    print("\n".join(table(asyncio.run(values(JUDGED_ON)), Packer([path.read_bytes()]))))


if __name__ == "__main__":
    main()
