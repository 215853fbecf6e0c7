"""The torture of ``SQLiteStorage``: while others use its file, and killed in the middle."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from infrastructure.storage.sqlite import SQLiteStorage

from .._timing import HEALED, share, within
from .._watch import nothing_left, until
from ..test_cancelled_storage import held
from ._calls import TABLE, Calls
from ._journal import Findings, Journal
from ._plan import SEED, plan_of
from ._run import Run, compare
from ._sqlite_faults import SQLiteFaults, cancelled_in_commit

pytestmark = [pytest.mark.slow, pytest.mark.soak, pytest.mark.timeout(900)]

DEADLINE = 0.5


async def test_torture_keeps_every_promise(tmp_path: Path, record_property) -> None:
    """Whatever is cancelled, and whoever holds the file: nothing outside its transaction, torn or missing."""
    journal, findings, path = Journal(), Findings(), tmp_path / "torture.db"
    faults = SQLiteFaults(path, random.Random(f"{SEED}/faults"), journal.events)

    async with nothing_left(), SQLiteStorage(f"sqlite:///{path}", deadline=DEADLINE) as storage:
        run = Run(Calls(storage, journal, findings, DEADLINE), cancelled_in_commit, share(10_000))
        await storage.create_table(TABLE, {"id": "BIGINT PRIMARY KEY", "unit": "BIGINT NOT NULL"})
        await storage.execute(f"INSERT INTO {TABLE} (id, unit) VALUES (0, 0)")
        failing = asyncio.ensure_future(faults.run())

        try:
            await run.all(plan_of(SEED))
        finally:
            faults.stop()
            await failing

        with within(HEALED):
            assert await storage.execute("SELECT 1 AS n") == [{"n": 1}]

        await until(lambda: not any(held(storage).values()), lambda: held(storage))
        rows = await storage.execute(f"SELECT * FROM {TABLE} WHERE id <> 0")

    groups = [group for unit in journal.units.values() for group in list(unit.root.groups())]
    compare(groups, {row["id"]: row for row in rows}, findings)
    print(f"{journal.events.total()} events:", dict(journal.events), dict(journal.counts))
    findings.none()
