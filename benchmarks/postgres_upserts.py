"""How fast does PostgresStorage.execute_many put 50,000 rows into a table that has half of them?

``INSERT ... ON CONFLICT (id) DO UPDATE``, all or nothing, with ``fsync``; the table has a primary
key. asyncpg is called by ``executemany``. Beside it stands what a good engineer writes by hand:
one ``INSERT ... SELECT FROM unnest(...) ON CONFLICT`` of lists that were made before the clock ran.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from infrastructure import open_storage

from ._postgres import asyncpg_pool, server
from ._postgres_rows import emptying
from ._question import OURS, Contender, Question, Work

__all__ = ["QUESTIONS"]

_COUNT = 50_000
_ROWS = [(number, f"sensor-{number}", number / 2) for number in range(_COUNT)]
_LISTS = [list(row) for row in _ROWS]
_TABLE = "CREATE TABLE readings (id bigint PRIMARY KEY, name text NOT NULL, value double precision NOT NULL)"
_HALF = (
    "INSERT INTO readings SELECT number * 2, 'old', 0 "
    f"FROM generate_series(0, {_COUNT // 2 - 1}) AS number"
)
_INSERT = (
    "INSERT INTO readings (id, name, value) {} "
    "ON CONFLICT (id) DO UPDATE SET name = excluded.name, value = excluded.value"
)
_QUERY = _INSERT.format("VALUES ($1, $2, $3)")

Store = Callable[[int], Awaitable[object]]
Writer = Callable[[str], AbstractAsyncContextManager[Store]]


@asynccontextmanager
async def _ours(url: str) -> AsyncIterator[Store]:
    async with open_storage(url) as storage:
        yield lambda count: storage.execute_many(_QUERY, _LISTS[:count])


@asynccontextmanager
async def _asyncpg(url: str) -> AsyncIterator[Store]:
    async with asyncpg_pool(url) as pool, pool.acquire() as con:
        yield lambda count: con.executemany(_QUERY, _ROWS[:count])


@asynccontextmanager
async def _unnest(url: str) -> AsyncIterator[Store]:
    arrays = "SELECT * FROM unnest($1::bigint[], $2::text[], $3::double precision[])"
    ids, names, values = map(list, zip(*_ROWS, strict=True))

    async with asyncpg_pool(url) as pool, pool.acquire() as con:
        yield lambda count: con.execute(
            _INSERT.format(arrays), ids[:count], names[:count], values[:count]
        )


async def _check(url: str) -> None:
    import asyncpg

    con = await asyncpg.connect(url)
    found = await con.fetch("SELECT id, name, value FROM readings ORDER BY id")
    assert [tuple(row) for row in found] == _ROWS
    await con.close()


def _contender(name: str, writer: Writer) -> Contender:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Work]:
        async with server(_TABLE) as url, writer(url) as store:
            reset = emptying(url, _HALF, "VACUUM (ANALYZE) readings")
            await reset()
            await store(_COUNT)
            await _check(url)
            yield Work(run=store, reset=reset)

    return Contender(name=name, open=opened)


QUESTIONS = (
    Question(
        name="postgres-upsert",
        asks="PostgresStorage.execute_many of INSERT ... ON CONFLICT DO UPDATE, rows a second of 50,000",
        contenders=(
            _contender(OURS, _ours),
            _contender("asyncpg, executemany", _asyncpg),
            _contender("asyncpg, unnest", _unnest),
        ),
        operations=_COUNT,
        targets={"asyncpg, executemany": 1.5},
        turn=_COUNT,
        stall=0.015,
    ),
)
