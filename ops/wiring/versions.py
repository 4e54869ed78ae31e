"""Versions of models the broker holds: the newest snapshots, and earlier ones."""

from __future__ import annotations

from dataclasses import dataclass

from models.snapshot import Snapshot, SnapshotError, decode
from ops.wiring.log import read
from streams.history import held
from streams.settings import Settings
from streams.topics import HISTORY, SNAPSHOTS


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a model; `where` says in which slot of which topic it stands."""

    snapshot: Snapshot
    where: str
    size: int
    newest: bool


def versions(settings: Settings, model: str | None = None) -> list[Version]:
    """Return what is held, by model and newest first; damaged containers are left out, as workers do."""
    found: dict[tuple[str, int], Version] = {}
    for topic in (HISTORY, SNAPSHOTS):
        records = read(
            settings, topic, lambda key: model is None or (key or b"").startswith(f"{model}/".encode())
        )
        for (name, slot), data in held(records).items():
            try:
                snapshot = decode(data, name)
            except SnapshotError:
                continue
            found[name, snapshot.version] = Version(snapshot, f"{topic} {slot}", len(data), False)
    newest = {name: max(v for n, v in found if n == name) for name, _ in found}
    return [
        Version(entry.snapshot, entry.where, entry.size, version == newest[name])
        for (name, version), entry in sorted(found.items(), key=lambda item: (item[0][0], -item[0][1]))
    ]


def of(found: list[Version], model: str, wanted: int) -> Snapshot | None:
    """Return the wanted version of a model, the newest when that is held no more, None without any."""
    mine = [entry.snapshot for entry in found if entry.snapshot.model == model]
    return next((snapshot for snapshot in mine if snapshot.version == wanted), mine[0] if mine else None)
