"""Debian's PgBouncer in front of a PostgreSQL: many clients on few connections of the server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from infrastructure.testing import ServerProcess

from . import debian, unprivileged
from .ports import HOST, free_port
from .postgres_endpoint import PostgresEndpoint
from .program import Program
from .running import OneProcess

__all__ = ["PgBouncer", "program"]

# Without `ignore_startup_parameters` it refuses a client's options, and without
# `max_prepared_statements`, which Debian's does not know yet, it loses its prepared statements.
_USUAL: Mapping[str, object] = {
    "auth_query": "SELECT usename, passwd FROM pg_shadow WHERE usename = $1",
    "auth_type": "hba",
    "default_pool_size": 10,
    "listen_addr": HOST,
    "max_client_conn": 1000,
    "pool_mode": "transaction",
}


def program() -> Program:
    """Return PgBouncer: where it is not installed it is downloaded once."""
    return debian.program("pgbouncer", "usr/sbin/pgbouncer")


class PgBouncer(OneProcess, PostgresEndpoint):
    """Runs one in front of ``upstream``, in a folder of its own that ``close`` removes.

    ``options``   lines of its settings, beside the usual ones, such as ``{"pool_mode": "session"}``.
    ``database``  the one that it passes on; by itself every one.

    It knows every role of the server and asks for its password, and lets in without one who comes
    to the server so. The user of ``upstream`` may ask it questions in its database ``pgbouncer``.
    """

    def __init__(
        self,
        upstream: PostgresEndpoint,
        options: Mapping[str, object] | None = None,
        *,
        database: str = "*",
    ) -> None:
        port = free_port()
        super().__init__(upstream.moved(HOST, port))
        self.upstream = upstream
        self._database = database
        self._folder = unprivileged.folder("pgbouncer-")
        self.folder = Path(self._folder.name)
        self._options = {
            **_USUAL,
            "admin_users": upstream.user,
            "auth_file": self.folder / "users.txt",
            "auth_hba_file": self.folder / "hba.conf",
            "auth_user": upstream.user,
            "listen_port": port,
            "unix_socket_dir": self.folder,
            **(options or {}),
        }
        found = unprivileged.reachable(program())
        self.process = ServerProcess(
            [str(found.path), str(self.folder / "pgbouncer.ini")],
            ready=self._is_ready,
            log=self.folder / "pgbouncer.log",
            env=found.env,
            user=unprivileged.user(),
        )

    async def start(self) -> None:
        """Write its settings and start it."""
        for name, text in self._files().items():
            path = self.folder / name
            path.write_text(text)
            unprivileged.hand_over(path)

        await super().start()

    async def close(self) -> None:
        """Stop it, whoever is connected, and remove its folder."""
        await self.stop()
        self._folder.cleanup()

    @contextmanager
    def database(self) -> Iterator[PostgresEndpoint]:
        """Give a new and empty database of the server, by way of this."""
        with self.upstream.database() as made:
            yield PostgresEndpoint(made.moved(self.host, self.port))

    @contextmanager
    def role(self, options: str = "", **settings: str) -> Iterator[PostgresEndpoint]:
        """Give a new role of the server, by way of this."""
        with self.upstream.role(options, **settings) as made:
            yield PostgresEndpoint(made.moved(self.host, self.port))

    def _files(self) -> dict[str, str]:
        user, password = self.upstream.user, self.upstream.password
        lines = [f"{name} = {value}\n" for name, value in self._options.items()]
        place = f"host={self.upstream.host} port={self.upstream.port}"
        trusted = "" if password else f"host all {user} {HOST}/32 trust\n"
        return {
            "hba.conf": f"{trusted}host all all {HOST}/32 scram-sha-256\n",
            "users.txt": f'"{user}" "{password or ""}"\n',
            "pgbouncer.ini": f"[databases]\n{self._database} = {place}\n[pgbouncer]\n{''.join(lines)}",
        }

    async def _is_ready(self) -> bool:
        # In its folder nobody else listens. A real login would wait for the server.
        _, writer = await asyncio.open_unix_connection(self.folder / f".s.PGSQL.{self.port}")
        writer.close()
        await writer.wait_closed()
        return True
