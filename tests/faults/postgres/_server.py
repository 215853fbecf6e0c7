"""A database of a test's own, and what its server knows of those who are connected to it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from ...servers.postgres_endpoint import PostgresEndpoint

__all__ = ["Observer", "Watched"]


_SESSIONS = (
    "SELECT state, query FROM pg_stat_activity WHERE datname = current_database() "
    "AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
)


class Watched(PostgresEndpoint):
    """A database that can be watched from outside, while nobody of ours answers."""

    @contextmanager
    def observer(self) -> Iterator[Observer]:
        """Give a connection of its own that sees all the others."""
        with self.control() as control:
            yield Observer(control)


class Observer:
    """Asks the server, by a connection that it does not count itself."""

    def __init__(self, control: psycopg.Connection[Any]) -> None:
        self.control = control

    def ask(self, query: str, *params: Any) -> Any:
        """Return the one value of an answer; the placeholders are ``%s``."""
        row = self.control.execute(query, params).fetchone()  # type: ignore[call-overload] # ours
        return None if row is None else row[0]

    def sessions(self, where: str = "true") -> list[str]:
        """Return what the other sessions of the database do, those that fulfil a condition."""
        query = f"{_SESSIONS} AND ({where})"
        rows = self.control.execute(query)  # type: ignore[call-overload] # ours
        return [f"{state}: {query}" for state, query in rows]

    @property
    def connections(self) -> int:
        """How many others are connected."""
        return len(self.sessions())

    def unrest(self) -> list[str]:
        """Return who runs something, or has a transaction open, or holds a lock."""
        return self.sessions(
            "state <> 'idle' OR pid IN (SELECT pid FROM pg_locks WHERE locktype = 'transactionid')"
        )

    def end_sessions(self) -> None:
        """End all others, as an administrator does, and return when they are gone: the loop stands still."""
        self.ask(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        end = time.monotonic() + 5

        while self.connections:
            assert time.monotonic() < end, self.sessions()
            time.sleep(0.001)
