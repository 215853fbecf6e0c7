"""The connections of a blocking driver: closed once, never used again after, and told when lost."""

from __future__ import annotations

import math
import sqlite3
from functools import partial
from pathlib import Path

import pytest

from infrastructure import ConnectionError, OperationError, TimeoutError
from infrastructure.backends import ErrorMap, ThreadSessions

from ...conformance.kit_storage import KitStorage

ERRORS: ErrorMap = {sqlite3.Error: OperationError}


def sessions() -> ThreadSessions[sqlite3.Connection]:
    """Return the sessions of a driver that any thread may use."""
    return ThreadSessions(partial(sqlite3.connect, ":memory:", check_same_thread=False), ERRORS)


async def test_a_session_that_was_given_back_is_leased_again() -> None:
    """One that was touched is not: its connection is closed."""
    pool = sessions()
    first = await pool.lease(math.inf)
    first.release()
    again = await pool.lease(math.inf)
    assert again is first
    again.touched = True
    again.release()
    assert not pool.idle
    assert await pool.lease(math.inf) is not first
    await pool.close()


async def test_what_was_closed_stays_closed() -> None:
    """A statement is refused, a release brings it not back, a second discard does nothing."""
    pool = sessions()
    session = await pool.lease(math.inf)
    await pool.close()

    with pytest.raises(ConnectionError, match="closed by disconnect"):
        await session.control("SELECT 1", math.inf)

    session.release()
    session.discard()
    assert not pool.idle


async def test_a_connection_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    """The driver's error comes as ours, and the sessions can be closed."""
    pool = ThreadSessions(partial(sqlite3.connect, tmp_path / "nowhere" / "a.db"), ERRORS)

    with pytest.raises(OperationError, match="unable to open"):
        await pool.lease(math.inf)

    assert not pool.idle
    await pool.close()


async def test_a_lease_that_comes_too_late_opens_nothing() -> None:
    """TimeoutError before the thread is asked."""
    pool = sessions()

    with pytest.raises(TimeoutError):
        await pool.lease(0.0)

    assert not pool.idle
    await pool.close()


async def test_a_lost_connection_is_told_and_replaced(tmp_path: Path) -> None:
    """``is_connected`` finds out by a round trip, and does not give the dead one to the next."""
    async with KitStorage(tmp_path / "a.db") as storage:
        session = storage._sessions.idle[0]
        await session.run(lambda con: con.close(), math.inf, "close it behind the storage")
        assert not await storage.is_connected()
        assert await storage.is_connected()
