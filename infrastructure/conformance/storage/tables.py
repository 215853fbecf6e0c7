"""S12: ``create_table`` from type texts."""

from __future__ import annotations

from typing import Any, TypeVar

from ...interfaces import IntegrityError, OperationError, StorageInterface, ValidationError
from .._check import check
from .._expect import has_state, raises
from .._harness import StorageHarness
from ._items import Items, items_of, unique

__all__ = [
    "S12_a_bad_name_is_refused",
    "S12_a_bad_type_is_refused",
    "S12_a_default_is_filled_in",
    "S12_a_primary_key_is_unique_and_not_null",
    "S12_a_type_text_makes_a_column",
    "S12_names_keep_every_character",
    "S12_the_same_table_again_is_no_change",
    "refuses",
]

Error = TypeVar("Error", bound=BaseException)

_SCHEMA = {
    "id": "BIGINT PRIMARY KEY",
    "name": "TEXT",
    "price": "NUMERIC(12,4) NOT NULL DEFAULT 1.5",
    "at": "TIMESTAMPTZ DEFAULT now()",
    "kind": "VARCHAR(10) NOT NULL DEFAULT 'it''s'",
}


async def refuses(error: type[Error], storage: StorageInterface, name: Any, schema: Any) -> Error:
    """Return the error that ``create_table`` raises."""
    what = f"create_table({name!r:.80}, {schema!r:.80})"
    return await raises(error, lambda: storage.create_table(name, schema), what)


@check()
async def S12_a_type_text_makes_a_column(harness: StorageHarness) -> None:
    """In any case and with its aliases; NULL is allowed unless it says otherwise."""
    schema = {"id": "bigint not null", "a": "varchar(5)", "b": "Int4", "c": "double  precision"}

    async with items_of(harness, schema) as items:
        await items.run("INSERT INTO items (id) VALUES (1)")
        rows = await items.run("SELECT * FROM items")
        assert rows == [{"id": 1, "a": None, "b": None, "c": None}], f"got {rows}"
        error = await items.fails(IntegrityError, "INSERT INTO items (a) VALUES ('x')")
        has_state(error, "23502")


@check()
async def S12_a_primary_key_is_unique_and_not_null(harness: StorageHarness) -> None:
    """And never numbers by itself."""
    for text in ("BIGINT PRIMARY KEY", "INTEGER PRIMARY KEY", "TEXT PRIMARY KEY"):
        async with items_of(harness, {"id": text, "name": "TEXT"}) as items:
            key = "one" if "TEXT" in text else 1
            await items.run("INSERT INTO items (id) VALUES ($1)", [key])
            error = await items.fails(IntegrityError, "INSERT INTO items (id) VALUES ($1)", [key])
            has_state(error, "23505", text)

            for insert in (
                "INSERT INTO items (name) VALUES ('x')",
                "INSERT INTO items (id) VALUES (NULL)",
            ):
                error = await items.fails(IntegrityError, insert)
                has_state(error, "23502", text)


@check()
async def S12_a_default_is_filled_in(harness: StorageHarness) -> None:
    """Where no value is given; given ones, NULL too, are kept."""
    schema = {"id": "BIGINT", "a": "TEXT DEFAULT 'it''s'", "b": "BIGINT DEFAULT -5 NOT NULL"}

    async with items_of(harness, schema) as items:
        await items.run("INSERT INTO items (id) VALUES (1)")
        await items.run("INSERT INTO items VALUES (2, NULL, 7)")
        rows = await items.run("SELECT a, b FROM items ORDER BY id")
        assert rows == [{"a": "it's", "b": -5}, {"a": None, "b": 7}], f"got {rows}"


@check()
async def S12_the_same_table_again_is_no_change(harness: StorageHarness) -> None:
    """The rows stay; also from another instance."""
    async with items_of(harness, _SCHEMA) as items:
        await items.run("INSERT INTO items (id) VALUES (1)")
        await items.storage.create_table(items.name, dict(_SCHEMA))
        await items.holds([1])

    async with harness.make() as other:
        await other.create_table(items.name, dict(_SCHEMA))
        await items.by(other).holds([1])


_BAD_TYPES: tuple[Any, ...] = (
    "",
    "BIGINT NOT",
    "BIGINT CHECK (id > 0)",
    "BIGINT); DROP TABLE items; --",
    "BIGINT DEFAULT (SELECT 1)",
    "BIGINT DEFAULT 'x'",
    "TEXT DEFAULT 5",
    "SMALLINT DEFAULT 40000",
    "VARCHAR(0)",
    "NUMERIC(2,3)",
    "BIGINT REFERENCES",
    None,
    5,
    object,
)


@check()
async def S12_a_bad_type_is_refused(harness: StorageHarness) -> None:
    """ValidationError, nothing is pasted, nothing is made."""
    async with harness.make() as storage:
        name = unique()

        for spec in _BAD_TYPES:
            await refuses(ValidationError, storage, name, {"id": spec})

        bad_schemas: tuple[Any, ...] = ({}, None, "id BIGINT")

        for schema in bad_schemas:
            await refuses(ValidationError, storage, name, schema)

        await raises(OperationError, Items(storage, name).ids, "a table that was not made")


@check()
async def S12_a_bad_name_is_refused(harness: StorageHarness) -> None:
    """Empty, with NUL, of more than 63 bytes: of tables and of columns."""
    async with harness.make() as storage:
        for name in ("", "a\0b", "x" * 64, "ن" * 32):
            await refuses(ValidationError, storage, name, {"id": "BIGINT"})
            await refuses(ValidationError, storage, unique(), {name: "BIGINT"})


@check()
async def S12_names_keep_every_character(harness: StorageHarness) -> None:
    """Persian ones, keywords, quotes, blanks and case, of tables and of columns."""
    names = ["نام‌کاربر", "select", 'a "b"', "MixedCase", "semi;colon", "ن" * 31]

    async with harness.make() as storage:
        table = f'جدول "{unique()}"'
        await storage.create_table(table, dict.fromkeys(names, "TEXT"))
        quoted = '"' + table.replace('"', '""') + '"'
        await storage.execute(f"INSERT INTO {quoted} VALUES ('1', '2', '3', '4', '5', '6')")  # noqa: S608
        rows = await storage.execute(f"SELECT * FROM {quoted}")  # noqa: S608
        assert rows == [dict(zip(names, "123456", strict=True))], f"got {rows}"
