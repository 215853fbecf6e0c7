"""A column of values is encoded as each of them alone, or left to that."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, strategies as st

from infrastructure.interfaces import InfrastructureError
from infrastructure.storage._types import ColumnType
from infrastructure.storage.sqlite import SQLiteStorage
from infrastructure.storage.sqlite._columns import column_for
from infrastructure.storage.sqlite.values import encoder_for

TYPES = [
    ColumnType("SMALLINT"),
    ColumnType("BIGINT"),
    ColumnType("TEXT"),
    ColumnType("VARCHAR", ("3",)),
    ColumnType("DOUBLE PRECISION"),
    ColumnType("REAL"),
    ColumnType("BOOLEAN"),
    ColumnType("BYTEA"),
    ColumnType("TIMESTAMPTZ"),
    ColumnType("UUID"),
    ColumnType("mood", portable=False),
]
VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 2**15, -(2**15), 2**63 - 1, 2**63, 0.5, -0.0, float("inf"), float("nan"),
    "", "a", "سلام", "a\0b", "\ud800", "\udc00", "four", b"", b"\xff", date(2024, 1, 2), Decimal("1.5"),
    datetime(1, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
    datetime(2024, 1, 2, tzinfo=timezone(timedelta(hours=3))), datetime(2024, 1, 2),  # noqa: DTZ001
    UUID(int=1), [1], {"a": 1},
]  # fmt: skip


def alone(column_type: ColumnType, values: list[Any]) -> list[Any]:
    """Return each value encoded by itself, or the class of the first error."""
    try:
        return [encoder_for(column_type)(value) for value in values]
    except InfrastructureError as exc:
        return [type(exc)]


@pytest.mark.parametrize("column_type", TYPES, ids=str)
@given(values=st.lists(st.sampled_from(VALUES), max_size=4))
def test_a_column_is_as_its_values(column_type: ColumnType, values: list[Any]) -> None:
    """Whatever is encoded together is what each would be; what is wrong is never let through."""
    together = column_for(column_type)(values)

    if together is not None:
        assert repr(list(together)) == repr(alone(column_type, values))


@pytest.mark.parametrize(
    ("column_type", "values"),
    [
        (ColumnType("BIGINT"), [1, None, -5]),
        (ColumnType("TEXT"), ["a", "سلام", None]),
        (ColumnType("DOUBLE PRECISION"), [0.5, None]),
        (ColumnType("BOOLEAN"), [True, None]),
        (ColumnType("BYTEA"), [b"x", None]),
        (ColumnType("TIMESTAMPTZ"), [datetime(2024, 1, 2, tzinfo=UTC), None]),
    ],
    ids=str,
)
def test_what_is_plainly_right_is_encoded_together(
    column_type: ColumnType, values: list[Any]
) -> None:
    """Or nothing would be gained."""
    assert column_for(column_type)(values) is not None


async def test_the_first_bad_row_is_named_not_the_first_bad_column() -> None:
    """A later column of an earlier row comes before an earlier column of a later one."""
    async with SQLiteStorage() as storage:
        await storage.create_table("t", {"a": "BIGINT", "b": "TEXT"})
        rows = [[1, "x"], [2, 5], ["no", "y"]]

        with pytest.raises(InfrastructureError, match="TEXT takes") as caught:
            await storage.execute_many("INSERT INTO t (a, b) VALUES ($1, $2)", rows)

        assert caught.value.row_index == 1


async def test_rows_without_parameters_are_as_many() -> None:
    """A statement may take none."""
    async with SQLiteStorage() as storage:
        await storage.create_table("t", {"a": "BIGINT DEFAULT 7"})
        await storage.execute_many("INSERT INTO t DEFAULT VALUES", [[], (), []])
        assert await storage.execute("SELECT a FROM t") == [{"a": 7}] * 3


async def test_rows_that_take_their_time_do_not_hold_the_loop_together() -> None:
    """An iterable slower than the loop may be held gets a turn of the loop for each row."""
    turns = 0

    async def other() -> None:
        nonlocal turns

        while True:
            turns += 1
            await asyncio.sleep(0)

    def slow_rows() -> Iterator[list[int]]:
        for number in range(20):
            until = time.perf_counter() + 0.003

            while time.perf_counter() < until:
                pass

            seen.append(turns)
            yield [number]

    seen: list[int] = []

    async with SQLiteStorage() as storage:
        await storage.create_table("t", {"a": "BIGINT"})
        beside = asyncio.ensure_future(other())
        await storage.execute_many("INSERT INTO t (a) VALUES ($1)", slow_rows())
        beside.cancel()

    # The first row is looked at before anything begins.
    assert len(set(seen[1:])) == 19
