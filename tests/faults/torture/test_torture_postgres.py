"""The torture of ``PostgresStorage``, in each of its modes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from typing import Any

import pytest

from infrastructure import deadline
from infrastructure.storage.postgres import PostgresStorage
from infrastructure.testing import ChaosProxy
from infrastructure.testing.postgres import PostgresCounters

from ...servers import postgres
from ...servers.postgres_server import PostgresServer
from .._timing import PATIENT, healed, share
from .._watch import nothing_left, until
from ..postgres._sessions import unrest
from ..postgres.test_f10_cancelled_postgres import held
from ._calls import TABLE, Calls
from ._journal import Findings, Journal
from ._plan import SEED, plan_of
from ._postgres_faults import PostgresFaults
from ._run import Run, compare, compare_numbers

pytestmark = [pytest.mark.slow, pytest.mark.soak, pytest.mark.timeout(900)]

DEADLINE = 0.5
CONNECTIONS = 6
MODES: Mapping[str, dict[str, Any]] = {
    "pipelined": {},
    "pooled": {"pipelining": False, "target_session_attrs": "read-write"},
    "grouped": {"group_commit": True},
}


@pytest.mark.parametrize("mode", MODES)
async def test_torture_keeps_every_promise(mode: str, record_property) -> None:
    """Whatever is cancelled, cut off or killed: nothing outside its transaction, torn or missing."""
    journal, findings = Journal(), Findings()
    options = {"deadline": DEADLINE, "max_connections": CONNECTIONS, **MODES[mode]}

    async with (
        PostgresServer(postgres.program()) as server,
        nothing_left(),
        ChaosProxy((server.host, server.port)) as proxy,
    ):
        storage = PostgresStorage(server.moved(proxy.host, proxy.port), **options)
        faults = PostgresFaults(server, proxy, random.Random(f"{SEED}/faults"), journal.events)
        run = Run(Calls(storage, journal, findings, DEADLINE), faults.in_commit, share(10_000))
        await _prepare(storage)
        failing = asyncio.ensure_future(faults.run())

        try:
            await run.all(plan_of(SEED))
        finally:
            faults.stop()
            await failing

        with healed():
            assert await storage.execute("SELECT 1 AS n") == [{"n": 1}]

        with server.counters() as counters:
            await at_rest(storage, counters)

            with deadline(PATIENT):
                rows = await storage.execute(f"SELECT * FROM {TABLE} WHERE id > 0")

            await until(lambda: counters.read().open <= CONNECTIONS, counters.sessions)
            await storage.disconnect()
            await until(lambda: not counters.read().open, counters.sessions)

    _compare(journal, rows, findings, shared=mode == "grouped")
    journal.report(record_property)
    findings.none()


def _compare(journal: Journal, rows: list[Any], findings: Findings, *, shared: bool) -> None:
    """Look for what is in the table and should not be, or the other way round."""
    groups = [group for unit in journal.units.values() for group in unit.root.groups()]
    compare(groups, {row["id"]: row for row in rows}, findings)
    compare_numbers(journal, rows, findings, shared=shared)


async def _prepare(storage: PostgresStorage) -> None:
    """Connect and make the table, whose rows tell the transaction that the server has put them in."""
    with deadline(PATIENT):
        await storage.connect()
        await storage.create_table(TABLE, {"id": "BIGINT PRIMARY KEY", "unit": "BIGINT NOT NULL"})
        await storage.execute(f"ALTER TABLE {TABLE} ADD xid BIGINT NOT NULL DEFAULT txid_current()")
        await storage.execute(f"INSERT INTO {TABLE} (id, unit) VALUES (0, 0)")


async def at_rest(storage: PostgresStorage, counters: PostgresCounters) -> None:
    """Return when nothing is left of what was given up, here and in the server."""
    await until(lambda: not any(held(storage).values()), lambda: held(storage))
    await until(lambda: not unrest(counters), counters.sessions)
