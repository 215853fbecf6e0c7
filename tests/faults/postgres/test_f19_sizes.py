"""F19 and F20: what is too large or malformed is refused unsent; what is large comes back whole."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest

from infrastructure import IntegrityError, ValidationError
from infrastructure.storage.postgres import PostgresStorage
from infrastructure.testing import ChaosProxy

from .._timing import unhurried
from ._storages import Make, make_table, warmed

MALFORMED: dict[str, tuple[str, list[Any]]] = {
    "NUL in a str": ("SELECT $1::text AS a", ["a\0b"]),
    "a lone surrogate": ("SELECT $1::text AS a", ["\ud800"]),
    "NUL in the query": ("SELECT 'a\0b' AS a", []),
    "a lone surrogate in the query": ("SELECT '\ud800' AS a", []),
    "NUL in JSON": ("SELECT $1::jsonb AS a", [{"a": "x\0y"}]),
    "a lone surrogate in JSON": ("SELECT $1::jsonb AS a", [{"a": "\ud800"}]),
    "nan in JSON": ("SELECT $1::jsonb AS a", [{"a": math.nan}]),
    "no statement": ("-- nothing", []),
    "more placeholders than there are": (f"SELECT ${2**16}::int AS a", [1]),
    "more than a message has room for": ("SELECT length($1::bytea) AS a", [bytes(2**30)]),
}


@unhurried
async def test_F20_what_is_malformed_is_refused_unsent(
    storage: PostgresStorage, proxy: ChaosProxy
) -> None:
    """ValidationError, in a transaction too, which goes on; the connections stay."""
    await warmed(storage)
    accepted = proxy.accepted

    for name, (query, params) in MALFORMED.items():
        async with storage.transaction():
            await storage.execute("UPDATE t SET name = $1 WHERE id = 1", [name])
            before = proxy.bytes_to_server

            for _ in range(2):
                with pytest.raises(ValidationError):
                    await storage.execute(query, params)

            # The server may be asked for the types of the parameters.
            assert proxy.bytes_to_server - before < 1000, name

        with pytest.raises(ValidationError):
            await storage.execute(query, params)

        assert await storage.execute("SELECT name FROM t WHERE id = 1") == [{"name": name}]

    assert proxy.accepted <= accepted + 3


@unhurried
async def test_F20_a_value_that_nests_deeply(make: Make) -> None:
    """Refused, however deep; what PostgreSQL takes comes back."""
    deep: list[Any] = []

    for _ in range(10_000):
        deep = [deep]

    async with make() as storage:
        with pytest.raises(ValidationError):
            await storage.execute("SELECT $1::jsonb AS a", [deep])

        nested: dict[str, Any] = {}

        for _ in range(200):
            nested = {"a": nested}

        assert await storage.execute("SELECT $1::jsonb AS a", [nested]) == [{"a": nested}]


@pytest.mark.slow
async def test_F19_a_large_value_comes_back_and_holds_up_nobody(make: Make) -> None:
    """While 32 MiB go and come, short statements do."""
    value = bytes(2**20) * 32

    async with make(deadline=20) as storage:
        await make_table(storage)
        await warmed(storage)
        large = asyncio.ensure_future(storage.execute("SELECT $1::bytea AS v", [value]))
        done = 0

        while not large.done():
            assert await storage.execute("SELECT id FROM t WHERE id = $1", [1]) == [{"id": 1}]
            done += 1

        assert await large == [{"v": value}]
        assert done > 10


@pytest.mark.slow
@pytest.mark.parametrize("bulk", ["auto", "copy", "values"])
async def test_F19_many_rows_whose_first_is_refused(make: Make, bulk: str) -> None:
    """The server says so while the rest of 20 MB is on its way: an error at once, and none is there."""
    rows = [[number, "x" * 200_000] for number in range(1, 60)]

    async with make(deadline=10, bulk=bulk) as storage:
        await make_table(storage)

        for _ in range(3):
            with pytest.raises(IntegrityError) as caught:
                await storage.execute_many("INSERT INTO t (id, name) VALUES ($1, $2)", rows)

            assert caught.value.outcome == "not_applied"
            assert await storage.execute("SELECT id FROM t") == [{"id": 1}]


async def test_F19_as_many_parameters_as_there_may_be(make: Make) -> None:
    """65,535 of them."""
    values = ",".join(f"(${n}::int)" for n in range(1, 2**16))

    async with make(deadline=20) as storage:
        query = f"SELECT sum(n) AS n FROM (VALUES {values}) v(n)"
        assert await storage.execute(query, [1] * (2**16 - 1)) == [{"n": 2**16 - 1}]
