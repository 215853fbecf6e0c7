"""S5: where the types of values are known without a column, and what comes where they are not."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from ...interfaces import InfrastructureError, ValidationError
from .._check import check
from .._expect import equal
from .._harness import StorageHarness
from ._items import items_of

__all__ = [
    "S5_a_cast_restores_the_type",
    "S5_a_list_is_no_array_here",
    "S5_a_nan_comes_back",
    "S5_a_nan_is_refused_here",
    "S5_a_parameter_is_checked_by_its_use",
    "S5_a_text_is_no_input_here",
    "S5_a_text_is_the_input_of_every_type",
    "S5_arrays_take_lists",
    "S5_expressions_are_type_exact",
]

_TIMES = {"id": "BIGINT PRIMARY KEY", "t": "TIMESTAMPTZ", "d": "DATE", "n": "NUMERIC", "u": "UUID"}
_NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
_ROW = [1, _NOON, date(2024, 5, 1), Decimal("1.10"), UUID(int=7)]
_INSERT = "INSERT INTO items (id, t, d, n, u) VALUES ($1, $2, $3, $4, $5)"


@check(feature="typed_values")
async def S5_a_cast_restores_the_type(harness: StorageHarness) -> None:
    """Of an expression: ``CAST(max(t) AS TIMESTAMPTZ)`` is a datetime everywhere."""
    async with items_of(harness, _TIMES) as items:
        await items.run(_INSERT, _ROW)
        row = (
            await items.run(
                "SELECT CAST(max(t) AS TIMESTAMPTZ) AS t, CAST(min(d) AS DATE) AS d, "
                "CAST(max(n) AS NUMERIC) AS n, CAST(id > 0 AS BOOLEAN) AS b, "
                "CAST(u AS UUID) AS u FROM items GROUP BY id, u"
            )
        )[0]
        wanted = {
            "t": _NOON,
            "d": date(2024, 5, 1),
            "n": Decimal("1.10"),
            "b": True,
            "u": UUID(int=7),
        }
        assert row == wanted, f"got {row}"
        equal([type(value) for value in row.values()], [type(value) for value in wanted.values()])


@check(feature="typed_expressions")
async def S5_expressions_are_type_exact(harness: StorageHarness) -> None:
    """Without a cast, too."""
    async with items_of(harness, _TIMES) as items:
        await items.run(_INSERT, _ROW)
        row = (
            await items.run(
                "SELECT max(t) AS t, max(d) AS d, sum(n) AS n, id > 0 AS b, t - t AS i, "
                "t + $1 AS later FROM items GROUP BY id, t",
                [timedelta(hours=1)],
            )
        )[0]
        wanted = {
            "t": _NOON,
            "d": date(2024, 5, 1),
            "n": Decimal("1.10"),
            "b": True,
            "i": timedelta(0),
            "later": _NOON + timedelta(hours=1),
        }
        assert row == wanted, f"got {row}"
        equal([type(value) for value in row.values()], [type(value) for value in wanted.values()])


@check(feature="typed_parameters")
async def S5_a_parameter_is_checked_by_its_use(harness: StorageHarness) -> None:
    """Outside a written column, too: a wrong type is a ValidationError, nothing executed."""
    async with items_of(harness, _TIMES) as items:
        await items.storage.begin_transaction()

        for column, value in (("id", 1.5), ("t", _NOON.replace(tzinfo=None)), ("d", 5), ("u", 5)):
            select = f"SELECT id FROM items WHERE {column} = $1"  # noqa: S608 - names of ours
            await items.fails(ValidationError, select, [value])

        await items.holds([])
        await items.storage.commit()


_TEXTS = ["1", "2024-05-01T12:00Z", "2024-05-01", "1.10", str(UUID(int=7))]


@check(feature="text_input")
async def S5_a_text_is_the_input_of_every_type(harness: StorageHarness) -> None:
    """A str is read as the column's own text."""
    async with items_of(harness, _TIMES) as items:
        await items.run(_INSERT, list(_TEXTS))
        row = (await items.run("SELECT id, t, d, n, u FROM items"))[0]
        assert list(row.values()) == _ROW, f"got {row}"


@check(feature="typed_values", absent="text_input")
async def S5_a_text_is_no_input_here(harness: StorageHarness) -> None:
    """A str into a column of another type: ValidationError that says so."""
    async with items_of(harness, _TIMES) as items:
        for position, text in enumerate(_TEXTS):
            row: list[object] = [*_ROW[:position], text, *_ROW[position + 1 :]]
            error = await items.fails(ValidationError, _INSERT, row)
            assert "text_input" in str(error), f"the missing feature is not named: {error}"

        await items.holds([])


@check(feature="float_nan")
async def S5_a_nan_comes_back(harness: StorageHarness) -> None:
    """A float nan is a value, not NULL; a zero keeps its sign."""
    async with items_of(harness, {"id": "BIGINT", "f": "DOUBLE PRECISION"}) as items:
        await items.many("INSERT INTO items VALUES ($1, $2)", [[1, math.nan], [2, -0.0]])
        rows = await items.run("SELECT f FROM items WHERE f IS NOT NULL ORDER BY id")
        assert math.isnan(rows[0]["f"]), f"got {rows}"
        assert repr(rows[1]["f"]) == "-0.0", f"got {rows}"


@check(feature="typed_values", absent="float_nan")
async def S5_a_nan_is_refused_here(harness: StorageHarness) -> None:
    """Rather than stored as NULL: ValidationError that says so."""
    async with items_of(harness, {"id": "BIGINT", "f": "DOUBLE PRECISION"}) as items:
        for insert in (
            "INSERT INTO items (id, f) VALUES (1, $1)",
            "INSERT INTO items (id, f) SELECT 1, $1",
        ):
            error = await items.fails(ValidationError, insert, [math.nan])
            assert "float_nan" in str(error), f"the missing feature is not named: {error}"

        await items.holds([])


@check(feature="arrays")
async def S5_arrays_take_lists(harness: StorageHarness) -> None:
    """``= ANY($1)`` with a list, a tuple or a set; an array column gives a list."""
    async with items_of(harness, {"id": "BIGINT", "a": "TEXT[]"}) as items:
        insert = "INSERT INTO items (id, a) VALUES ($1, $2)"
        await items.many(insert, [[1, ["x", None]], [2, ("y",)], [3, []]])

        for wanted in ([1, 3], (1, 3), {1, 3}):
            rows = await items.run("SELECT id FROM items WHERE id = ANY($1) ORDER BY id", [wanted])
            assert rows == [{"id": 1}, {"id": 3}], f"ANY({wanted!r}) found {rows}"

        rows = await items.run("SELECT a FROM items ORDER BY id")
        assert [row["a"] for row in rows] == [["x", None], ["y"], []], f"got {rows}"


@check(feature="typed_values", absent="arrays")
async def S5_a_list_is_no_array_here(harness: StorageHarness) -> None:
    """A tuple or set is refused as a parameter, an array as a column, and nothing changes."""
    async with items_of(harness, {"id": "BIGINT PRIMARY KEY"}) as items:
        for value in ((1, 2), {1}):
            await items.fails(ValidationError, "DELETE FROM items WHERE id = $1", [value])

        await items.fails(InfrastructureError, "SELECT id FROM items WHERE id = ANY($1)", [[1]])
