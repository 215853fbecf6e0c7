"""The torture of ``SQLiteStorage``: while others use its file, and killed in the middle."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from infrastructure.storage.sqlite import SQLiteStorage

from .._timing import HEALED, share, within
from .._watch import nothing_left, until
from ..postgres._storages import Note
from ..test_cancelled_storage import held
from ._calls import TABLE, Calls
from ._journal import Findings, Group, Journal, Unit
from ._plan import SEED, plan_of
from ._run import Run, compare
from ._sqlite_faults import SQLiteFaults, cancelled_in_commit

pytestmark = [pytest.mark.slow, pytest.mark.soak, pytest.mark.timeout(900)]

DEADLINE = 0.5
ROOT = Path(__file__).resolve().parents[3]


async def test_torture_keeps_every_promise(tmp_path: Path, record_property: Note) -> None:
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

    groups = [group for unit in journal.units.values() for group in unit.root.groups()]
    compare(groups, {row["id"]: row for row in rows}, findings)
    journal.report(record_property)
    findings.none()


CHILD = """
import infrastructure, sys
# The package is found as it is installed, these tests by their folder.
sys.path.insert(0, sys.argv[1])
import asyncio
from tests.faults.torture.child import main
asyncio.run(main(*sys.argv[2:]))
"""


async def test_torture_ends_with_a_kill(tmp_path: Path, record_property: Note) -> None:
    """By SIGKILL: what was acknowledged is in the file, the rest whole or absent."""
    units = 0
    cycles = share(40)

    for seed in range(SEED, SEED + cycles):
        path = tmp_path / f"{seed}.db"
        told = await killed(path, seed, random.Random(f"{seed}/kill").randint(300, 2000))
        await check(path, told, seed)
        units += len(told)

    record_property("kills", cycles)
    record_property("units before them", units)
    record_property("seed", SEED)


async def killed(path: Path, seed: int, count: int) -> dict[int, list[Any]]:
    """Torture a file in another process; kill it when it has told so often, and return what it told last."""
    command = [sys.executable, "-c", CHILD, ROOT, path, seed]
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=path.parent,
        limit=2**20,
    )
    assert process.stdout is not None

    try:
        lines = [await process.stdout.readline() for _ in range(count)]
    finally:
        process.kill()

    # What was not written to its end is not known.
    *more, _ = (await process.stdout.read()).split(b"\n")
    assert await process.wait() == -signal.SIGKILL
    process._transport.close()
    told = map(json.loads, [*lines, *more])
    return {line["number"]: line["groups"] for line in told}


async def check(path: Path, told: dict[int, list[Any]], seed: int) -> None:
    """Compare the file with what was told of the units."""
    findings = Findings()

    async with SQLiteStorage(f"sqlite:///{path}") as storage:
        rows = await storage.execute(f"SELECT id FROM {TABLE}")

    with closing(sqlite3.connect(path)) as con:
        assert con.execute("PRAGMA integrity_check").fetchall() == [("ok",)]

    groups = [
        Group(fate, ids, Unit(number, alone=False))
        for number, unit in told.items()
        for fate, ids in unit
    ]
    assert sum(group.fate == "must" for group in groups) >= 10, seed
    compare(groups, {row["id"]: row for row in rows}, findings)
    findings.none()
