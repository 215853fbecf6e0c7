"""S15: ``stream`` gives rows as they come."""

from __future__ import annotations

from contextlib import aclosing

from ...interfaces import ConfigurationError, ConnectionError, OperationError, ValidationError
from .._check import check
from .._expect import equal, has_state, raises
from .._harness import StorageHarness
from ._items import Items, items_of

__all__ = [
    "S15_stream_gives_every_row",
    "S15_stream_has_the_errors_of_execute",
    "S15_stream_inside_a_transaction_lets_statements_between",
    "S15_stream_is_missing_here",
    "S15_stream_may_be_left_early",
    "S15_streams_run_beside_each_other",
]

_SELECT = "SELECT id FROM items WHERE id >= $1 ORDER BY id"
_COUNT = 2500


async def _fill(items: Items) -> None:
    await items.many("INSERT INTO items (id) VALUES ($1)", ([number] for number in range(_COUNT)))


async def _streamed(items: Items, batch_size: int) -> list[int]:
    rows = items.storage.stream(items.sql(_SELECT), [10], batch_size)
    return [row["id"] async for row in rows]


@check(feature="stream")
async def S15_stream_gives_every_row(harness: StorageHarness) -> None:
    """Once, in order, whatever the batch; none where there is none."""
    async with items_of(harness) as items:
        equal(await _streamed(items, 1000), [])
        await _fill(items)

        for batch_size in (7, 1000, _COUNT, _COUNT * 2):
            found = await _streamed(items, batch_size)
            assert found == list(range(10, _COUNT)), f"in batches of {batch_size}"

        rows = items.storage.stream(items.sql("SELECT id, name FROM items WHERE id = 5"))
        equal([row async for row in rows], [{"id": 5, "name": None}])


@check(feature="stream")
async def S15_stream_inside_a_transaction_lets_statements_between(harness: StorageHarness) -> None:
    """It sees the transaction's own rows, and writes of the same task do not disturb it."""
    async with items_of(harness) as items:
        await items.storage.begin_transaction()
        await _fill(items)
        seen = []

        async for row in items.storage.stream(items.sql(_SELECT), [0], 100):
            seen.append(row["id"])

            if row["id"] % 500 == 0:
                await items.run("UPDATE items SET name = 'seen' WHERE id = $1", [row["id"]])

        equal(seen, list(range(_COUNT)))
        await items.storage.commit()
        rows = await items.run("SELECT id FROM items WHERE name = 'seen' ORDER BY id")
        equal([row["id"] for row in rows], [0, 500, 1000, 1500, 2000])


@check(feature="stream")
async def S15_stream_may_be_left_early(harness: StorageHarness) -> None:
    """More often than there are connections; writes go on, the transaction too."""
    async with items_of(harness) as items:
        await _fill(items)

        for _ in range(15):
            async with aclosing(items.storage.stream(items.sql(_SELECT), [0], 10)) as rows:
                async for row in rows:
                    equal(row, {"id": 0})
                    break

        await items.storage.begin_transaction()

        async with aclosing(items.storage.stream(items.sql(_SELECT), [0], 10)) as rows:
            async for row in rows:
                equal(row, {"id": 0})
                break

        await items.run("DELETE FROM items WHERE id < 2499")
        await items.storage.commit()
        await items.holds([2499])


@check(feature="stream")
async def S15_streams_run_beside_each_other(harness: StorageHarness) -> None:
    """And beside writes: a stream sees the rows of its beginning."""
    async with items_of(harness) as items:
        await _fill(items)
        one = items.storage.stream(items.sql(_SELECT), [0], 100)
        two = items.storage.stream(items.sql(_SELECT), [1], 100)

        async with aclosing(one), aclosing(two):
            equal(await anext(one), {"id": 0})
            equal(await anext(two), {"id": 1})
            await items.run("DELETE FROM items")
            equal(len([row async for row in one]), _COUNT - 1)
            equal(len([row async for row in two]), _COUNT - 2)

        await items.holds([])


@check(feature="stream")
async def S15_stream_has_the_errors_of_execute(harness: StorageHarness) -> None:
    """At the first row; nothing stays open."""
    async with items_of(harness) as items:
        storage = items.storage
        select = items.sql(_SELECT)

        for batch_size in (0, -1, True, 1.5):
            stream = storage.stream(select, [0], batch_size)  # type: ignore[arg-type]  # on purpose
            await raises(ValidationError, stream.__anext__, f"batch_size={batch_size}")

        await raises(ValidationError, storage.stream(select).__anext__, "a missing parameter")
        twins = storage.stream(items.sql("SELECT id, id FROM items"))
        await raises(ValidationError, twins.__anext__, "two columns of one name")
        missing = storage.stream(items.sql("SELECT id FROM items_missing"))
        error = await raises(OperationError, missing.__anext__, "a missing table")
        has_state(error, "42P01")
        stream = storage.stream(select, [0])

    late = await raises(ConnectionError, stream.__anext__, "stream after disconnect")
    assert "stream" in str(late), f"the method is not named: {late}"


@check(absent="stream")
async def S15_stream_is_missing_here(harness: StorageHarness) -> None:
    """ConfigurationError that names a way out."""
    async with items_of(harness) as items:

        async def first() -> object:
            return await anext(items.storage.stream(items.sql(_SELECT), [0]))

        error = await raises(ConfigurationError, first, "stream()")
        assert "LIMIT" in str(error), f"no way out is named: {error}"
