"""TimescaleDB in WebAssembly, from npm: the real one, for one client at a time."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import psycopg

from infrastructure.testing import ServerProcess, accepts

from .commands import found, run
from .installation import digest, installed
from .ports import HOST, free_port
from .postgres_endpoint import PostgresEndpoint, Way
from .running import OneProcess

__all__ = ["TimescaleServer"]

_SOURCES = Path(__file__).parent / "timescale"
_FILES = ("package.json", "package-lock.json", "client.mjs", "server.mjs")
_DATA = "data.tar"

# Tables first: with them go the views on them, of which those that TimescaleDB keeps fresh could
# not be removed as views.
_CLEAR = """
DO $$
DECLARE line text;
BEGIN
    FOR line IN
        SELECT format('DROP %s IF EXISTS %I CASCADE', kind, name) FROM (
            SELECT 'SCHEMA', nspname, oid, 'pg_namespace'::regclass FROM pg_namespace
            WHERE nspname !~ '^pg_|^information_schema$|^public$'
            UNION ALL
            SELECT CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END,
                relname, oid, 'pg_class'::regclass
            FROM pg_class
            WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v', 'm', 'p')
        ) AS known (kind, name, id, class)
        WHERE NOT EXISTS (
            SELECT FROM pg_depend WHERE deptype = 'e' AND objid = id AND classid = class
        )
        ORDER BY kind
    LOOP
        EXECUTE line;
    END LOOP;
END
$$
"""


class TimescaleServer(OneProcess, PostgresEndpoint):
    """Runs one on a free port; its data are in its memory, and gone when it ends.

    It serves one connection at a time, others wait for their turn, and it has one database. COPY,
    and whatever else it cannot do, is its end: ``start`` works again.
    """

    storage_options: Mapping[str, object] = {"bulk": "values", "max_connections": 1}
    bulk: Sequence[Way] = ("values",)

    def __init__(self) -> None:
        port = free_port()
        super().__init__(f"postgresql://postgres@{HOST}:{port}/postgres?sslmode=disable")
        node, folder = _command("node"), _installed()
        arguments = ["serve", str(folder / _DATA), HOST, str(port)]
        self.process = ServerProcess(
            [node, str(folder / "server.mjs"), *arguments], ready=accepts(HOST, port)
        )

    async def start(self) -> None:
        """Start it, empty, where it does not run."""
        if not await self._listens():
            # It may be about to end.
            self.kill()
            await self.process.start(within=60)

    async def close(self) -> None:
        """Stop it."""
        await self.stop()

    async def _listens(self) -> bool:
        try:
            return self.is_running and await accepts(self.host, self.port)()
        except OSError:
            return False

    def clear(self) -> None:
        """Remove what a test has left; where it does not let us, end it."""
        if not self.is_running:
            return

        try:
            with self.control() as control:
                control.execute(_CLEAR)
        except psycopg.Error:
            self.kill()


def _installed() -> Path:
    """Return the folder with the server and its data, which is filled once."""
    told = digest((_SOURCES / name).read_bytes() for name in _FILES)
    return installed(f"timescale-{told}", _install)


def _install(new: Path, _scratch: Path) -> None:
    for name in _FILES:
        shutil.copy(_SOURCES / name, new)

    for command in (
        [_command("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        [_command("node"), "server.mjs", "prepare", _DATA],
    ):
        run(" ".join(command), command, cwd=new)


def _command(name: str) -> str:
    return found(name, "TimescaleDB", "install Node.js 20, or name a server by TIMESCALEDB_URL")
