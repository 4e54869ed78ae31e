"""Versions of models the broker holds: the newest snapshots, and earlier ones."""

from __future__ import annotations

from dataclasses import dataclass

from models.snapshot import Snapshot, SnapshotError, decode
from ops.wiring.log import read_together
from streams.history import held
from streams.settings import Settings
from streams.topics import HISTORY, SNAPSHOTS


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a model; `where` says in which slots of which topics it stands."""

    snapshot: Snapshot
    where: str
    size: int
    newest: bool


def versions(settings: Settings, model: str | None = None) -> list[Version]:
    """Return what is held, by model and newest first; damaged containers are left out, as workers do."""
    found: dict[tuple[str, int], Version] = {}
    topics = (HISTORY, SNAPSHOTS)
    mine = b"" if model is None else f"{model}/".encode()
    for topic, records in zip(
        topics, read_together(settings, topics, lambda key: (key or b"").startswith(mine)), strict=True
    ):
        for (name, slot), data in held(records).items():
            try:
                snapshot = decode(data, name)
            except SnapshotError:
                continue
            known = found.get((name, snapshot.version))
            where = f"{topic} {slot}" if known is None else f"{known.where}, {topic} {slot}"
            found[name, snapshot.version] = Version(snapshot, where, len(data), False)
    newest = {name: max(v for n, v in found if n == name) for name, _ in found}
    return [
        Version(entry.snapshot, entry.where, entry.size, version == newest[name])
        for (name, version), entry in sorted(found.items(), key=lambda item: (item[0][0], -item[0][1]))
    ]


def of(found: list[Version], model: str, wanted: int) -> Snapshot | None:
    """Return the wanted version of a model, the newest when that is held no more, None without any."""
    mine = [entry.snapshot for entry in found if entry.snapshot.model == model]
    return next((snapshot for snapshot in mine if snapshot.version == wanted), mine[0] if mine else None)
