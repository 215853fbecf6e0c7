"""The harness of the storage on PostgreSQL and TimescaleDB."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

from ..._core.urls import parse_url
from ...storage.postgres import PostgresStorage
from .._faults import FaultHarness
from .._harness import StorageHarness

__all__ = ["PostgresHarness"]

_NOT_OURS: Final = "the server of a URL is not ours to stop"


class PostgresHarness(StorageHarness):
    """A schema of its own for each check, first on the search path, and removed afterwards.

    ``create_hypertable`` makes an index where the server has no TimescaleDB. Faults are tried
    where the URL names one host: a proxy would stand on the way to the first alone.
    """

    missing: Mapping[str, str] = MappingProxyType(
        {
            "one_writer": "PostgreSQL has as many writers as connections",
            "server_faults": _NOT_OURS,
            "durable": _NOT_OURS,
        }
    )

    def __init__(self, url: str = "postgresql://localhost:5432/postgres") -> None:
        self._url = url
        self._schema = f"conform_{uuid4().hex}"
        hosts = parse_url(url).hosts

        if len(hosts) == 1:
            host, port = hosts[0]
            self.faults: FaultHarness | None = FaultHarness((host, port or 5432))

    async def open(self) -> None:
        """Make the schema."""
        async with PostgresStorage(self._url) as storage:
            await storage.execute(f"CREATE SCHEMA {self._schema}")

    def make(self, **options: Any) -> PostgresStorage:
        """Return a storage in this check's schema."""
        given = {
            "hypertables": "index",
            "settings": {"search_path": f"{self._schema}, public"},
            **options,
        }
        return PostgresStorage(self._address(), **given)

    async def close(self) -> None:
        """Remove the schema and what is in it."""
        async with PostgresStorage(self._url) as storage:
            await storage.execute(f"DROP SCHEMA {self._schema} CASCADE")

    def _address(self) -> str:
        """Return the URL, with the proxy in the place of the server once it is open."""
        if self.faults is None or not self.faults.is_open:
            return self._url

        parts, proxy = urlsplit(self._url), self.faults.proxy
        account, at, _ = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{account}{at}{proxy.host}:{proxy.port}"))
