"""The PostgreSQL storage keeps every promise of a storage, on each kind of server and in each mode."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from infrastructure.conformance.harnesses.postgres import PostgresHarness
from infrastructure.conformance.pytest import conformance
from infrastructure.storage.postgres import PostgresStorage

from ..servers import shared


class OnServer(PostgresHarness):
    """Knows its server when a check begins: none is started to count the tests."""

    def __init__(self, server: Callable[[], Any], query: str = "") -> None:
        self._server, self._query = server, query

    async def open(self) -> None:
        super().__init__(f"{self._server().url}{self._query}")
        await super().open()


class BehindPooler(OnServer):
    """In no schema of its own: a pooler's connections are everybody's, their settings too."""

    missing: Mapping[str, str] = MappingProxyType(
        {
            **PostgresHarness.missing,
            "time_bucket": "a search path cannot be set behind a pooler",
        }
    )

    async def open(self) -> None:
        self._url = f"{self._server().url}{self._query}"

    def make(self, **options: Any) -> PostgresStorage:
        return PostgresStorage(self._url, **{"hypertables": "index", **options})

    async def close(self) -> None:
        """Leave the tables: each check names its own."""


class OnTimescale(OnServer):
    """The server in WebAssembly has one session for everybody, and lets one in at a time."""

    missing: Mapping[str, str] = MappingProxyType(
        {
            **PostgresHarness.missing,
            "isolation": "there is one connection",
            "detached": "there is one connection",
            "stream": "there is one connection",
        }
    )

    def make(self, **options: Any) -> PostgresStorage:
        return super().make(**{**shared.timescale().storage_options, **options})


test_postgres = conformance(lambda: OnServer(shared.postgres))
test_group_commit = conformance(lambda: OnServer(shared.postgres, "?group_commit=true"))
test_postgres_15 = conformance(lambda: OnServer(shared.debian_postgres))
test_without_pipelining = conformance(lambda: OnServer(shared.debian_postgres, "?pipelining=false"))
test_pgbouncer = conformance(lambda: BehindPooler(shared.pgbouncer))
test_timescale = conformance(lambda: OnTimescale(shared.timescale))
