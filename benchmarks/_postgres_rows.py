"""The table into which the PostgreSQL benchmarks write, and a look at what is in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

__all__ = ["COLUMNS", "INSERT", "TABLE", "emptying", "stored"]

COLUMNS = ("at", "name", "value", "n")

TABLE = (
    "CREATE TABLE readings (at timestamptz NOT NULL, name text NOT NULL, "
    "value double precision NOT NULL, n integer NOT NULL)"
)
"""Readings of a sensor, without an index."""

INSERT = "INSERT INTO readings (at, name, value, n) VALUES ({})"


def emptying(url: str, *further: str) -> Callable[[], Awaitable[None]]:
    """Return what empties the table, so that each run begins alike, and runs what is ``further``."""

    async def reset() -> None:
        import asyncpg

        con = await asyncpg.connect(url)

        # What earlier runs wrote is on the disk, and no checkpoint comes in between.
        for statement in ("TRUNCATE readings", *further, "CHECKPOINT"):
            await con.execute(statement)

        await con.close()

    return reset


async def stored(url: str, rows: Sequence[tuple[Any, ...]]) -> bool:
    """Whether the table holds exactly these rows, whose last column orders them."""
    import asyncpg

    con = await asyncpg.connect(url)
    found = [
        tuple(row) for row in await con.fetch("SELECT at, name, value, n FROM readings ORDER BY n")
    ]
    await con.close()
    return found == list(rows)
