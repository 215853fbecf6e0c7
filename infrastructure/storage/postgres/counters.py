"""What a server knows of its clients: how many there are, what each does; and ends those it should."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg.rows import dict_row

from ...interfaces.exceptions import ValidationError

__all__ = ["PostgresCounters", "PostgresReading"]

_OTHERS = (
    "FROM pg_stat_activity WHERE datname = current_database()"
    " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
)
_SESSIONS = (
    "SELECT pid, usename AS user, application_name, state, query, wait_event_type, wait_event,"
    f" backend_start, xact_start {_OTHERS} ORDER BY backend_start, pid"
)
# It waits until they are gone: an order alone would let one more statement through.
_TERMINATE = f"SELECT count(*) FILTER (WHERE pg_terminate_backend(pid, %s)) {_OTHERS}"

# Milliseconds.
_GOING = 5000


@dataclass(frozen=True, slots=True)
class PostgresReading:
    """The clients of one database at one moment, without the connection that reads them."""

    connections: Counter[str]
    """Name of the application to how many connections it has."""

    states: Counter[str]
    """``active``, ``idle``, ``idle in transaction``, … to how many are in it."""

    pids: frozenset[int]
    """The numbers of their processes: ``(a.pids - b.pids)`` have come between ``b`` and ``a``."""

    @property
    def open(self) -> int:
        """Connections of whatever name."""
        return len(self.pids)


class PostgresCounters:
    """Reads who is connected to the database at ``url``, blocking, to be used in a ``with`` block.

    ::

        with PostgresCounters("postgresql://localhost/app") as counters:
            ...
            assert counters.read().states["idle in transaction"] == 0
            counters.terminate()  # as an administrator does; the storage has to find new ones

    It has a connection of its own, which a restart of the server ends. ``url`` and ``options`` are
    libpq's. A role that is no superuser sees what other roles' connections do only with the
    privileges of ``pg_read_all_stats``, and ends those of its own role only. PostgreSQL 14 or newer.
    """

    def __init__(self, url: str, **options: Any) -> None:
        self._url = url
        self._options: dict[str, Any] = {"connect_timeout": 5, "prepare_threshold": None, **options}
        self._connection: psycopg.Connection[dict[str, Any]] | None = None

    def __enter__(self) -> Self:
        connect = psycopg.Connection[dict[str, Any]].connect
        self._connection = connect(
            self._url, autocommit=True, row_factory=dict_row, **self._options
        )
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        connection, self._connection = self._connection, None

        if connection is not None:
            connection.close()

    def sessions(self) -> list[dict[str, Any]]:
        """Return what the server knows of each other client: ``pid``, ``state``, ``query``, …"""
        return self._ask(_SESSIONS)

    def read(self) -> PostgresReading:
        """Return who is connected now."""
        seen = self.sessions()
        return PostgresReading(
            Counter(one["application_name"] for one in seen),
            # Of what it may not see there is none.
            Counter(one["state"] or "unknown" for one in seen),
            frozenset(one["pid"] for one in seen),
        )

    def terminate(self, *pids: int) -> int:
        """End these connections, all but its own where none is named; return how many went.

        They are gone then. What was under way there is rolled back.
        """
        if pids:
            [row] = self._ask(f"{_TERMINATE} AND pid = ANY(%s)", [_GOING, list(pids)])
        else:
            [row] = self._ask(_TERMINATE, [_GOING])

        count: int = row["count"]
        return count

    def _ask(self, query: Any, params: list[object] | None = None) -> list[dict[str, Any]]:
        if self._connection is None:
            msg = "PostgresCounters is not open: use it in a with block"
            raise ValidationError(msg)

        return self._connection.execute(query, params).fetchall()
