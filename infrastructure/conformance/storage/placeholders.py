"""S2 and G11: ``$1 ... $n`` on every backend, one statement a call."""

from __future__ import annotations

from functools import partial
from typing import Any

from ...interfaces import ValidationError
from .._check import check
from .._expect import equal, raises
from .._harness import StorageHarness
from ._items import items_of

__all__ = [
    "G11_a_bad_argument_is_refused",
    "S2_a_literal_hides_a_placeholder",
    "S2_a_placeholder_may_repeat",
    "S2_a_wrong_count_is_refused",
    "S2_none_is_no_parameters",
    "S2_one_statement_a_call",
    "S2_other_styles_are_refused_with_a_hint",
    "S2_placeholders_bind_by_number",
]


@check()
async def S2_placeholders_bind_by_number(harness: StorageHarness) -> None:
    """``$2, $1`` takes the second parameter first, wherever it stands."""
    async with items_of(harness) as items:
        await items.run("INSERT INTO items (name, id) VALUES ($2, $1)", [1, "one"])
        await items.many("INSERT INTO items (name, id) VALUES ($2, $1)", [[2, "two"]])
        rows = await items.run("SELECT id, name FROM items ORDER BY id")
        assert rows == [{"id": 1, "name": "one"}, {"id": 2, "name": "two"}], f"got {rows}"
        rows = await items.run("SELECT id FROM items WHERE name = $2 AND id = $1", [2, "two"])
        assert rows == [{"id": 2}], f"$2 before $1 found {rows}"


@check()
async def S2_a_placeholder_may_repeat(harness: StorageHarness) -> None:
    """One parameter serves every place of its number."""
    async with items_of(harness) as items:
        await items.add(1, 2, 3)
        rows = await items.run("SELECT id FROM items WHERE id >= $1 AND id <= $1 ORDER BY id", [2])
        assert rows == [{"id": 2}], f"$1 twice found {rows}"


@check()
async def S2_a_literal_hides_a_placeholder(harness: StorageHarness) -> None:
    """In quotes and comments it is text, and stays what it is."""
    async with items_of(harness) as items:
        await items.run("INSERT INTO items (id, name) VALUES ($1, '$2 it''s ?')", [1])
        rows = await items.run('SELECT name AS "a $3" /* $4 */ FROM items WHERE id = $1 -- $5', [1])
        assert rows == [{"a $3": "$2 it's ?"}], f"got {rows}"


@check()
async def S2_a_wrong_count_is_refused(harness: StorageHarness) -> None:
    """Too few, too many, none, or a ``$0``: ValidationError, and nothing was executed."""
    async with items_of(harness) as items:
        insert = "INSERT INTO items (id, name) VALUES ($1, $2)"

        for params in ([], [1], [1, "a", "b"], None):
            error = await items.fails(ValidationError, insert, params)
            assert error.outcome == "not_applied", f"outcome={error.outcome!r}"

        await items.fails(ValidationError, "SELECT id FROM items", [1])
        await items.fails(ValidationError, "SELECT id FROM items WHERE id = $0", [])
        await items.holds([])


@check()
async def G11_a_bad_argument_is_refused(harness: StorageHarness) -> None:
    """A query that is no text, parameters that are no list: ValidationError, nothing done."""
    async with items_of(harness) as items:
        insert = items.sql("INSERT INTO items (id, name) VALUES ($1, $2)")
        bad: tuple[tuple[Any, Any], ...] = (
            *((query, None) for query in (None, 5, insert.encode())),
            *((insert, params) for params in ("ab", {1: 1, 2: 2}, {1, 2}, 5)),
        )

        for query, params in bad:
            await raises(
                ValidationError,
                partial(items.storage.execute, query, params),
                f"execute({query!r}, {params!r})",
            )

        await items.many_fails(ValidationError, insert, ["ab"])
        await items.holds([])


@check()
async def S2_other_styles_are_refused_with_a_hint(harness: StorageHarness) -> None:
    """``?``, ``%s`` and ``:name``: the text of the error shows ``$1``."""
    async with items_of(harness) as items:
        for mark in ("?", "%s", ":id"):
            text = "SELECT id FROM items WHERE id = MARK".replace("MARK", mark)
            error = await items.fails(ValidationError, text, [1])
            assert "$1" in str(error), f"{mark} is refused without a hint: {error}"


@check()
async def S2_none_is_no_parameters(harness: StorageHarness) -> None:
    """``None``, nothing and the empty list mean the same."""
    async with items_of(harness) as items:
        text = items.sql("SELECT id FROM items")
        equal(await items.storage.execute(text), [])
        equal(await items.storage.execute(text, None), [])
        equal(await items.storage.execute(text, []), [])


@check()
async def S2_one_statement_a_call(harness: StorageHarness) -> None:
    """Two statements, or none: ValidationError, and nothing was executed."""
    async with items_of(harness) as items:
        await items.add(1)

        for text in ("DELETE FROM items; SELECT 1", "DELETE FROM items; DROP TABLE items;"):
            await items.fails(ValidationError, text)

        for text in ("", " ; ", "-- nothing"):
            await items.fails(ValidationError, text)

        await items.holds([1])
