"""S5 and E: values out of their column's range, precision or length; exact decimals."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from ...interfaces import InfrastructureError, OperationError
from .._check import check
from .._expect import has_state
from .._harness import StorageHarness
from ._items import items_of

__all__ = [
    "E1_a_value_in_sql_is_checked_too",
    "E1_a_value_out_of_range_has_its_sqlstate",
    "S5_a_decimal_is_rounded_to_its_scale",
    "S5_a_wide_table_is_written_by_its_types",
    "S5_decimals_compare_as_numbers",
    "S5_decimals_sum_and_average_exactly",
    "S5_trailing_blanks_beyond_the_length_are_cut",
]

_REFUSED: Final[Mapping[str, tuple[tuple[Any, str], ...]]] = {
    "NUMERIC(4,2)": ((Decimal(100), "22003"), (100, "22003"), (Decimal("99.995"), "22003")),
    "REAL": ((1e39, "22003"),),
    "VARCHAR(3)": (("abcd", "22001"), ("سلام", "22001")),
}


@check(feature="typed_values")
async def E1_a_value_out_of_range_has_its_sqlstate(harness: StorageHarness) -> None:
    """22003 for a number, 22001 for a text; the row of execute_many is told or None."""
    for text, values in _REFUSED.items():
        async with items_of(harness, {"id": "BIGINT", "c": text}) as items:
            insert = "INSERT INTO items (id, c) VALUES ($1, $2)"

            for value, sqlstate in values:
                error = await items.fails(OperationError, insert, [1, value])
                has_state(error, sqlstate, f"{text} {value!r}")
                error = await items.many_fails(OperationError, insert, [[1, None], [2, value]])
                has_state(error, sqlstate, f"{text} {value!r}")
                assert error.row_index in (None, 1), f"row_index={error.row_index}"

            await items.holds([], f"{text}: a value out of range was written")


@check(feature="typed_values")
async def E1_a_value_in_sql_is_checked_too(harness: StorageHarness) -> None:
    """What an expression gives a column is checked as a parameter is."""
    updates = {
        "SMALLINT": ("UPDATE items SET c = 30000 + 30000", "22003"),
        "INTEGER": ("UPDATE items SET c = 2000000000 + id", "22003"),
        "NUMERIC(4,2)": ("UPDATE items SET c = 99 + 99", "22003"),
        "VARCHAR(3)": ("UPDATE items SET c = 'ab' || 'cd'", "22001"),
    }

    for text, (update, sqlstate) in updates.items():
        async with items_of(harness, {"id": "BIGINT", "c": text}) as items:
            await items.run("INSERT INTO items (id) VALUES (2000000000)")
            error = await items.fails(OperationError, update)
            assert error.sqlstate == sqlstate, f"{update} on {text}: {error.sqlstate} {error}"

    async with items_of(harness, {"id": "BIGINT", "c": "BOOLEAN"}) as items:
        await items.fails(InfrastructureError, "INSERT INTO items (id, c) VALUES (1, 'maybe')")
        await items.holds([])


@check(feature="typed_values")
async def S5_a_decimal_is_rounded_to_its_scale(harness: StorageHarness) -> None:
    """Half away from zero; the zeros of the scale are kept."""
    async with items_of(harness, {"id": "BIGINT", "c": "NUMERIC(4,2)"}) as items:
        given = [Decimal("1.005"), Decimal("-1.005"), Decimal("1.1"), 5, Decimal("99.994")]
        rows = [list(each) for each in enumerate(given)]
        await items.many("INSERT INTO items VALUES ($1, $2)", rows)
        found = [str(row["c"]) for row in await items.run("SELECT c FROM items ORDER BY id")]
        assert found == ["1.01", "-1.01", "1.10", "5.00", "99.99"], f"got {found}"


@check(feature="typed_values")
async def S5_a_wide_table_is_written_by_its_types(harness: StorageHarness) -> None:
    """However long its description is: a table of a hundred columns is no rarity."""
    schema = {"id": "BIGINT", **{f"column_{n}": "NUMERIC(12,4)" for n in range(120)}}

    async with items_of(harness, schema) as items:
        insert = "INSERT INTO items (id, column_119) VALUES ($1, $2)"
        await items.run(insert, [1, Decimal("1.00005")])
        await items.many(insert, [[2, Decimal("2.00005")]])
        rows = await items.run("SELECT column_119 AS c FROM items ORDER BY id")
        assert [str(row["c"]) for row in rows] == ["1.0001", "2.0001"], f"got {rows}"


@check(feature="typed_values")
async def S5_trailing_blanks_beyond_the_length_are_cut(harness: StorageHarness) -> None:
    """As SQL has it: blanks beyond the length are no data, inside they are."""
    async with items_of(harness, {"id": "BIGINT", "c": "VARCHAR(3)"}) as items:
        await items.many("INSERT INTO items VALUES ($1, $2)", [[1, "ab    "], [2, "abc  "]])
        found = [row["c"] for row in await items.run("SELECT c FROM items ORDER BY id")]
        assert found == ["ab ", "abc"], f"got {found}"


_PRICES = [Decimal(10), Decimal("9.50"), Decimal(-1), Decimal("9.5"), Decimal("100.001")]


@check(feature="typed_values")
async def S5_decimals_compare_as_numbers(harness: StorageHarness) -> None:
    """In WHERE, ORDER BY, min, max, and with an int; a unique key holds 9.5 once."""
    async with items_of(harness, {"id": "BIGINT", "n": "NUMERIC"}) as items:
        await items.many("INSERT INTO items VALUES ($1, $2)", [list(p) for p in enumerate(_PRICES)])
        found = [row["id"] for row in await items.run("SELECT id FROM items ORDER BY n, id")]
        assert found == [2, 1, 3, 0, 4], f"ORDER BY gave {found}"
        rows = await items.run("SELECT id FROM items WHERE n > $1 ORDER BY id", [Decimal("9.5")])
        assert rows == [{"id": 0}, {"id": 4}], f"n > 9.5 found {rows}"
        rows = await items.run("SELECT id FROM items WHERE n = $1 ORDER BY id", [Decimal("9.500")])
        assert rows == [{"id": 1}, {"id": 3}], f"n = 9.500 found {rows}"
        rows = await items.run("SELECT id FROM items WHERE n < 10 ORDER BY id")
        assert rows == [{"id": 1}, {"id": 2}, {"id": 3}], f"n < 10 found {rows}"

    async with items_of(harness, {"id": "BIGINT", "n": "NUMERIC UNIQUE"}) as items:
        await items.run("INSERT INTO items VALUES (1, $1)", [Decimal("9.5")])
        error = await items.fails(
            OperationError, "INSERT INTO items VALUES (2, $1)", [Decimal("9.50")]
        )
        has_state(error, "23505")


@check(feature="typed_values")
async def S5_decimals_sum_and_average_exactly(harness: StorageHarness) -> None:
    """0.1 and 0.2 are 0.3; a cast gives the Decimal on every backend."""
    async with items_of(harness, {"id": "BIGINT", "n": "NUMERIC(30,10)"}) as items:
        values = [Decimal("0.1"), Decimal("0.2"), Decimal("10000000000000000000.0000000003")]
        await items.many("INSERT INTO items VALUES ($1, $2)", [list(p) for p in enumerate(values)])
        text = "SELECT CAST(sum(n) AS NUMERIC) AS total, CAST(max(n) AS NUMERIC) AS most FROM items"
        row = (await items.run(text))[0]
        assert row["total"] == Decimal("10000000000000000000.3000000003"), (
            f"the sum is {row['total']!r}"
        )
        assert type(row["total"]) is Decimal, f"got {row['total']!r}"
        assert row["most"] == values[2], f"the maximum is {row['most']!r}"
        text = "SELECT CAST(avg(n) AS NUMERIC) AS mean FROM items WHERE n < 1"
        row = (await items.run(text))[0]
        assert row["mean"] == Decimal("0.15"), f"the mean is {row['mean']!r}"
