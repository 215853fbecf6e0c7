"""A table of its own for each check, and statements on it that read as SQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from uuid import uuid4

from ...interfaces import StorageInterface, deadline
from .._breaking import PREPARING, answers
from .._expect import equal, raises
from .._harness import StorageHarness

__all__ = ["SLOW", "Items", "calls_of", "hurried", "items_of", "unique", "works"]

Error = TypeVar("Error", bound=BaseException)

SLOW = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500000000) "
    "SELECT count(*) AS n FROM n"
)
"""A query that runs for minutes everywhere."""

_SCHEMA = {"id": "BIGINT PRIMARY KEY", "name": "TEXT"}


class Items:
    """One table; in a statement the word ``items`` stands for its name."""

    def __init__(self, storage: StorageInterface, name: str) -> None:
        self.storage = storage
        self.name = name

    def sql(self, text: str) -> str:
        """Return ``text`` with the table's own name."""
        return text.replace("items", self.name)

    def by(self, storage: StorageInterface) -> Items:
        """Return the same table as another instance sees it."""
        return Items(storage, self.name)

    async def run(self, text: str, params: list[Any] | None = None) -> list[Any]:
        """Run one statement."""
        return await self.storage.execute(self.sql(text), params)

    async def many(self, text: str, rows: Iterable[Any]) -> None:
        """Run one statement for every row."""
        await self.storage.execute_many(self.sql(text), rows)  # type: ignore[arg-type]  # S6: any iterable

    async def fails(self, error: type[Error], text: str, params: list[Any] | None = None) -> Error:
        """Return the error that one statement raises."""
        return await raises(error, lambda: self.run(text, params), f"{text!r} with {params}")

    async def many_fails(self, error: type[Error], text: str, rows: Iterable[Any]) -> Error:
        """Return the error that one statement for every row raises."""
        return await raises(error, lambda: self.many(text, rows), f"{text!r} for every row")

    async def add(self, *ids: int) -> None:
        """Insert rows one by one."""
        for each in ids:
            await self.run("INSERT INTO items (id, name) VALUES ($1, $2)", [each, f"name {each}"])

    async def holds(self, wanted: Iterable[int], when: str = "") -> None:
        """Assert that exactly the rows of these ids are there."""
        found = await self.ids()
        assert found == list(wanted), f"the table holds {found[:30]}, not {wanted} {when}"

    async def ids(self) -> list[int]:
        """Return the ids that are there, in order."""
        return [row["id"] for row in await self.run("SELECT id FROM items ORDER BY id")]


def unique(prefix: str = "t") -> str:
    """Return a table name that nobody else uses."""
    return f"{prefix}_{uuid4().hex[:16]}"


@asynccontextmanager
async def items_of(
    harness: StorageHarness, schema: Mapping[str, Any] | None = None, **options: Any
) -> AsyncIterator[Items]:
    """Give a new table on a connected storage; by default of ``id`` and ``name``."""
    async with harness.make(**options) as storage:
        name = unique()
        await storage.create_table(name, dict(_SCHEMA if schema is None else schema))
        yield Items(storage, name)


@asynccontextmanager
async def hurried(
    harness: StorageHarness,
    seconds: float,
    schema: Mapping[str, Any] | None = None,
    rows: Iterable[int] = (),
) -> AsyncIterator[Items]:
    """Give a new table, with ``rows``, on a storage whose calls have so much time: all this has more."""
    async with items_of(harness, schema) as made:
        name = made.name

    storage = harness.make(deadline=seconds)

    with deadline(PREPARING):
        await storage.connect()

    async with storage:
        items = Items(storage, name)

        with deadline(PREPARING):
            await items.add(*rows)

        yield items


def calls_of(items: Items) -> dict[str, Any]:
    """Return a harmless call of every method that needs a connection."""
    storage = items.storage
    return {
        "execute": items.ids,
        "execute_many": lambda: items.many("DELETE FROM items WHERE id = $1", [[-1]]),
        "begin_transaction": storage.begin_transaction,
        "create_table": lambda: storage.create_table(items.name, dict(_SCHEMA)),
        "create_hypertable": lambda: storage.create_hypertable(items.name, "id"),
    }


async def works(storage: StorageInterface) -> None:
    """Fail where a connected storage does not answer."""
    equal(await answers(lambda: storage.execute("SELECT 1 AS n"), "a statement"), [{"n": 1}])
