"""The PostgreSQL storage keeps every promise of a storage, on each kind of server and in each mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from infrastructure.conformance.harnesses.postgres import PostgresHarness
from infrastructure.conformance.pytest import conformance

from ..servers import shared


class OnServer(PostgresHarness):
    """Knows its server when a check begins: none is started to count the tests."""

    def __init__(self, server: Callable[[], Any], query: str = "") -> None:
        self._server, self._query = server, query

    async def open(self) -> None:
        super().__init__(f"{self._server().url}{self._query}")
        await super().open()


test_postgres = conformance(lambda: OnServer(shared.postgres))
test_without_pipelining = conformance(lambda: OnServer(shared.postgres, "?pipelining=false"))
