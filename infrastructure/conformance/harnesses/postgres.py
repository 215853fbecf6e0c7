"""The harness of the storage on PostgreSQL and TimescaleDB."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from uuid import uuid4

from ...storage.postgres import PostgresStorage
from .._harness import StorageHarness

__all__ = ["PostgresHarness"]


class PostgresHarness(StorageHarness):
    """A schema of its own for each check, first on the search path, and removed afterwards.

    ``create_hypertable`` makes an index where the server has no TimescaleDB.
    """

    missing: Mapping[str, str] = MappingProxyType(
        {"one_writer": "PostgreSQL has as many writers as connections"}
    )

    def __init__(self, url: str = "postgresql://localhost:5432/postgres") -> None:
        self._url = url
        self._schema = f"conform_{uuid4().hex}"

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
        return PostgresStorage(self._url, **given)

    async def close(self) -> None:
        """Remove the schema and what is in it."""
        async with PostgresStorage(self._url) as storage:
            await storage.execute(f"DROP SCHEMA {self._schema} CASCADE")
