"""S14: ``time_bucket`` in SQL, with TimescaleDB's origins."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Final

from ...interfaces import InfrastructureError
from .._check import check
from .._harness import StorageHarness
from ._items import items_of

__all__ = [
    "S14_buckets_begin_where_timescaledb_begins_them",
    "S14_dates_have_buckets_too",
    "S14_groups_by_bucket",
    "S14_mixed_widths_are_refused",
]


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


_GOLDEN: Final[Mapping[str, Mapping[str, str]]] = {
    "1 hour": {
        "2024-05-01 13:45:10.000001": "2024-05-01 13:00",
        "1969-12-31 23:59:59.999999": "1969-12-31 23:00",
    },
    "15 minutes": {
        "2024-05-01 13:44:59.999999": "2024-05-01 13:30",
        "2024-05-01 13:45": "2024-05-01 13:45",
    },
    "1 day": {"2024-02-29 23:59:59": "2024-02-29"},
    # From Monday 2000-01-03.
    "7 days": {"2024-05-05 23:59": "2024-04-29", "2024-05-06": "2024-05-06"},
    "9 days": {"2000-01-02 12:00": "1999-12-25", "2000-01-12": "2000-01-12"},
    "5 hours": {"2000-01-02 23:59:59": "2000-01-02 19:00"},
    # From 2000-01-01.
    "1 month": {"2024-02-29 23:59:59.999999": "2024-02-01", "1999-12-31 12:00": "1999-12-01"},
    "5 months": {"1999-12-31": "1999-08-01", "2000-06-01": "2000-06-01"},
    "1 year": {"2024-12-31 23:59": "2024-01-01"},
}
"""Of each width some times and the beginnings of their buckets."""


@check(feature="time_bucket")
async def S14_buckets_begin_where_timescaledb_begins_them(harness: StorageHarness) -> None:
    """Fixed widths on Mondays, months and years on 2000-01-01, before their origin too."""
    async with items_of(harness, {"id": "BIGINT", "t": "TIMESTAMPTZ"}) as items:
        for width, times in _GOLDEN.items():
            rows = [[number, _utc(text)] for number, text in enumerate(times)]
            await items.many("INSERT INTO items VALUES ($1, $2)", rows)
            select = (
                "SELECT CAST(time_bucket('WIDTH', t) AS TIMESTAMPTZ) AS b FROM items ORDER BY id"
            )
            found = [row["b"] for row in await items.run(select.replace("WIDTH", width))]
            wanted = [_utc(text) for text in times.values()]
            assert found == wanted, f"{width}: got {found}, not {wanted}"
            await items.run("DELETE FROM items")


@check(feature="time_bucket")
async def S14_groups_by_bucket(harness: StorageHarness) -> None:
    """A group holds what is in its bucket; NULL has none."""
    async with items_of(harness, {"id": "BIGINT", "t": "TIMESTAMPTZ"}) as items:
        texts = ["2024-05-01 10:00", "2024-05-01 10:59:59", "2024-05-01 11:00"]
        rows = [[number, _utc(text)] for number, text in enumerate(texts)]
        await items.many("INSERT INTO items VALUES ($1, $2)", [*rows, [9, None]])
        found = await items.run(
            "SELECT CAST(time_bucket('1 hour', t) AS TIMESTAMPTZ) AS b, count(*) AS n FROM items "
            "WHERE t IS NOT NULL GROUP BY 1 ORDER BY 1"
        )
        wanted = [{"b": _utc(texts[0]), "n": 2}, {"b": _utc(texts[2]), "n": 1}]
        assert found == wanted, f"got {found}"
        found = await items.run("SELECT time_bucket('1 hour', t) AS b FROM items WHERE id = 9")
        assert found == [{"b": None}], f"the bucket of NULL is {found}"


@check(feature="time_bucket")
async def S14_dates_have_buckets_too(harness: StorageHarness) -> None:
    """Of a DATE the bucket is a DATE."""
    async with items_of(harness, {"id": "BIGINT", "d": "DATE"}) as items:
        await items.run("INSERT INTO items VALUES (1, $1)", [date(2024, 5, 5)])
        row = (
            await items.run(
                "SELECT CAST(time_bucket('7 days', d) AS DATE) AS w, "
                "CAST(time_bucket('1 month', d) AS DATE) AS m FROM items"
            )
        )[0]
        assert row == {"w": date(2024, 4, 29), "m": date(2024, 5, 1)}, f"got {row}"
        # Without a cast, too: what begins a day and has a time of day is no DATE.
        select = "SELECT id FROM items WHERE time_bucket('7 days', d) = $1"
        rows = await items.run(select, [date(2024, 4, 29)])
        assert rows == [{"id": 1}], f"the bucket is not equal to its DATE: {rows}"


@check(feature="time_bucket")
async def S14_mixed_widths_are_refused(harness: StorageHarness) -> None:
    """A month and a day, nothing, less than nothing: an error of ours that says why."""
    async with items_of(harness, {"id": "BIGINT", "t": "TIMESTAMPTZ"}) as items:
        await items.run("INSERT INTO items VALUES (1, $1)", [_utc("2024-05-01")])

        for width in ("1 month 1 day", "0 hours", "-1 hour", "soon"):
            select = "SELECT time_bucket('WIDTH', t) AS b FROM items".replace("WIDTH", width)
            error = await items.fails(InfrastructureError, select)
            assert "user-defined" not in str(error), f"{width!r}: the text says nothing: {error}"
