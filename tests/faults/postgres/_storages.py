"""Makes the storages of the fault tests, and lists the calls that they are asked."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from infrastructure import deadline
from infrastructure.storage.postgres import PostgresStorage

from ...servers.postgres_endpoint import PostgresEndpoint
from .._timing import PATIENT

__all__ = [
    "CALLS",
    "DEADLINE",
    "READS",
    "WRITES",
    "Call",
    "Make",
    "Note",
    "Place",
    "at",
    "make_table",
    "warmed",
]

DEADLINE = 0.4
"""Seconds that a call of these storages may take."""


class Place(Protocol):
    """Where a server answers: itself, or a proxy before it."""

    @property
    def host(self) -> str: ...

    @property
    def port(self) -> int: ...


Make = Callable[..., PostgresStorage]
"""Takes a ``Place`` and the options of ``PostgresStorage``."""

Note = Callable[[str, object], None]
"""pytest's ``record_property``: a figure for the report of ``make soak``."""

Call = Callable[[PostgresStorage], Awaitable[Any]]


def at(endpoint: PostgresEndpoint, place: Place) -> str:
    """Return the URL of the endpoint's database by another way to it."""
    return re.sub(r"(//[^/]*@)[^/]*/", rf"\g<1>{place.host}:{place.port}/", endpoint.url)


async def make_table(storage: PostgresStorage) -> None:
    """Make the table of all calls: row 1 is there, and rows from 100 on are the calls'."""
    with deadline(PATIENT):
        await storage.execute("CREATE TABLE IF NOT EXISTS t (id BIGINT PRIMARY KEY, name TEXT)")
        await storage.execute("INSERT INTO t VALUES (1, 'one') ON CONFLICT DO NOTHING")


async def warmed(storage: PostgresStorage) -> None:
    """Let short statements be known as such, so that shared connections are open and used."""
    with deadline(PATIENT):
        for _ in range(3):
            for call in (*READS.values(), WRITES["upsert"], WRITES["update"]):
                await call(storage)


async def _transact(storage: PostgresStorage) -> None:
    async with storage.transaction():
        await storage.execute("UPDATE t SET name = 'transacted' WHERE id = 1")


async def _flat(storage: PostgresStorage) -> None:
    await storage.begin_transaction()

    try:
        await storage.execute("UPDATE t SET name = 'flat' WHERE id = 1")
    except BaseException:
        await storage.rollback()
        raise

    await storage.commit()


async def _stream(storage: PostgresStorage) -> list[Any]:
    return [row async for row in storage.stream("SELECT n FROM generate_series(1, 30) n", None, 10)]


READS: Mapping[str, Call] = {
    "read": lambda storage: storage.execute("SELECT id FROM t WHERE id = 1"),
    "read by parameter": lambda storage: storage.execute("SELECT id FROM t WHERE id = $1", [1]),
    "stream": _stream,
}
"""What changes nothing."""

WRITES: Mapping[str, Call] = {
    "upsert": lambda storage: storage.execute(
        "INSERT INTO t (id, name) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET name = $2",
        [2, "upserted"],
    ),
    "update": lambda storage: storage.execute("UPDATE t SET name = 'new' WHERE id = 1"),
    "execute_many": lambda storage: storage.execute_many(
        "UPDATE t SET name = $2 WHERE id = $1", [[1, "many"], [2, "many"]]
    ),
    "transaction": _transact,
    "begin and commit": _flat,
    "create_table": lambda storage: storage.create_table("made", {"id": int}),
}
"""What does."""

CALLS: Mapping[str, Call] = {**READS, **WRITES}
