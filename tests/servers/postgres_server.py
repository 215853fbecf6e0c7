"""One PostgreSQL of our own: its settings, its address, its process."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg
from psycopg.pq import PGconn, Ping

from infrastructure.testing import ServerProcess

from . import unprivileged
from .certificates import Certificates
from .ports import HOST, free_port
from .postgres_data import SUPERUSER, fill, release_memory
from .postgres_endpoint import PostgresEndpoint
from .program import Program
from .running import OneProcess

__all__ = ["PostgresServer"]

# What is acknowledged is on the disk: `fsync` is on, as it is by itself.
_USUAL: Mapping[str, object] = {
    # In the folder, which is removed, and not in the memory of the machine.
    "dynamic_shared_memory_type": "mmap",
    "jit": "off",
    "listen_addresses": HOST,
    "log_timezone": "UTC",
    "max_connections": 100,
    "shared_buffers": "16MB",
    # Nobody's default: whoever relies on UTC has to ask for it.
    "timezone": "Asia/Tehran",
}

# Seconds: after a crash it reads its log again.
_STARTING = 30.0


class PostgresServer(OneProcess, PostgresEndpoint):
    """Runs ``program`` on a free port, in a folder of its own that ``close`` removes.

    ``options``       lines of its settings, beside the usual ones.
    ``password``      of its superuser, who is let in without one unless it is given.
    ``certificates``  it listens with TLS alone, but on its Unix socket; with mutual ones it asks
                      for a client's, too.

    Every role but the superuser has to show its password (SCRAM), save on the Unix socket.
    """

    def __init__(
        self,
        program: Program,
        options: Mapping[str, object] | None = None,
        *,
        password: str | None = None,
        certificates: Certificates | None = None,
    ) -> None:
        port = free_port()
        account = f"{SUPERUSER}:{quote(password, safe='')}" if password else SUPERUSER
        query = f"?{urlencode(certificates.libpq_options)}" if certificates else ""
        super().__init__(f"postgresql://{account}@{HOST}:{port}/{SUPERUSER}{query}")
        self.certificates = certificates
        self._program = unprivileged.reachable(program)
        self._folder = unprivileged.folder("postgres-")
        self.folder = Path(self._folder.name)
        self._data = self.folder / "data"
        self._options = {
            **_USUAL,
            "port": port,
            "unix_socket_directories": self.folder,
            **self._secured(),
            **(options or {}),
        }
        self.process = ServerProcess(
            [str(self._program.path), "-D", str(self._data)],
            ready=self._is_ready,
            log=self.folder / "server.log",
            env=self._program.env,
            folder=self.folder,
            user=unprivileged.user(),
            # It ends its clients' sessions and waits for none.
            ending=signal.SIGINT,
        )

    @property
    def socket_url(self) -> str:
        """Its database by its Unix socket, which asks for no password."""
        folder = quote(str(self.folder), safe="")
        return f"postgresql://{self.user}@/{self.name}?host={folder}&port={self.port}"

    async def start(self) -> None:
        """Start it; the first time with an empty cluster, after a crash with what it acknowledged."""
        is_new = not self._data.exists()

        if is_new:
            fill(self._data, self._program)
            self._write_settings()

        await self.process.start(_STARTING)

        if is_new and self.password:
            with psycopg.connect(self.socket_url, autocommit=True) as control:
                # By libpq: the server's log has its hash alone.
                control.pgconn.change_password(SUPERUSER.encode(), self.password.encode())

    async def close(self) -> None:
        """Stop it and remove its folder."""
        await self.stop()
        release_memory(self._data)
        self._folder.cleanup()

    def _secured(self) -> dict[str, object]:
        if self.certificates is None:
            return {}

        return {
            "ssl": "on",
            "ssl_cert_file": self._data / "server.pem",
            "ssl_key_file": self._data / "server.key",
            "ssl_ca_file": self._data / "authority.pem",
        }

    def _write_settings(self) -> None:
        lines = [f"{name} = '{value}'\n" for name, value in self._options.items()]

        with (self._data / "postgresql.conf").open("a") as settings:
            settings.writelines(lines)

        rules = ["local all all trust", *self._let_in()]
        (self._data / "pg_hba.conf").write_text("".join(f"{rule}\n" for rule in rules))

        if self.certificates is not None:
            self._copy_certificates(self.certificates)

    def _let_in(self) -> list[str]:
        """Return the lines that say who may connect by the network."""
        rule = f"all {HOST}/32 scram-sha-256"

        if self.certificates is not None:
            return [f"hostssl all {rule}{self.certificates.postgres_rule}"]

        trusted = [] if self.password else [f"host all {SUPERUSER} {HOST}/32 trust"]
        return [*trusted, f"host all {rule}"]

    def _copy_certificates(self, certificates: Certificates) -> None:
        for source in (
            certificates.authority,
            certificates.certificate("server"),
            certificates.key("server"),
        ):
            copy = self._data / source.name
            copy.touch(0o600)
            copy.write_bytes(source.read_bytes())
            unprivileged.hand_over(copy)

    async def _is_ready(self) -> bool:
        # In its folder nobody else listens.
        place = f"host={self.folder} port={self.port} connect_timeout=2"
        return PGconn.ping(place.encode()) == Ping.OK
