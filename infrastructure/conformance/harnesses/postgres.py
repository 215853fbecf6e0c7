"""The harness of the storage on PostgreSQL and TimescaleDB."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

from ..._core.urls import parse_url
from ...interfaces import ConfigurationError, InfrastructureError
from ...storage.postgres import PostgresStorage
from .._faults import FaultHarness
from .._harness import StorageHarness
from ._urls import through, without

__all__ = ["PostgresHarness"]

_NOT_OURS: Final = "the server of a URL is not ours to stop"
_PATH: Final = "public, infrastructure_functions"
"""Where ``time_bucket`` is looked for behind a pooler: no connection may be told."""


class PostgresHarness(StorageHarness):
    """A schema of its own for each check, first on the search path, and removed afterwards.

    Behind a pooler, whose connections are everybody's, a database of its own. ``create_hypertable``
    makes an index where the server has no TimescaleDB. Faults are tried where the URL names one
    host: a proxy would stand on the way to the first alone.
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
        self._name = f"conform_{uuid4().hex}"
        self._pooled = False
        hosts = parse_url(url).hosts

        if len(hosts) == 1:
            host, port = hosts[0]
            self.faults: FaultHarness | None = FaultHarness((host, port or 5432))

    async def open(self) -> None:
        """Make the schema, or the database."""
        storage = self.make()

        try:
            await storage.connect()
        except ConfigurationError:
            await self._open_pooled()
            return

        async with storage:
            await storage.execute(f"CREATE SCHEMA {self._name}")

    def make(self, **options: Any) -> PostgresStorage:
        """Return a storage in this check's schema or database."""
        url = without(self._address(), options)
        given: dict[str, Any] = {}

        if "hypertables" not in parse_url(url).options:
            given["hypertables"] = "index"

        if not self._pooled:
            given["settings"] = {"search_path": f"{self._name}, public"}

        return PostgresStorage(url, **{**given, **options})

    async def close(self) -> None:
        """Remove the schema, or the database, and what is in it."""
        if self._pooled:
            await self._run(f"DROP DATABASE {self._name} WITH (FORCE)")
        else:
            await self._run(f"DROP SCHEMA {self._name} CASCADE")

    async def _open_pooled(self) -> None:
        storage = PostgresStorage(self._url)
        # What else was wrong is wrong here too.
        await storage.connect()

        try:
            async with storage:
                await storage.execute(f"CREATE DATABASE {self._name} TEMPLATE template0")
                self._pooled = True
                await storage.execute(f"ALTER DATABASE {self._name} SET search_path = {_PATH}")

            async with self.make() as made:
                await made.execute("SELECT 1")
        except InfrastructureError as exc:
            if self._pooled:
                await self.close()

            msg = (
                f"a pooler stands before the server, where each check gets a database: {exc}; let the "
                "role make them (CREATEDB) and the pooler pass on every one (`* = ...` in PgBouncer), "
                "or name the server itself"
            )
            raise ConfigurationError(msg) from exc

    async def _run(self, text: str) -> None:
        async with PostgresStorage(self._url) as storage:
            await storage.execute(text)

    def _address(self) -> str:
        """Return the URL: of the check's own database, and by the proxy once it is open."""
        url = self._url

        if self._pooled:
            url = urlunsplit(urlsplit(url)._replace(path=f"/{self._name}"))

        return through(url, self.faults)
