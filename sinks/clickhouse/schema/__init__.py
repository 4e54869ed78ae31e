"""The schema as numbered SQL files, applied forward only, with a checked version.

Each file is valid SQL for one node as it stands. For a cluster the comments `/* on cluster */`
and `/* replicated */` are filled in, so both variants come from one source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from importlib.resources import files

from sinks.base import SinkError
from sinks.clickhouse.client import EXPECTED, Client, code_of

_FILE = re.compile(r"(\d{4})_(\w+)\.sql")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_VERSIONS = """CREATE TABLE IF NOT EXISTS schema_migrations /* on cluster */
(version UInt32, name String, checksum String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'))
ENGINE = /* replicated */ ReplacingMergeTree(applied_at) ORDER BY version"""


class SchemaError(SinkError):
    """The store's schema is not the one this Hark needs; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file; `checksum` tells whether it changed after it was applied."""

    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """Digest of the statements without comments."""
        return blake2b("\n".join(statements(self.sql)).encode(), digest_size=16).hexdigest()


@cache
def migrations() -> tuple[Migration, ...]:
    """Return the migrations of this Hark in order of version."""
    found = []
    for path in files(__name__).iterdir():
        name = _FILE.fullmatch(path.name)
        if name:
            found.append(Migration(int(name[1]), name[2], path.read_text(encoding="utf-8")))
    return tuple(sorted(found, key=lambda migration: migration.version))


def statements(sql: str) -> Iterator[str]:
    r"""Yield the statements of a file, without comment lines.

    Examples
    --------
    >>> list(statements("-- why\nSELECT 1;\nSELECT ';' AS x;\n"))
    ['SELECT 1', "SELECT ';' AS x"]
    """
    lines = (line for line in sql.splitlines() if not line.lstrip().startswith("--"))
    for part in re.split(r";[ \t]*(?:\n|$)", "\n".join(lines)):
        if part.strip():
            yield part.strip()


def render(statement: str, cluster: str | None = None) -> str:
    """Fill in the cluster comments of a statement.

    Examples
    --------
    >>> render("CREATE TABLE t /* on cluster */ (a UInt8) ENGINE = /* replicated */ MergeTree", "main")
    'CREATE TABLE t ON CLUSTER `main` (a UInt8) ENGINE = ReplicatedMergeTree'
    """
    if cluster is None:
        return statement.replace("/* on cluster */", "").replace("/* replicated */ ", "")
    if not _NAME.fullmatch(cluster):
        raise SchemaError("a cluster's name may hold letters, digits and _ only")
    return statement.replace("/* on cluster */", f"ON CLUSTER `{cluster}`").replace(
        "/* replicated */ ", "Replicated"
    )


class Schema:
    """The schema in one database of one store.

    Parameters
    ----------
    client
        Connected client; its default database is changed to `database`.
    cluster
        Name of the cluster for the replicated variant, None for one node.
    known
        Migrations to work with; the package's own unless a test brings others.
    """

    def __init__(
        self,
        client: Client,
        database: str = "hark",
        cluster: str | None = None,
        known: Sequence[Migration] | None = None,
    ) -> None:
        if not _NAME.fullmatch(database):
            raise SchemaError("a database's name may hold letters, digits and _ only")
        self._client = client
        self._database = database
        self._cluster = cluster
        self._known = tuple(migrations() if known is None else known)

    def applied(self) -> dict[int, str]:
        """Return the applied versions with their checksums; empty when there is no schema."""
        query = f"SELECT version, checksum FROM {self._database}.schema_migrations FINAL ORDER BY version"
        try:
            return {
                int(version): str(checksum) for version, checksum in self._client.query(query).result_rows
            }
        except EXPECTED as error:
            if code_of(error) in (60, 81):
                return {}
            raise

    def check(self) -> None:
        """Raise unless the store has exactly this Hark's schema.

        Raises
        ------
        SchemaError
            With one sentence: missing, older, newer, or changed.
        """
        applied = self.applied()
        known = {migration.version: migration for migration in self._known}
        newest = max(known, default=0)
        if not applied:
            raise SchemaError(f"the database {self._database} has no schema: run `hark store migrate`")
        for version, checksum in applied.items():
            if version not in known:
                raise SchemaError(
                    f"the schema is at version {version}, this Hark knows {newest}: upgrade Hark"
                )
            if known[version].checksum != checksum:
                raise SchemaError(f"migration {version} was changed after it was applied: restore its file")
        if set(known) - set(applied):
            raise SchemaError(
                f"the schema is at version {max(applied)}, this Hark needs {newest}: run `hark store migrate`"
            )

    def migrate(self) -> list[int]:
        """Apply what is missing, oldest first, and return the versions applied.

        A migration that died half way is applied again: its statements are idempotent. Two
        workers migrating at once do no harm for the same reason.

        Raises
        ------
        SchemaError
            When the store is newer than this Hark or an applied migration was changed.
        """
        self._run(f"CREATE DATABASE IF NOT EXISTS {self._database} /* on cluster */")
        self._client.database = self._database
        self._run(_VERSIONS)
        applied = self.applied()
        done = []
        for migration in self._known:
            if migration.version in applied:
                continue
            for statement in statements(migration.sql):
                self._run(statement)
            self._client.command(
                "INSERT INTO schema_migrations (version, name, checksum)"
                f" VALUES ({migration.version}, '{migration.name}', '{migration.checksum}')"
            )
            done.append(migration.version)
        self.check()
        return done

    def _run(self, statement: str) -> None:
        self._client.command(render(statement, self._cluster))
