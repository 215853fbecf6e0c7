"""S13: ``create_hypertable`` checks the same everywhere."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ...interfaces import IntegrityError, ValidationError
from .._check import check
from .._expect import equal, has_state, raises
from .._harness import StorageHarness
from ._items import Items, items_of, unique

__all__ = [
    "S13_a_bad_column_is_refused",
    "S13_a_key_without_the_time_is_refused",
    "S13_a_missing_table_is_refused",
    "S13_a_null_is_refused",
    "S13_every_time_type_will_do",
    "S13_rows_stay_and_again_is_no_change",
    "S13_the_time_is_not_null_afterwards",
]

_SCHEMA = {"t": "TIMESTAMPTZ", "id": "BIGINT", "v": "DOUBLE PRECISION"}
_NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
_INSERT = "INSERT INTO items (t, id, v) VALUES ($1, $2, $3)"


async def _refused(items: Items, column: Any) -> ValidationError:
    return await raises(
        ValidationError,
        lambda: items.storage.create_hypertable(items.name, column),
        f"create_hypertable by {column!r}",
    )


@check(feature="hypertables")
async def S13_rows_stay_and_again_is_no_change(harness: StorageHarness) -> None:
    """A second call and a second create_table are no-ops."""
    async with items_of(harness, _SCHEMA) as items:
        rows = [[_NOON.replace(month=month), month, 0.5] for month in range(1, 13)]
        await items.many(_INSERT, rows)

        for _ in range(2):
            await items.storage.create_hypertable(items.name, "t")
            await items.storage.create_table(items.name, dict(_SCHEMA))

        await items.run(_INSERT, [_NOON, 13, 1.5])
        found = await items.run("SELECT id FROM items ORDER BY t, id")
        equal([row["id"] for row in found], [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 10, 11, 12])


@check(feature="hypertables")
async def S13_the_time_is_not_null_afterwards(harness: StorageHarness) -> None:
    """A row without its time has no place: IntegrityError 23502; the other columns stay."""
    async with items_of(harness, _SCHEMA) as items:
        await items.storage.create_hypertable(items.name, "t")
        error = await items.fails(IntegrityError, _INSERT, [None, 1, 0.5])
        has_state(error, "23502")
        await items.run(_INSERT, [_NOON, None, None])


@check(feature="hypertables")
async def S13_every_time_type_will_do(harness: StorageHarness) -> None:
    """TIMESTAMPTZ, TIMESTAMP, DATE, an integer; also where the time is a part of the key."""
    for text in (
        "TIMESTAMPTZ NOT NULL",
        "TIMESTAMP",
        "DATE",
        "BIGINT",
        "TIMESTAMPTZ PRIMARY KEY",
    ):
        async with items_of(harness, {"id": "BIGINT", "زمان": text}) as items:
            await items.storage.create_hypertable(items.name, "زمان")


@check(feature="hypertables")
async def S13_a_missing_table_is_refused(harness: StorageHarness) -> None:
    """ValidationError that names it; so is a bad name."""
    async with harness.make() as storage:
        name = unique()
        error = await _refused(Items(storage, name), "t")
        assert name in str(error), f"the table is not named: {error}"
        await _refused(Items(storage, ""), "t")
        await _refused(Items(storage, "x" * 64), "t")


@check(feature="hypertables")
async def S13_a_bad_column_is_refused(harness: StorageHarness) -> None:
    """One that is not there, one of no time type, one that is no name; nothing changes."""
    async with items_of(harness, {**_SCHEMA, "name": "TEXT"}) as items:
        for column in ("missing", "v", "name", "", None, "T"):
            error = await _refused(items, column)
            assert error.outcome == "not_applied", f"outcome={error.outcome!r}"

        await items.run(_INSERT, [None, 1, 0.5])


@check(feature="hypertables")
async def S13_a_key_without_the_time_is_refused(harness: StorageHarness) -> None:
    """A primary key, a unique column, a unique index: ValidationError that tells which."""
    for schema, index in (
        ({"id": "BIGINT PRIMARY KEY", "t": "TIMESTAMPTZ"}, False),
        ({"id": "BIGINT UNIQUE", "t": "TIMESTAMPTZ"}, False),
        ({"id": "BIGINT", "t": "TIMESTAMPTZ"}, True),
    ):
        async with items_of(harness, schema) as items:
            if index:
                await items.run("CREATE UNIQUE INDEX items_id ON items (id)")

            error = await _refused(items, "t")
            assert "id" in str(error), f"the key is not named: {error}"

    async with items_of(harness, {"id": "BIGINT PRIMARY KEY", "t": "DATE PRIMARY KEY"}) as items:
        await items.storage.create_hypertable(items.name, "t")


@check(feature="hypertables")
async def S13_a_null_is_refused(harness: StorageHarness) -> None:
    """A row without its time: ValidationError, and the table stays as it was."""
    async with items_of(harness, _SCHEMA) as items:
        await items.run(_INSERT, [None, 1, 0.5])
        await _refused(items, "t")
        await items.run(_INSERT, [None, 2, 0.5])
        await items.run("DELETE FROM items")
        await items.storage.create_hypertable(items.name, "t")
