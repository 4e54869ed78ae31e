"""A run of rounds: feed known events while incidents happen, drain, compare with the books."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Awaitable, Callable
from random import Random

from chaos_arena import CHAIN, SESSION_S, Arena, until
from chaos_ledger import Books, Ledger, books
from chaos_oracle import Oracle
from chaos_store_proxy import Fault
from chaos_traffic import Event, Traffic

ROUNDS = int(os.environ.get("HARK_CHAOS_ROUNDS", "3"))
SEED = int(os.environ.get("HARK_CHAOS_SEED", "1"))
EVENTS = 1200
FEED_SECONDS = 5.0
BURSTS = 8
DRAIN_SECONDS = 90.0

Incident = Callable[["Play"], Awaitable[None]]
Report = Callable[[str], None]


class Play:
    """One run of rounds in an arena."""

    def __init__(self, arena: Arena, seed: int, report: Report) -> None:
        self.arena = arena
        self.rng = Random(seed)
        self.report = report
        self.oracle = Oracle(arena.settings)
        self.ledger = Ledger(self.oracle, arena.client, arena.watcher)
        self.traffic = Traffic(seed, arena.settings.partitions, int(time.time() * 1000))
        self.bad = 0
        self.published = asyncio.Event()
        self._extra = 0

    async def begin(self) -> None:
        """Start two workers and a separate sink, publish profiles, wait until all are processed."""
        arena = self.arena
        await asyncio.gather(
            arena.add("w1", static=True), arena.add("w2"), arena.add("sink", ("archive",), static=True)
        )
        profiles = await arena.publish("customers.events", self.traffic.profiles())
        await self.oracle.run("customers.events", profiles)
        wanted = books(self.oracle)
        await self.drain("profiles", wanted)

    async def round(self, number: int, incidents: list[Incident]) -> None:
        """Feed a round's events while incidents happen, drain, compare."""
        began, arena = time.monotonic(), self.arena
        events = self.traffic.round(number, EVENTS, self.bad)
        self.bad = 0
        happening = [asyncio.create_task(self._later(incident)) for incident in incidents]
        try:
            await self._feed(events)
            await asyncio.gather(*happening)
        finally:
            for task in happening:
                task.cancel()
        fed, wanted = time.monotonic(), books(self.oracle)
        await self.drain("all of it", wanted)
        await until("both states reached the end of the input", DRAIN_SECONDS, self._reached)
        differences = await asyncio.to_thread(self.ledger.differences, wanted)
        names = ", ".join(incident.__name__ for incident in incidents)
        repeats = await self.ledger.repeats()
        ends, faults = arena.ends.told()
        self.report(
            f"round {number} ({names}): {len(events)} events, drained {time.monotonic() - fed:.1f} s after "
            f"the feed, {time.monotonic() - began:.1f} s in all; repeats so far {repeats}; ends: {ends}"
        )
        assert not differences, "\n".join([f"round {number} ({names}), seed {SEED}:", *differences])
        assert not faults, f"round {number} ({names}), seed {SEED}: no incident explains that {faults}"

    async def drain(self, what: str, wanted: Books) -> None:
        """Wait until the store has it all; say what is missing and what workers wait for otherwise."""
        try:
            await until(f"{what} arrived", DRAIN_SECONDS, lambda: self._full(wanted))
        except AssertionError as late:
            for worker in self.arena.workers:
                worker.signal(signal.SIGUSR1)  # tells what it waits for
            found = await asyncio.to_thread(self.ledger.differences, wanted)
            logs = {
                worker.name: worker.log.read_text(errors="replace")[-12_000:] for worker in self.arena.workers
            }
            texts = [f"{name}: {text}" for name, text in logs.items()]
            raise AssertionError("\n".join([f"seed {SEED}: {late}", *found, *texts])) from late

    async def _feed(self, events: list[Event]) -> None:
        size = len(events) // BURSTS + 1
        for begin in range(0, len(events), size):
            arrived = await self.arena.publish("feedback.raw", events[begin : begin + size])
            self.published.set()
            self.published.clear()
            await self.oracle.run("feedback.raw", arrived)
            await asyncio.sleep(FEED_SECONDS / BURSTS * (0.5 + self.rng.random()))

    async def _later(self, incident: Incident) -> None:
        await asyncio.sleep(self.rng.random() * FEED_SECONDS * 0.6)
        await incident(self)

    async def busy(self) -> None:
        """Wait until workers have something to do: just after a burst was published, if one comes."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.published.wait(), FEED_SECONDS)
        await asyncio.sleep(self.rng.random() * 0.25)

    async def _full(self, wanted: Books) -> bool:
        self.arena.watcher.check()
        return await asyncio.to_thread(self.ledger.arrived, wanted)

    def _reached(self) -> bool:
        self.arena.watcher.check()
        last = self.arena.last()
        # Bad events end in intake, so the state's marks stop at the last good one: compare with the oracle's.
        return all(
            self.arena.watcher.reached(agent, "feedback.raw", self._good(agent, last))
            for agent in ("score", "decide")
        )

    def _good(self, agent: str, last: dict[int, int]) -> dict[int, int]:
        marks: dict[int, int] = {}
        for state in self.oracle.states(agent).values():
            for partition in last:
                offset = state.marks.get(f"<feedback.raw/{partition}", -1)
                marks[partition] = max(offset, marks.get(partition, -1))
        return marks


async def kill(play: Play) -> None:
    """End a worker as the kernel's OOM killer would."""
    await play.busy()
    play.rng.choice(play.arena.workers[:2]).signal(signal.SIGKILL)


async def kill_twice(play: Play) -> None:
    """End two workers at once."""
    await play.busy()
    for worker in play.arena.workers[:2]:
        worker.signal(signal.SIGKILL)


async def kill_sink(play: Play) -> None:
    """End the worker that only writes to the store."""
    await play.busy()
    play.arena.workers[2].signal(signal.SIGKILL)


async def kill_again_and_again(play: Play) -> None:
    """End whatever carries events four times, each time in the middle of its work."""
    for _ in range(4):
        await play.busy()
        for worker in play.arena.workers[:2]:
            worker.signal(signal.SIGKILL)


async def terminate(play: Play) -> None:
    """End a worker as an orderly deployment would."""
    await play.busy()
    play.rng.choice(play.arena.workers[:3]).signal(signal.SIGTERM)


async def freeze(play: Play) -> None:
    """Stop a worker past its session and let it go on: a zombie."""
    await play.busy()
    worker = play.rng.choice(play.arena.workers[:3])
    worker.signal(signal.SIGSTOP)
    await asyncio.sleep(SESSION_S * (1.3 + 0.4 * play.rng.random()))
    worker.signal(signal.SIGCONT)


async def freeze_all(play: Play) -> None:
    """Stop both chains past their session while a third takes over, then let the zombies go on."""
    await play.busy()
    play._extra += 1
    frozen, third = play.arena.workers[:2], await play.arena.add(f"extra{play._extra}", CHAIN)
    for worker in frozen:
        worker.signal(signal.SIGSTOP)
    await asyncio.sleep(SESSION_S * 2)
    for worker in frozen:
        worker.signal(signal.SIGCONT)
    await asyncio.sleep(1)
    third.wanted = False
    third.signal(signal.SIGTERM)
    await until(f"{third.name} ended", 20, lambda: not third.alive)
    play.arena.workers.remove(third)


async def join_and_leave(play: Play) -> None:
    """Add a worker, then take it away again."""
    play._extra += 1
    worker = await play.arena.add(f"extra{play._extra}", CHAIN)
    await asyncio.sleep(1.5 + 2 * play.rng.random())
    worker.wanted = False
    worker.signal(play.rng.choice((signal.SIGTERM, signal.SIGKILL)))
    await until(f"{worker.name} ended", 20, lambda: not worker.alive)
    play.arena.workers.remove(worker)


async def _store(play: Play, fault: Fault, seconds: float) -> None:
    play.arena.proxy.play(fault)
    await asyncio.sleep(seconds)
    play.arena.proxy.play(Fault.NONE)


async def store_refuses(play: Play) -> None:
    """Make the store refuse connections."""
    await _store(play, Fault.REFUSE, 1 + 2 * play.rng.random())


async def store_vanishes(play: Play) -> None:
    """Make the store silent."""
    await _store(play, Fault.SILENT, 1 + 2 * play.rng.random())


async def store_away_for_long(play: Play) -> None:
    """Make the store refuse for more than a minute: longer than any request, session or retry lasts."""
    await _store(play, Fault.REFUSE, 65 + 10 * play.rng.random())


async def store_forgets_to_answer(play: Play) -> None:
    """Make the store do what it is told and lose the answers."""
    await _store(play, Fault.SWALLOW, 0.5 + play.rng.random())


async def broker_dies(play: Play) -> None:
    """End a broker of several at once and start it again later."""
    await play.busy()
    node = play.rng.choice(play.arena.cluster.node_ids)
    await asyncio.to_thread(play.arena.cluster.kill, node)
    await asyncio.sleep(2 + 3 * play.rng.random())
    await asyncio.to_thread(play.arena.cluster.restart, node)


async def broker_freezes(play: Play) -> None:
    """Stop a broker of several until the others have given it up, then let it go on."""
    await play.busy()
    node = play.rng.choice(play.arena.cluster.node_ids)
    play.arena.cluster.pause(node)
    await asyncio.sleep(4 + 3 * play.rng.random())
    play.arena.cluster.resume(node)


async def broker_restarts(play: Play) -> None:
    """Restart a broker of several in an orderly way."""
    await play.busy()
    node = play.rng.choice(play.arena.cluster.node_ids)
    await asyncio.to_thread(play.arena.cluster.restart, node)


async def clock_moves(play: Play) -> None:
    """Set the workers' wall clock wrong, restart one under it, then set it right."""
    await play.busy()
    # Ahead by less than an hour: further, brokers refuse the records (message.timestamp.after.max.ms).
    await play.arena.move_clock(play.rng.choice((3_000.0, -3_000.0, -2 * 86_400.0)))
    await asyncio.sleep(1 + play.rng.random())
    play.rng.choice(play.arena.workers[:2]).signal(signal.SIGTERM)
    await asyncio.sleep(1 + play.rng.random())
    await play.arena.move_clock(0.0)


async def flood(play: Play) -> None:
    """Send a heap of bad events in the next round."""
    play.bad = 300


INCIDENTS: tuple[Incident, ...] = (
    kill, kill, kill_twice, kill_again_and_again, kill_sink, terminate, freeze, freeze_all, join_and_leave,
    store_refuses, store_vanishes, store_forgets_to_answer, flood, clock_moves,
)  # fmt: skip

BROKER_INCIDENTS: tuple[Incident, ...] = (broker_dies, broker_freezes, broker_restarts)
