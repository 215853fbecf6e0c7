"""Tortures a SQLite file until it is killed, and tells on its standard output what it was promised.

Of a unit whose state has changed it writes a line of JSON.
"""

from __future__ import annotations

import json
import os
import sys

from infrastructure.storage.sqlite import SQLiteStorage

from ._calls import TABLE, Calls
from ._journal import Findings, Journal, Unit
from ._plan import plan_of
from ._run import Run
from ._sqlite_faults import cancelled_in_commit

__all__ = ["main"]

_ENDLESS = sys.maxsize


def tell(unit: Unit) -> None:
    """Write at once: a process that is killed flushes nothing."""
    os.write(1, json.dumps(unit.told()).encode() + b"\n")


async def main(path: str, seed: str) -> None:
    journal, findings = Journal(tell), Findings()

    async with SQLiteStorage(f"sqlite:///{path}", deadline=5) as storage:
        await storage.create_table(TABLE, {"id": "BIGINT PRIMARY KEY", "unit": "BIGINT NOT NULL"})
        await storage.execute(f"INSERT INTO {TABLE} (id, unit) VALUES (0, 0)")
        calls = Calls(storage, journal, findings, 5)
        await Run(calls, cancelled_in_commit, _ENDLESS).all(plan_of(int(seed)))
