"""F4: the server stands still, and goes on."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from infrastructure import TimeoutError
from infrastructure.storage.postgres import PostgresStorage

from ...servers.postgres_server import PostgresServer
from .._outcomes import all_ended, ended
from .._timing import HEALED, healed
from .._watch import nothing_left, until
from ._sessions import unrest

pytestmark = pytest.mark.slow

DEADLINE = 0.4
INSERT = "INSERT INTO t (id) VALUES ($1)"


async def ids(storage: PostgresStorage) -> list[int]:
    """Return what is stored."""
    return [row["id"] for row in await storage.execute("SELECT id FROM t ORDER BY id")]


@pytest.mark.parametrize("options", [{}, {"pipelining": False}, {"group_commit": True}])
async def test_F4_a_write_is_applied_once_or_not_at_all(
    private_postgres: PostgresServer, options: dict[str, Any]
) -> None:
    """Every call ends by its deadline; what was sent is of unknown outcome, and never done twice."""
    async with nothing_left(), PostgresStorage(private_postgres.url, **options) as storage:
        # Without a key: a second one would be seen.
        await storage.execute("CREATE TABLE t (id INT)")

        for number in range(-20, 0):
            await storage.execute(INSERT, [number])

        await storage.execute("DELETE FROM t")
        storage._engine.deadline = DEADLINE
        private_postgres.freeze()

        try:
            calls = [partial(storage.execute, INSERT, [number]) for number in range(20)]
            ends = await all_ended(calls, DEADLINE)
            assert {type(end) for end in ends} == {TimeoutError}
            assert {end.outcome for end in ends} <= {"unknown", "not_applied"}
        finally:
            private_postgres.thaw()

        with healed():
            assert await ended(partial(storage.execute, INSERT, [100]), HEALED) == []

        # What has left may be done a moment after.
        with private_postgres.counters() as counters:
            await until(lambda: not unrest(counters), counters.sessions)

        storage._engine.deadline = 10
        found = await ids(storage)
        assert len(found) == len(set(found)), f"done twice: {found}"
        unsent = {number for number, end in enumerate(ends) if end.outcome == "not_applied"}
        assert not unsent.intersection(found)
        assert 100 in found
