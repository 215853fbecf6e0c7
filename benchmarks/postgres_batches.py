"""How fast does PostgresStorage.execute_many store a few rows, as most callers have them?

1, 5, 10 and 30 rows a call, one call after the other, each all or nothing and on the disk when
it returns. asyncpg is called by ``executemany``: on a connection that is held all the time, and by its pool.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from infrastructure import open_storage

from ._database import readings
from ._postgres import asyncpg_pool, server
from ._postgres_rows import INSERT, TABLE, emptying, stored
from ._question import OURS, Contender, Question, Work

__all__ = ["QUESTIONS"]

_CALLS = 300
_QUERY = INSERT.format("$1, $2, $3, $4")

Store = Callable[[Sequence[Any]], Awaitable[object]]
"""Stores rows, all or nothing."""

Writer = Callable[[str], AbstractAsyncContextManager[Store]]


@asynccontextmanager
async def _ours(url: str) -> AsyncIterator[Store]:
    async with open_storage(url) as storage:
        yield lambda rows: storage.execute_many(_QUERY, list(rows))


@asynccontextmanager
async def _held(url: str) -> AsyncIterator[Store]:
    async with asyncpg_pool(url) as pool, pool.acquire() as con:
        yield lambda rows: con.executemany(_QUERY, rows)


@asynccontextmanager
async def _pool(url: str) -> AsyncIterator[Store]:
    async with asyncpg_pool(url) as pool:
        yield lambda rows: pool.executemany(_QUERY, rows)


def _contender(name: str, writer: Writer, size: int) -> Contender:
    rows = readings(size * _CALLS)
    batches = [rows[start : start + size] for start in range(0, len(rows), size)]

    @asynccontextmanager
    async def opened() -> AsyncIterator[Work]:
        async with server(TABLE) as url, writer(url) as store:

            async def run(calls: int) -> None:
                for batch in batches[:calls]:
                    await store(batch)

            await run(_CALLS)
            assert await stored(url, rows)
            yield Work(run=run, reset=emptying(url))

    return Contender(name=name, open=opened)


def _question(size: int) -> Question:
    contenders: dict[str, Writer] = {OURS: _ours, "asyncpg": _held, "asyncpg.Pool": _pool}
    return Question(
        name=f"postgres-batch-{size}",
        asks=f"PostgresStorage.execute_many of {size} row{'s' if size > 1 else ''}, calls a second",
        contenders=tuple(_contender(name, writer, size) for name, writer in contenders.items()),
        operations=_CALLS,
        targets={"asyncpg": 0.85},
        stall=0.015,
    )


QUESTIONS = tuple(map(_question, (1, 5, 10, 30)))
