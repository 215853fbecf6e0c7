"""A storage belongs to one event loop and one process."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable, Coroutine
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from infrastructure import ConfigurationError, ConnectionError
from infrastructure.storage.sqlite import SQLiteStorage

FORKS = pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")


def test_another_loop_is_refused_at_once(tmp_path: Path) -> None:
    """A method called from another loop raises ConfigurationError; the first loop goes on."""
    storage = SQLiteStorage(f"sqlite:///{tmp_path / 'a.db'}")
    first = asyncio.new_event_loop()
    first.run_until_complete(storage.connect())

    for call in (storage.execute("SELECT 1 AS one"), storage.connect(), storage.disconnect()):
        with pytest.raises(ConfigurationError, match="another event loop"):
            asyncio.run(call)

    assert first.run_until_complete(storage.execute("SELECT 1 AS one")) == [{"one": 1}]
    first.run_until_complete(storage.disconnect())
    first.close()


def test_after_its_loop_was_closed_connect_starts_afresh(tmp_path: Path) -> None:
    """The old loop's connections are let go, the committed rows are there."""
    storage = SQLiteStorage(f"sqlite:///{tmp_path / 'a.db'}")

    async def first() -> None:
        await storage.connect()
        await storage.create_table("t", {"n": int})
        await storage.execute("INSERT INTO t (n) VALUES (1)")

    async def second() -> None:
        async with storage:
            assert await storage.execute("SELECT n FROM t") == [{"n": 1}]

    before = set(threading.enumerate())
    asyncio.run(first())
    reader = storage._engine.readers.here
    asyncio.run(second())

    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        reader.look("SELECT 1")

    for thread in set(threading.enumerate()) - before:
        thread.join(1)

    # Others of this process may end meanwhile.
    assert set(threading.enumerate()) <= before


def in_child(check: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run ``check`` in a forked child; whatever it raises fails here."""
    child = os.fork()

    if not child:
        # The child inherits the mark of a running loop from nobody, but the policy's own loop.
        try:
            asyncio.new_event_loop().run_until_complete(check())
        except BaseException as exc:  # noqa: BLE001 - a child of fork must not run the parent's cleanup
            os.write(2, repr(exc).encode())
            os._exit(1)

        os._exit(0)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@FORKS
def test_a_forked_child_is_refused(tmp_path: Path) -> None:
    """It leaves the parent's connections alone, and the parent writes on without loss.

    SQLite would take the parent's locks for the child's own: what the child wrote after the
    parent's disconnect was lost.
    """
    path = tmp_path / "a.db"
    storage = SQLiteStorage(f"sqlite:///{path}")

    async def check() -> None:
        with pytest.raises(ConfigurationError, match="another process"):
            await storage.execute("SELECT 1 AS one")

        for again in (storage, SQLiteStorage(f"sqlite:///{path}", read_only=True)):
            with pytest.raises(ConfigurationError, match="disconnect before the fork"):
                await again.connect()

        async with SQLiteStorage() as own:
            assert await own.execute("SELECT 1 AS one") == [{"one": 1}]

    with asyncio.Runner() as runner:
        runner.run(storage.connect())
        runner.run(storage.create_table("t", {"n": int}))
        in_child(check)
        runner.run(storage.execute("INSERT INTO t (n) VALUES (3)"))
        runner.run(storage.disconnect())

    with closing(sqlite3.connect(path)) as con:
        assert con.execute("SELECT n FROM t").fetchall() == [(3,)]


@FORKS
def test_a_forked_child_connects_to_what_was_closed_before(tmp_path: Path) -> None:
    """Parent and child then use the file side by side, as any two processes."""
    storage = SQLiteStorage(f"sqlite:///{tmp_path / 'a.db'}")

    async def check() -> None:
        async with storage:
            await storage.execute("INSERT INTO t (n) VALUES (2)")

    async def make() -> None:
        async with storage:
            await storage.create_table("t", {"n": int})

    async def read() -> None:
        async with storage:
            assert await storage.execute("SELECT n FROM t") == [{"n": 2}]

    asyncio.run(make())
    in_child(check)
    asyncio.run(read())


async def test_no_timer_is_left_behind(tmp_path: Path) -> None:
    """Each stream has a thread of its own, and each thread a timer for its deadlines."""
    loop = asyncio.get_running_loop()

    async with SQLiteStorage(f"sqlite:///{tmp_path / 'a.db'}") as storage:
        for _ in range(3):
            assert [row async for row in storage.stream("SELECT 1 AS one")] == [{"one": 1}]

    assert [timer for timer in loop._scheduled if not timer.cancelled()] == []


async def test_no_thread_is_left_behind(tmp_path: Path) -> None:
    """After disconnect, and after a connect that failed, every thread has ended."""
    before = set(threading.enumerate())
    storage = SQLiteStorage(f"sqlite:///{tmp_path / 'a.db'}")

    async with storage:
        await storage.create_table("t", {"n": int})
        assert set(threading.enumerate()) != before

    broken = SQLiteStorage(f"sqlite:///{tmp_path / 'no' / 'a.db'}")

    with pytest.raises(ConnectionError):
        await broken.connect()

    for thread in set(threading.enumerate()) - before:
        thread.join(1)

    # Others of this process may end meanwhile.
    assert set(threading.enumerate()) <= before
