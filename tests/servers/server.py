"""One Redis or Valkey of our own: its settings, its address, its process."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import redis

from infrastructure.testing import ServerProcess

from . import janitor
from .certificates import Certificates
from .endpoint import Endpoint
from .ports import HOST, free_port
from .program import Program
from .running import OneProcess

__all__ = ["RedisServer"]

# What a test may want of every server: no file to load, DEBUG SLEEP, replicas that are there at once.
_USUAL = {
    "appendonly": "no",
    "bind": HOST,
    "enable-debug-command": "local",
    "repl-diskless-sync-delay": 0,
    "save": "",
    "unixsocket": "redis.sock",
}


class RedisServer(OneProcess, Endpoint):
    """Runs ``program`` on a free port, in a folder of its own that ``close`` removes.

    ``options``       lines of its settings, beside the usual ones.
    ``password``      that it asks for; with ``username`` it is that user's, and no other may do anything.
    ``certificates``  it listens with TLS, and with nothing else but its Unix socket.
    ``durable``       an acknowledged write is on the disk.
    ``mode``          an argument of the command line, such as ``--sentinel``.
    """

    def __init__(
        self,
        program: Program,
        options: Mapping[str, object] | None = None,
        *,
        username: str | None = None,
        password: str | None = None,
        certificates: Certificates | None = None,
        durable: bool = False,
        mode: str | None = None,
    ) -> None:
        port = free_port()
        scheme = "rediss" if certificates else "redis"
        account = f"{quote(username or '')}:{quote(password)}@" if password else ""
        super().__init__(
            f"{scheme}://{account}{HOST}:{port}",
            certificates.client_options if certificates else None,
        )
        self.username = username
        self.password = password
        self.certificates = certificates
        self._folder = janitor.folder("redis-")
        self.folder = Path(self._folder.name)
        self._options = {
            **({} if mode else _USUAL),
            **self._listening(),
            **({"appendonly": "yes", "appendfsync": "always"} if durable else {}),
            **self._guarded(),
            **(options or {}),
        }
        self.process = ServerProcess(
            [str(program.path), "server.conf", *([mode] if mode else [])],
            ready=self._is_ready,
            log=self.folder / "server.log",
            env=program.env,
            folder=self.folder,
        )

    @property
    def socket_path(self) -> Path:
        """Its Unix socket."""
        return self.folder / "redis.sock"

    async def start(self) -> None:
        """Write its settings and start it."""
        settings = self.folder / "server.conf"

        # A sentinel and a cluster's node keep what they learn there: a second start goes on with it.
        if not settings.exists():
            settings.write_text(_lines(self._options))

        await super().start()

    async def close(self) -> None:
        """Stop it and remove its folder."""
        await self.stop()
        self._folder.cleanup()

    def _listening(self) -> dict[str, object]:
        tls = self.certificates
        return {"port": self.port} if tls is None else tls.server_options(self.port)

    def _guarded(self) -> dict[str, object]:
        if self.password is None:
            return {}

        if self.username is None:
            return {"requirepass": self.password, "masterauth": self.password}

        return {
            f"user {self.username} on >{self.password} ~* &* +@all": None,
            "user default off": None,
        }

    async def _is_ready(self) -> bool:
        """Whether it is this process that answers, and has loaded what it had."""
        try:
            async with self.client() as client:
                told = await client.info()
                # It answers INFO while it loads; a sentinel loads nothing.
                return told["process_id"] == self.process.pid and not told.get("loading")
        except redis.RedisError:
            return False


def _lines(options: Mapping[str, object]) -> str:
    """Return the text of a settings file; a name without a value is a line as it stands."""
    return "".join(
        f"{name}\n" if value is None else f'{name} "{value}"\n' for name, value in options.items()
    )
