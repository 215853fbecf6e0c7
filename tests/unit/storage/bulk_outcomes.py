"""What ``execute_many`` leaves of the rows of a case, and what it says."""

from __future__ import annotations

from typing import Any

from infrastructure.interfaces.exceptions import InfrastructureError
from infrastructure.storage.postgres import PostgresStorage

from ...servers.postgres_endpoint import PostgresEndpoint
from .bulk_tables import Case

__all__ = ["NOT_PREPARED", "Outcome", "outcome"]

NOT_PREPARED = {"42P01", "42703", "428C9"}
"""What the server says of the statement before it hears of rows."""


class Outcome:
    """What is there after a call, and what the call said."""

    def __init__(self, rows: list[Any], error: InfrastructureError | None) -> None:
        self.rows = rows
        self.kind = None if error is None else (type(error), error.sqlstate)
        self.row_index = None if error is None else error.row_index

    def __repr__(self) -> str:
        return f"{self.kind} at {self.row_index}, {self.rows}"


async def outcome(
    server: PostgresEndpoint, case: Case, bulk: str, *, clean: str, path: str
) -> Outcome:
    """Make the tables of the case anew after ``clean``, insert, and look.

    ``bulk="singly"``: row by row. ``path``: the schemas that names are looked for in.
    """
    error = None
    settings = {"synchronous_commit": "off", "search_path": path}

    with server.control() as control:
        control.execute(f"SET synchronous_commit = off; SET search_path = {path}; {clean}")  # type: ignore[arg-type] # a test's
        control.execute(case.ddl or "SELECT 1")  # type: ignore[arg-type] # a test's

    async with PostgresStorage(server.url, settings=settings, **server.storage_options) as storage:  # type: ignore[arg-type] # a test's
        try:
            if bulk == "singly":
                await _singly(storage, case)
            else:
                await storage.execute_many(case.insert, iter(case.rows), bulk=bulk)  # type: ignore[arg-type] # a mode
        except InfrastructureError as exc:
            error = exc

        return Outcome(await storage.execute(case.look), error)


async def _singly(storage: PostgresStorage, case: Case) -> None:
    """Insert row by row, all or nothing."""
    async with storage.transaction():
        for row_index, row in enumerate(case.rows):
            try:
                await storage.execute(case.insert, row)
            except InfrastructureError as exc:
                exc.row_index = row_index
                raise
