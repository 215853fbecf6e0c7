"""TimescaleDB in WebAssembly, from npm: the real one, for one client at a time."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

from infrastructure.testing import ServerProcess, accepts

from .ports import HOST, free_port
from .postgres_endpoint import PostgresEndpoint, Way

__all__ = ["TimescaleServer"]

_SOURCES = Path(__file__).parent / "timescale"
_FILES = ("package.json", "package-lock.json", "client.mjs", "server.mjs")
# Removed by `make clean`.
_INSTALLED = Path(__file__).resolve().parents[2] / "build" / "servers"
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


class TimescaleServer(PostgresEndpoint):
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

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<TimescaleServer on {self.host}:{self.port}: {self.process!r}>"

    async def start(self) -> None:
        """Start it, empty, where it does not run."""
        if not await self._listens():
            # It may be about to end.
            self.process.kill()
            await self.process.start(within=60)

    async def close(self) -> None:
        """Stop it."""
        await self.process.stop()

    async def _listens(self) -> bool:
        try:
            return self.process.is_running and await accepts(self.host, self.port)()
        except OSError:
            return False

    def clear(self) -> None:
        """Remove what a test has left; where it does not let us, end it."""
        if not self.process.is_running:
            return

        try:
            with self.control() as control:
                control.execute(_CLEAR)
        except psycopg.Error:
            self.process.kill()


def _installed() -> Path:
    """Return the folder with the server and its data, which is filled once."""
    told = hashlib.sha256(b"".join((_SOURCES / name).read_bytes() for name in _FILES))
    folder = _INSTALLED / f"timescale-{told.hexdigest()[:12]}"

    if not folder.is_dir():
        _INSTALLED.mkdir(parents=True, exist_ok=True)
        _install(folder)

    return folder


def _install(folder: Path) -> None:
    """Fill ``folder``, all at once."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        new = Path(scratch) / "new"
        new.mkdir()

        for name in _FILES:
            shutil.copy(_SOURCES / name, new)

        _run([_command("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"], new)
        _run([_command("node"), "server.mjs", "prepare", _DATA], new)

        try:
            new.rename(folder)
        except OSError:
            # Another run may have been as fast.
            if not folder.is_dir():
                raise


def _command(name: str) -> str:
    found = shutil.which(name)

    if found is None:
        msg = f"TimescaleDB needs {name}, which is not installed: install Node.js 20, or name a server by TIMESCALEDB_URL"
        raise RuntimeError(msg)

    return found


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        text=True,
    )

    if done.returncode:
        msg = f"{' '.join(command)} ended with status {done.returncode}: {done.stdout}"
        raise RuntimeError(msg)
