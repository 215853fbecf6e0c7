"""S6: ``execute_many`` is all or nothing, for any iterable."""

from __future__ import annotations

from collections.abc import Iterator

from ...interfaces import IntegrityError, TransactionError, ValidationError
from .._check import check
from .._expect import has_state, raises
from .._harness import StorageHarness
from ._items import items_of

__all__ = [
    "S6_a_bad_row_inside_a_transaction_undoes_with_it",
    "S6_a_bad_row_undoes_all",
    "S6_a_row_of_another_length_undoes_all",
    "S6_all_rows_are_written",
    "S6_an_empty_iterable_does_nothing",
    "S6_an_error_of_the_iterable_comes_back",
    "S6_any_iterable_of_rows",
    "S6_any_write_runs_for_every_row",
    "S6_it_is_a_part_of_the_open_transaction",
    "S6_returning_is_refused",
]

_INSERT = "INSERT INTO items (id, name) VALUES ($1, $2)"
_MANY = 2000


def _rows(count: int) -> list[list[object]]:
    return [[number, f"name {number}"] for number in range(count)]


@check()
async def S6_all_rows_are_written(harness: StorageHarness) -> None:
    """One, some, and more than any step has."""
    async with items_of(harness) as items:
        for count in (1, 50, _MANY):
            await items.many(_INSERT, _rows(count))
            await items.holds(list(range(count)), f"{count} rows")
            await items.run("DELETE FROM items")


@check()
async def S6_any_write_runs_for_every_row(harness: StorageHarness) -> None:
    """UPDATE, DELETE, and an INSERT that is an expression or an upsert."""
    async with items_of(harness) as items:
        await items.many(
            "INSERT INTO items (id, name) VALUES ($1 + 1, upper($2))", [[0, "a"], [1, "b"]]
        )
        upsert = _INSERT + " ON CONFLICT (id) DO UPDATE SET name = excluded.name"
        await items.many(upsert, [[2, "two"], [3, "three"], [2, "twice"]])
        await items.many("UPDATE items SET name = $2 WHERE id = $1", [[3, "new"], [9, "none"]])
        rows = await items.run("SELECT id, name FROM items ORDER BY id")
        assert [row["name"] for row in rows] == ["A", "twice", "new"], f"got {rows}"
        await items.many("DELETE FROM items WHERE id = $1", [[1], [3]])
        await items.holds([2])


@check()
async def S6_any_iterable_of_rows(harness: StorageHarness) -> None:
    """A generator, a tuple of tuples; it is read once."""
    async with items_of(harness) as items:
        await items.many(_INSERT, ((number, None) for number in range(3)))
        await items.many(_INSERT, ((3, "three"), [4, "four"]))
        await items.holds([0, 1, 2, 3, 4])


@check()
async def S6_an_empty_iterable_does_nothing(harness: StorageHarness) -> None:
    """It is no error."""
    async with items_of(harness) as items:
        await items.many(_INSERT, [])
        await items.many(_INSERT, iter(()))
        await items.holds([])


@check()
async def S6_a_bad_row_undoes_all(harness: StorageHarness) -> None:
    """The first, the last, and one far behind the first step; ``row_index`` tells which."""
    async with items_of(harness) as items:
        await items.add(5)

        for count in (6, 10, _MANY):
            rows = [row for row in _rows(count) if row[0] != 5]
            rows.append([5, "again"])
            error = await items.many_fails(IntegrityError, _INSERT, rows)
            assert error.row_index in (None, len(rows) - 1), f"row_index={error.row_index}"
            await items.holds([5], f"rows of a failed execute_many stayed, of {count}")


@check()
async def S6_a_row_of_another_length_undoes_all(harness: StorageHarness) -> None:
    """ValidationError with its ``row_index``."""
    async with items_of(harness) as items:
        for position in (0, 3, _MANY):
            rows = [*_rows(position), [position], *_rows(0)]
            error = await items.many_fails(ValidationError, _INSERT, rows)
            assert error.row_index == position, f"row_index={error.row_index}, not {position}"
            await items.holds([], f"rows before the {position}th stayed")


@check()
async def S6_an_error_of_the_iterable_comes_back(harness: StorageHarness) -> None:
    """After the rollback, as it is."""
    async with items_of(harness) as items:
        for count in (3, _MANY):

            def broken(count: int = count) -> Iterator[list[object]]:
                yield from _rows(count)
                raise LookupError("the caller's own")

            await items.many_fails(LookupError, _INSERT, broken())
            await items.holds([], "rows before the error stayed")


@check()
async def S6_returning_is_refused(harness: StorageHarness) -> None:
    """Its rows would be lost: ValidationError, nothing done."""
    async with items_of(harness) as items:
        text = _INSERT + " RETURNING id"
        await items.many_fails(ValidationError, text, _rows(2))
        await items.holds([])


@check()
async def S6_it_is_a_part_of_the_open_transaction(harness: StorageHarness) -> None:
    """The rollback of the transaction undoes it, the commit keeps it."""
    async with items_of(harness) as items:
        for end, left in (("rollback", []), ("commit", [0, 1, 2])):
            await items.storage.begin_transaction()
            await items.many(_INSERT, _rows(3))
            await items.holds([0, 1, 2])
            await getattr(items.storage, end)()
            await items.holds(left, f"after {end}")


@check()
async def S6_a_bad_row_inside_a_transaction_undoes_with_it(harness: StorageHarness) -> None:
    """It aborts the transaction as a failed statement does."""
    async with items_of(harness) as items:
        await items.add(1)
        await items.storage.begin_transaction()
        await items.add(2)
        await items.many_fails(IntegrityError, _INSERT, [[3, ""], [1, ""]])
        error = await raises(TransactionError, items.ids, "a statement after the bad row")
        has_state(error, "25P02")
        await items.storage.rollback()
        await items.holds([1])
