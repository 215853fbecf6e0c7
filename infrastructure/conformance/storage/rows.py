"""S3: what ``execute`` returns, and what it leaves."""

from __future__ import annotations

import asyncio

from ...interfaces import IntegrityError, ValidationError
from .._check import check
from .._expect import beside
from .._harness import StorageHarness
from ._items import SLOW, items_of

__all__ = [
    "S3_a_semicolon_and_comments_are_fine",
    "S3_a_statement_commits_by_itself",
    "S3_an_expression_is_named_by_its_function",
    "S3_no_result_is_an_empty_list",
    "S3_returning_gives_rows",
    "S3_rows_are_dicts",
    "S3_statements_at_once_fail_alone",
    "S3_two_columns_of_one_name_are_refused",
    "S3_two_names_of_returning_change_nothing",
]

_BRIEF = SLOW.replace("500000000", "100000")


@check()
async def S3_rows_are_dicts(harness: StorageHarness) -> None:
    """Plain ones, by name, in the order of the query; a missing value is None."""
    async with items_of(harness) as items:
        await items.run("INSERT INTO items (id) VALUES (2), (1)")
        rows = await items.run("SELECT name, id FROM items ORDER BY id")
        assert rows == [{"name": None, "id": 1}, {"name": None, "id": 2}], f"got {rows}"
        assert type(rows) is list, f"got {type(rows)}"
        assert all(type(row) is dict for row in rows), f"a row is a {type(rows[0]).__name__}"
        assert list(rows[0]) == ["name", "id"], "the columns are in another order"


@check()
async def S3_no_result_is_an_empty_list(harness: StorageHarness) -> None:
    """A write without RETURNING, DDL, and a query that finds nothing."""
    async with items_of(harness) as items:
        for text in (
            "INSERT INTO items (id) VALUES (1)",
            "UPDATE items SET name = 'x' WHERE id = 1",
            "SELECT id FROM items WHERE id = 2",
            "DELETE FROM items",
            "CREATE INDEX items_name ON items (name)",
        ):
            found = await items.run(text)
            assert found == [], f"{text} gave {found!r}"


@check()
async def S3_returning_gives_rows(harness: StorageHarness) -> None:
    """Of INSERT, UPDATE and DELETE, and the write is done."""
    async with items_of(harness) as items:
        insert = "INSERT INTO items (id, name) VALUES ($1, $2), (3, 'c') RETURNING id, name"
        rows = await items.run(insert, [1, "a"])
        assert rows == [{"id": 1, "name": "a"}, {"id": 3, "name": "c"}], f"INSERT gave {rows}"
        rows = await items.run("UPDATE items SET name = $1 WHERE id = 1 RETURNING name", ["b"])
        assert rows == [{"name": "b"}], f"UPDATE gave {rows}"
        rows = await items.run("DELETE FROM items WHERE id = 3 RETURNING id AS gone")
        assert rows == [{"gone": 3}], f"DELETE gave {rows}"
        await items.holds([1])


@check()
async def S3_two_columns_of_one_name_are_refused(harness: StorageHarness) -> None:
    """A dict would lose one: ValidationError whose text shows the alias to add."""
    async with items_of(harness) as items:
        await items.add(1)

        for text in (
            "SELECT id, name, id FROM items",
            "SELECT count(id), count(name) FROM items",
            "SELECT a.*, b.id FROM items a JOIN items b ON a.id = b.id",
        ):
            error = await items.fails(ValidationError, text)
            assert " AS " in str(error), f"the text shows no alias: {error}"

        rows = await items.run("SELECT count(id), count(name) AS count_2 FROM items")
        assert rows == [{"count": 1, "count_2": 1}], f"with an alias: {rows}"


@check()
async def S3_two_names_of_returning_change_nothing(harness: StorageHarness) -> None:
    """The write is not done, or undone; a transaction around it goes on."""
    async with items_of(harness) as items:
        insert = "INSERT INTO items (id) VALUES ($1) RETURNING id, id"
        await items.fails(ValidationError, insert, [1])
        await items.holds([])
        await items.storage.begin_transaction()
        await items.add(2)
        await items.fails(ValidationError, insert, [3])
        await items.storage.commit()
        await items.holds([2])


@check()
async def S3_an_expression_is_named_by_its_function(harness: StorageHarness) -> None:
    """``count(*)`` without an alias is ``count`` everywhere."""
    async with items_of(harness) as items:
        await items.add(1, 2)
        rows = await items.run("SELECT count( * ), max(id), min(id) AS least FROM items")
        assert rows == [{"count": 2, "max": 2, "least": 1}], f"got {rows}"


@check()
async def S3_a_semicolon_and_comments_are_fine(harness: StorageHarness) -> None:
    """At the end, and anywhere between the words."""
    async with items_of(harness) as items:
        await items.run("/* add; one */ INSERT INTO items (id) -- ;\nVALUES (1);")
        rows = await items.run("SELECT id FROM items ; -- the end;")
        assert rows == [{"id": 1}], f"got {rows}"


@check()
async def S3_a_statement_commits_by_itself(harness: StorageHarness) -> None:
    """Outside a transaction: the next instance sees it."""
    async with items_of(harness) as items:
        await items.add(1)

    async with harness.make() as other:
        await items.by(other).holds([1], "what was written is gone")


@check(feature="isolation")
async def S3_statements_at_once_fail_alone(harness: StorageHarness) -> None:
    """One that fails takes none of the others with it, whatever they share on the way."""
    async with items_of(harness) as items:
        taken = list(range(4, 40, 5))
        await items.add(*taken)
        # While the first one runs the others queue up, and what can share a commit shares it.
        first = beside(items.run(f"INSERT INTO items (id) {_BRIEF}"))
        calls = [beside(items.add(number)) for number in range(40)]
        results = await asyncio.gather(*calls, return_exceptions=True)
        await first
        failed = [number for number, one in enumerate(results) if one is not None]
        assert failed == taken, f"the inserts of {failed} failed, not those of {taken}: {results}"
        errors = [results[number] for number in taken]
        assert all(isinstance(one, IntegrityError) for one in errors), f"got {errors!r}"
        await items.holds([*range(40), 100_000])
