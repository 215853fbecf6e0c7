"""The buckets of TimescaleDB 2.23, kept as a table, and the question that every storage is asked.

Each line of the table is the answer to ``SELECT time_bucket(INTERVAL 'width', KIND 'time')::text``,
or ``time_bucket(INTERVAL 'width', KIND 'time', KIND 'origin')::text``, of a session in UTC; the
width of a BIGINT is a BIGINT.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from infrastructure import StorageInterface

__all__ = ["assert_golden"]


class Golden(NamedTuple):
    """A time, the origin where one is given, and the beginning of its bucket."""

    time: Any
    origin: Any
    bucket: Any


async def assert_golden(storage: StorageInterface) -> None:
    """Assert that ``storage`` has the buckets of TimescaleDB."""
    for number, ((kind, width, with_origin), rows) in enumerate(_table().items()):
        name, third = f"golden{number}", ", o" if with_origin else ""
        await storage.create_table(name, {"id": "BIGINT", "t": kind, "o": kind})
        await storage.execute_many(
            f"INSERT INTO {name} VALUES ($1, $2, $3)",
            [[place, row.time, row.origin] for place, row in enumerate(rows)],
        )
        written = width if kind == "BIGINT" else f"'{width}'"
        found = await storage.execute(
            f"SELECT CAST(time_bucket({written}, t{third}) AS {kind}) AS b FROM {name} ORDER BY id"
        )
        wrong = [
            (row, answer["b"])
            for row, answer in zip(rows, found, strict=True)
            if row.bucket != answer["b"]
        ]
        assert not wrong, f"{kind} {width}: {wrong[:3]}"


@cache
def _table() -> Mapping[tuple[str, str, bool], list[Golden]]:
    """Return the rows for each type, width, and whether there is an origin."""
    table = defaultdict(list)

    with Path(__file__).with_name("time_bucket.csv").open(encoding="utf-8", newline="") as file:
        for kind, width, *times in list(csv.reader(file))[1:]:
            row = Golden(*(_value(kind, text) for text in times))
            table[kind, width, row.origin is not None].append(row)

    assert sum(map(len, table.values())) > 600
    return table


def _value(kind: str, text: str) -> Any:
    if not text:
        return None

    if kind == "BIGINT":
        return int(text)

    if kind == "DATE":
        return date.fromisoformat(text)

    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if kind == "TIMESTAMPTZ" else found
