"""S5: the values of columns, type-exact."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from ...interfaces import ValidationError
from .._check import check
from .._expect import equal
from .._harness import StorageHarness
from ._items import Items, items_of

__all__ = [
    "S5_a_statement_follows_its_table",
    "S5_a_subclass_counts_as_its_base",
    "S5_a_time_comes_back_in_utc",
    "S5_a_value_finds_its_row",
    "S5_a_value_of_another_type_is_refused",
    "S5_ints_and_decimals_fit_the_wider_types",
    "S5_json_keeps_what_json_carries",
    "S5_none_fits_every_column",
    "S5_values_come_back_type_exact",
]

_TEHRAN = timezone(timedelta(hours=3, minutes=30))
_NAIVE = datetime(2024, 5, 1, 12, 30, 0, 1)  # noqa: DTZ001 - naive on purpose
_AWARE = _NAIVE.replace(tzinfo=UTC)

_COLUMNS: Final[Mapping[str, tuple[Any, ...]]] = {
    "SMALLINT": (0, -32768, 32767),
    "INTEGER": (5, -(2**31), 2**31 - 1),
    "BIGINT": (7, -(2**63), 2**63 - 1),
    "REAL": (0.5, -1.25, float("inf")),
    "DOUBLE PRECISION": (0.1, 0.0, 1e300, 5e-324, float("-inf")),
    "NUMERIC": (Decimal("1.10"), Decimal("-0.000000000000000000001"), Decimal(10**40)),
    "NUMERIC(12,4)": (Decimal("1.1000"), Decimal("-99999999.9999")),
    "BOOLEAN": (True, False),
    "TEXT": ("", "5", "سلام\u200cدنیا", 'it\'s \\ \n "q" $1 ? 😀'),
    "VARCHAR(4)": ("چهار", "a'b"),
    "BYTEA": (b"", b"\x00\xff'\\"),
    "DATE": (date(1, 1, 1), date(2024, 2, 29), date(9999, 12, 31)),
    "TIMESTAMP": (_NAIVE, datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999)),  # noqa: DTZ001
    "TIMESTAMPTZ": (_AWARE, datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
    "INTERVAL": (timedelta(0), timedelta(days=-1, microseconds=1), timedelta(days=400, hours=30)),
    "UUID": (UUID(int=0), UUID("12345678-1234-5678-1234-567812345678")),
    "JSON": ({"b": [1, 1.5, None, True], "a": {"": "ن"}}, [], {}),
    "JSONB": ({"a": [{"b": "c'd"}]}, [1, [2, []]], {}),
}
"""Values of each portable type that come back as they went, and equal in SQL."""

_WITHOUT_EQUALITY = ("JSON",)
_INSERT = "INSERT INTO items (id, COLUMN) VALUES ($1, $2)"


def _schema() -> dict[str, str]:
    return {
        "id": "BIGINT PRIMARY KEY",
        **{f"c{number}": text for number, text in enumerate(_COLUMNS)},
    }


def _exact(found: Any, wanted: Any) -> bool:
    """Return whether two values are equal in type, and in what ``==`` overlooks."""
    if isinstance(wanted, Decimal):
        return bool(type(found) is Decimal and found.as_tuple() == wanted.as_tuple())

    if isinstance(wanted, datetime):
        return bool(found == wanted and found.utcoffset() == wanted.utcoffset())

    # repr tells the sign of zero, and True from 1 inside JSON; a dict has no promised order.
    same = type(found) is type(wanted) and found == wanted
    return bool(same and (isinstance(wanted, dict) or repr(found) == repr(wanted)))


@check(feature="typed_values")
async def S5_values_come_back_type_exact(harness: StorageHarness) -> None:
    """Every portable type: by INSERT, by execute_many, by UPDATE and by RETURNING."""
    async with items_of(harness, _schema()) as items:
        for number, (text, values) in enumerate(_COLUMNS.items()):
            insert = _INSERT.replace("COLUMN", f"c{number}")
            await items.many(insert, list(enumerate(values)))
            found = await items.run("SELECT * FROM items ORDER BY id")

            for row, wanted in zip(found, values, strict=True):
                got = row[f"c{number}"]
                assert _exact(got, wanted), f"{text}: {wanted!r} came back as {got!r}"

            await _by_update(items, f"c{number}", values[0])
            await items.run("DELETE FROM items")


async def _by_update(items: Items, column: str, value: Any) -> None:
    update = "UPDATE items SET COLUMN = $1 WHERE id = $2 RETURNING COLUMN AS value"
    rows = await items.run(update.replace("COLUMN", column), [value, 1])
    assert _exact(rows[0]["value"], value), f"{column}: RETURNING {value!r} gave {rows}"
    insert = _INSERT.replace("COLUMN", column) + f" RETURNING {column} AS value"
    rows = await items.run(insert, [99, value])
    assert _exact(rows[0]["value"], value), f"{column}: INSERT of {value!r} gave {rows}"


@check(feature="typed_values")
async def S5_a_value_finds_its_row(harness: StorageHarness) -> None:
    """A parameter equals the column it was written to."""
    async with items_of(harness, _schema()) as items:
        for number, (text, values) in enumerate(_COLUMNS.items()):
            if text in _WITHOUT_EQUALITY:
                continue

            await items.many(_INSERT.replace("COLUMN", f"c{number}"), list(enumerate(values)))
            select = "SELECT id FROM items WHERE COLUMN = $1".replace("COLUMN", f"c{number}")

            for position, value in enumerate(values):
                rows = await items.run(select, [value])
                assert rows == [{"id": position}], f"{text} = {value!r} found {rows}"

            await items.run("DELETE FROM items")


@check(feature="typed_values")
async def S5_none_fits_every_column(harness: StorageHarness) -> None:
    """It is NULL, in JSON too."""
    async with items_of(harness, _schema()) as items:
        names = [f"c{number}" for number in range(len(_COLUMNS))]
        marks = ", ".join(f"${number}" for number in range(2, len(_COLUMNS) + 2))
        insert = "INSERT INTO items VALUES ($1, MARKS)".replace("MARKS", marks)
        await items.run(insert, [1, *[None] * len(_COLUMNS)])
        row = (await items.run("SELECT * FROM items"))[0]
        assert all(row[name] is None for name in names), f"got {row}"
        where = " AND ".join(f"{name} IS NULL" for name in names)
        rows = await items.run("SELECT id FROM items WHERE NULLS".replace("NULLS", where))
        assert rows == [{"id": 1}], "None was stored as something else than NULL"


@check(feature="typed_values")
async def S5_a_time_comes_back_in_utc(harness: StorageHarness) -> None:
    """An aware datetime of another zone is the same instant; times sort by it."""
    async with items_of(harness, {"id": "BIGINT", "t": "TIMESTAMPTZ"}) as items:
        late = datetime(2024, 5, 1, 12, tzinfo=_TEHRAN)
        early = datetime(2024, 5, 1, 8, 15, tzinfo=UTC)
        await items.many("INSERT INTO items VALUES ($1, $2)", [[1, late], [2, early]])
        rows = await items.run("SELECT t FROM items ORDER BY t")
        assert [row["t"] for row in rows] == [early, late], f"got {rows}"
        assert all(row["t"].utcoffset() == timedelta(0) for row in rows), f"not in UTC: {rows}"


_REFUSED: Final[Mapping[str, tuple[Any, ...]]] = {
    "SMALLINT": (True, 1.5, 32768),
    "INTEGER": (2**31, Decimal(1), b"1"),
    "BIGINT": (2**63, True, 1.0),
    "BOOLEAN": (1, 0.0),
    "TEXT": (5, 1.5, date(2024, 1, 1), UUID(int=1), Decimal(1), "a\0b", "\ud800"),
    "BYTEA": (5, "a"),
    "DATE": (_NAIVE, 5),
    "TIMESTAMP": (_AWARE, 5),
    "TIMESTAMPTZ": (_NAIVE, 5),
    "INTERVAL": (5,),
    "UUID": (5, b"a"),
    "JSONB": (object(), [b"a"], {1: "a"}, {"a": {1: "b"}}, float("nan"), [{"a": "\0"}]),
}


@check(feature="typed_values")
async def S5_a_value_of_another_type_is_refused(harness: StorageHarness) -> None:
    """ValidationError, nothing executed, and an open transaction goes on."""
    for text, values in _REFUSED.items():
        async with items_of(harness, {"id": "BIGINT", "c": text}) as items:
            await items.storage.begin_transaction()
            insert = "INSERT INTO items (id, c) VALUES ($1, $2)"

            for value in values:
                error = await items.fails(ValidationError, insert, [1, value])
                assert error.outcome == "not_applied", f"outcome={error.outcome!r}"

                if text == "TEXT" and not isinstance(value, str):
                    assert "str(" in str(error), f"the text shows no str(x): {error}"

            await items.run(insert, [2, None])
            await items.storage.commit()
            await items.holds([2], f"{text}: a refused value was written")


class _Colour(enum.StrEnum):
    RED = "red"


class _Number(enum.IntEnum):
    TWO = 2


class _Float(float):
    """Shows itself otherwise than as a number."""

    __repr__ = object.__repr__


@check(feature="typed_values")
async def S5_a_subclass_counts_as_its_base(harness: StorageHarness) -> None:
    """StrEnum, IntEnum, a float that prints itself otherwise."""
    schema = {"id": "BIGINT", "a": "TEXT", "b": "DOUBLE PRECISION", "c": "NUMERIC"}

    async with items_of(harness, schema) as items:
        params = [_Number.TWO, _Colour.RED, _Float(0.1), _Float(0.1)]
        await items.run("INSERT INTO items VALUES ($1, $2, $3, $4)", params)
        rows = await items.run("SELECT * FROM items WHERE id = $1", [_Number.TWO])
        wanted = {"id": 2, "a": "red", "b": 0.1, "c": Decimal("0.1")}
        assert rows == [wanted], f"got {rows}"
        equal([type(value) for value in rows[0].values()], [int, str, float, Decimal])


@check(feature="typed_values")
async def S5_ints_and_decimals_fit_the_wider_types(harness: StorageHarness) -> None:
    """An int into numeric, real and double; a Decimal into double; a float into numeric by repr."""
    schema = {"id": "BIGINT", "n": "NUMERIC", "r": "REAL", "d": "DOUBLE PRECISION"}

    async with items_of(harness, schema) as items:
        insert = "INSERT INTO items VALUES ($1, $2, $3, $4)"
        await items.run(insert, [1, 2**70, 3, 4])
        await items.run(insert, [2, 0.1, Decimal("0.5"), Decimal("0.1")])
        await items.run(f"{insert}, ($5, $6, $7, $8)", [3, None, None, None, 4, 5, 6, 7])
        await items.run("UPDATE items SET n = $1, r = $2, d = $3 WHERE id = 3", [8, 9, 10])
        rows = await items.run("SELECT n, r, d FROM items ORDER BY id")
        assert rows[0] == {"n": Decimal(2**70), "r": 3.0, "d": 4.0}, f"got {rows[0]}"
        assert rows[1] == {"n": Decimal("0.1"), "r": 0.5, "d": 0.1}, f"got {rows[1]}"
        assert rows[2] == {"n": Decimal(8), "r": 9.0, "d": 10.0}, f"UPDATE gave {rows[2]}"
        assert rows[3] == {"n": Decimal(5), "r": 6.0, "d": 7.0}, f"the second row: {rows[3]}"
        equal({type(row["d"]) for row in rows}, {float})


@check(feature="typed_values")
async def S5_json_keeps_what_json_carries(harness: StorageHarness) -> None:
    """A str, a number, a bool is itself, not the text of something."""
    async with items_of(harness, {"id": "BIGINT", "j": "JSONB"}) as items:
        values: list[Any] = ["text", '{"a": 1}', "", 5, 1.5, True, [None], {"a": {"b": []}}]
        await items.many(
            "INSERT INTO items VALUES ($1, $2)", [list(each) for each in enumerate(values)]
        )
        rows = await items.run("SELECT j FROM items ORDER BY id")

        for row, wanted in zip(rows, values, strict=True):
            assert _exact(row["j"], wanted), f"{wanted!r} came back as {row['j']!r}"


@check(feature="typed_values")
async def S5_a_statement_follows_its_table(harness: StorageHarness) -> None:
    """Made again with other types, inside a transaction too: its values are those of now."""
    async with items_of(harness, {"id": "BIGINT", "c": "TEXT"}) as items:
        insert = "INSERT INTO items (id, c) VALUES ($1, $2)"
        await items.run(insert, [1, "text"])
        await items.run("DROP TABLE items")
        await items.storage.create_table(items.name, {"id": "BIGINT", "c": "NUMERIC"})
        await items.run(insert, [1, Decimal("1.10")])
        await items.fails(ValidationError, insert, [2, b"x"])
        await items.storage.begin_transaction()
        await items.run("DROP TABLE items")
        await items.storage.create_table(items.name, {"id": "BIGINT", "c": "BYTEA"})
        await items.run(insert, [1, b"x"])
        await items.storage.commit()
        rows = await items.run("SELECT c FROM items")
        assert rows == [{"c": b"x"}], f"got {rows}"
