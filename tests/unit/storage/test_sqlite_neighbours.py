"""Others at the same file, in this process and beside it, and where the file is."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from infrastructure import ConfigurationError, OperationError, TimeoutError, deadline
from infrastructure.conformance._stopwatch import Stopwatch
from infrastructure.storage.sqlite import SQLiteStorage, _settings as settings

from ...servers.waiting import until

_COUNT = """
import sqlite3, sys
con = sqlite3.connect(sys.argv[1])
print(con.execute("SELECT count(*) FROM t").fetchone()[0])
con.close()
"""


def url(path: Path) -> str:
    """Return the URL of an absolute path."""
    return f"sqlite:///{path}"


async def counted_beside(path: Path) -> int:
    """Return how many rows another process sees, which closes the file then."""
    command = [sys.executable, "-c", _COUNT, str(path)]
    told = await asyncio.to_thread(subprocess.check_output, command)
    return int(told)


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[SQLiteStorage]:
    """One in a file of its own, with a table."""
    async with SQLiteStorage(url(tmp_path / "a.db")) as opened:
        await opened.execute("CREATE TABLE t (n INT)")
        yield opened


async def test_who_makes_a_file_that_is_there_takes_no_locks_away(
    storage: SQLiteStorage, tmp_path: Path
) -> None:
    """Two that connect at once both find it missing: the slower one closes none of its descriptors.

    Without its locks another process that closes the file would take itself for the last one, and
    delete the log that is written to.
    """
    path = tmp_path / "a.db"
    await storage.execute("INSERT INTO t (n) VALUES (1)")

    with pytest.raises(FileExistsError):
        settings.make_file(path)

    for n in range(2, 5):
        assert await counted_beside(path) == n - 1
        await storage.execute("INSERT INTO t (n) VALUES ($1)", [n])

    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.db", "a.db-shm", "a.db-wal"]


async def test_a_relative_path_stays_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connections that are opened later, in another folder, are of the same file."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(tmp_path)

    async with SQLiteStorage("sqlite:///a.db") as storage:
        await storage.execute("CREATE TABLE t (n INT)")
        monkeypatch.chdir(elsewhere)

        async with storage.transaction():
            # Its connection is made anew afterwards.
            await storage.execute("CREATE TEMPORARY TABLE mine (n INT)")

        await storage.execute("INSERT INTO t (n) VALUES (1)")
        assert [row async for row in storage.stream("SELECT n FROM t")] == [{"n": 1}]

    assert list(elsewhere.iterdir()) == []


def test_a_child_that_is_forked_as_the_file_is_opened_may_not_open_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite has locks by then that the child would take for its own."""
    children: list[int] = []
    path = tmp_path / "a.db"
    prepare = settings._prepare

    def forked(con: sqlite3.Connection, *args: Any, **options: Any) -> None:
        prepare(con, *args, **options)
        pid = os.fork()

        if not pid:
            try:
                settings.refuse_inherited(path)
            except ConfigurationError:
                os._exit(7)
            finally:
                os._exit(1)

        children.append(pid)

    monkeypatch.setattr(settings, "_prepare", forked)
    path.touch()

    with closing(
        settings.open_connection(settings.Settings(path=path), writer=True, busy_wait=0.05)
    ):
        assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children] == [7]


@pytest.mark.parametrize("ending", ["disconnect", "forced"])
async def test_a_temporary_folder_goes_when_the_last_connection_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    """A connection that is only being opened then finds its file, and leaves nothing behind."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    for _ in range(30):
        storage = SQLiteStorage()
        await storage.connect()
        await storage.execute("CREATE TABLE t (n INT)")
        streams = [asyncio.create_task(anext(storage.stream("SELECT 1 AS n"))) for _ in range(5)]
        await asyncio.sleep(0)
        ended = asyncio.create_task(storage.disconnect())
        await asyncio.sleep(0)

        if ending == "forced":
            ended.cancel()

        await asyncio.wait({ended, *streams})
        told = [each.exception() for each in streams]
        assert [each for each in told if isinstance(each, OperationError)] == []

    await until(lambda: not list(tmp_path.iterdir()))


@pytest.mark.parametrize("pragma", ["busy_timeout", "locking_mode"])
def test_how_locks_are_waited_for_is_no_pragma(pragma: str) -> None:
    """The wait for a lock would hold the event loop, and outlast deadlines."""
    with pytest.raises(ConfigurationError, match=f"the pragma {pragma} is the storage's own"):
        SQLiteStorage(pragmas={pragma: 1})


async def test_a_locked_file_is_tried_again_after_a_pause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite does not wait where a lock is to be raised: trying without a pause takes a processor."""
    path, tries = tmp_path / "a.db", 0
    connect = settings._connect

    def counted(*args: Any) -> Any:
        nonlocal tries
        tries += 1
        return connect(*args)

    monkeypatch.setattr(settings, "_connect", counted)

    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE t (n INT)")
        other.execute("BEGIN IMMEDIATE")
        watch = Stopwatch()

        with deadline(0.5), pytest.raises(TimeoutError):
            await SQLiteStorage(url(path)).connect()

        assert watch.taken < 1
        other.execute("ROLLBACK")

    assert 1 < tries < 300


async def test_a_lock_for_a_moment_is_no_lost_connection(tmp_path: Path) -> None:
    """``is_connected`` waits as a statement would, within its second and the deadline."""
    path = tmp_path / "a.db"

    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE t (n INT)")

        async with SQLiteStorage(url(path), read_only=True) as storage:
            other.execute("BEGIN EXCLUSIVE")

            with deadline(0.05):
                assert not await storage.is_connected()

            asyncio.get_running_loop().call_later(0.1, other.execute, "ROLLBACK")
            assert await storage.is_connected()


async def test_a_table_that_is_being_read_is_not_locked_by_somebody_else(
    storage: SQLiteStorage,
) -> None:
    """To try again would not help: it is the transaction's own query that is not read to its end."""
    await storage.execute_many("INSERT INTO t (n) VALUES ($1)", [[1], [2], [3]])

    with pytest.raises(OperationError, match="not read to its end") as caught:
        async with storage.transaction():
            async for _ in storage.stream("SELECT n FROM t", batch_size=1):
                await storage.execute("DROP TABLE t")

    assert caught.value.sqlstate == "55006"
    assert not caught.value.retryable
