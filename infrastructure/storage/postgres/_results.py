"""Reads the rows of a result, a large one in slices so that the loop turns meanwhile."""

from __future__ import annotations

import asyncio
from typing import Any

from psycopg.pq.abc import PGresult

from .values import Rows

__all__ = ["read_rows"]

_CELLS = 5000
"""Values that are read in one go: a few milliseconds."""


async def read_rows(rows: Rows, result: PGresult) -> list[dict[str, Any]]:
    """Return all rows of a result."""
    count = result.ntuples
    step = max(1, _CELLS // max(1, result.nfields))

    if count <= step:
        return rows.decode(result)

    made: list[dict[str, Any]] = []

    for start in range(0, count, step):
        made += rows.decode(result, start, min(start + step, count))
        await asyncio.sleep(0)

    return made
