"""Bad files: what is told, and that nothing changed."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from infrastructure import (
    ConfigurationError,
    ConnectionError,
    OperationError,
    TimeoutError,
    deadline,
)
from infrastructure.storage.sqlite import SQLiteStorage


def url(path: Path) -> str:
    """Return the URL of an absolute path."""
    return f"sqlite:///{path}"


async def test_a_damaged_file_is_no_database(tmp_path: Path) -> None:
    """A file of something else is refused at connect, and left as it was."""
    path = tmp_path / "damaged.db"
    path.write_bytes(b"this is no database, but it is long enough to be looked at" * 100)
    before = path.read_bytes()

    with pytest.raises(OperationError, match=r"damaged\.db.*restore it from a backup") as caught:
        await SQLiteStorage(url(path)).connect()

    assert caught.value.sqlstate == "XX001"
    assert path.read_bytes() == before


async def test_a_page_that_is_damaged_is_told_when_it_is_read(tmp_path: Path) -> None:
    """A database whose pages were overwritten raises OperationError, never wrong rows."""
    path = tmp_path / "pages.db"

    async with SQLiteStorage(url(path)) as storage:
        await storage.create_table("t", {"n": "BIGINT", "text": "TEXT"})
        await storage.execute_many(
            "INSERT INTO t (n, text) VALUES ($1, $2)", [[n, "x" * 500] for n in range(200)]
        )

    with path.open("r+b") as file:
        file.seek(4096 * 2)
        file.write(b"\xff" * 4096 * 20)

    async with SQLiteStorage(url(path)) as storage:
        with pytest.raises(OperationError) as caught:
            await storage.execute("SELECT n, text FROM t")

    assert caught.value.sqlstate == "XX001"


async def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    """The path is named, and no folder is made."""
    path = tmp_path / "missing" / "file.db"

    with pytest.raises(ConnectionError, match=r"missing/file\.db.*folder exists") as caught:
        await SQLiteStorage(url(path)).connect()

    assert caught.value.outcome == "not_applied"
    assert not path.parent.exists()


async def test_a_new_file_is_its_owners_only(tmp_path: Path) -> None:
    """Nobody else may read a database that we made."""
    path = tmp_path / "new.db"

    async with SQLiteStorage(url(path)) as storage:
        await storage.create_table("t", {"n": int})

    assert path.stat().st_mode & 0o077 == 0


async def test_so_is_one_that_a_link_leads_to(tmp_path: Path) -> None:
    """It is the target that is made."""
    link, path = tmp_path / "link.db", tmp_path / "target.db"
    link.symlink_to(path)

    async with SQLiteStorage(url(link)) as storage:
        await storage.create_table("t", {"n": int})

    assert path.stat().st_mode & 0o077 == 0


async def test_so_is_one_on_a_file_system_without_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is made where it is."""

    def refused(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", refused)
    path = tmp_path / "new.db"

    async with SQLiteStorage(url(path)) as storage:
        await storage.create_table("t", {"n": int})

    assert path.stat().st_mode & 0o077 == 0


async def test_a_read_only_storage_reads_and_refuses_to_write(tmp_path: Path) -> None:
    """A write is refused with 25006, and the file is as before."""
    path = tmp_path / "read.db"

    async with SQLiteStorage(url(path)) as storage:
        await storage.create_table("t", {"n": int})
        await storage.execute("INSERT INTO t (n) VALUES ($1)", [1])

    async with SQLiteStorage(url(path), read_only=True) as storage:
        with pytest.raises(OperationError) as caught:
            await storage.execute("INSERT INTO t (n) VALUES ($1)", [2])

        assert caught.value.sqlstate == "25006"
        assert "opened with read_only" in str(caught.value)
        assert await storage.execute("SELECT n FROM t") == [{"n": 1}]


async def test_a_full_disk_is_told_and_reads_go_on(tmp_path: Path) -> None:
    """When no page can be added the write fails with 53100; after room was made it works again."""
    path = tmp_path / "full.db"

    async with SQLiteStorage(url(path), pragmas={"max_page_count": 10}) as storage:
        await storage.create_table("t", {"n": int, "text": str})
        await storage.execute("INSERT INTO t (n, text) VALUES ($1, $2)", [1, "small"])

        with pytest.raises(OperationError) as caught:
            await storage.execute("INSERT INTO t (n, text) VALUES ($1, $2)", [2, "x" * 100_000])

        assert caught.value.sqlstate == "53100"
        assert caught.value.outcome == "not_applied"
        assert await storage.execute("SELECT n FROM t") == [{"n": 1}]
        await storage.execute("INSERT INTO t (n, text) VALUES ($1, $2)", [3, "small"])
        assert await storage.execute("SELECT count(*) AS n FROM t") == [{"n": 2}]


async def test_a_file_locked_by_somebody_else_ends_the_wait_at_the_deadline(tmp_path: Path) -> None:
    """A write waits for another process's lock until its deadline; nothing was applied."""
    path = tmp_path / "locked.db"

    async with SQLiteStorage(url(path)) as storage:
        await storage.create_table("t", {"n": int})
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        with deadline(0.2), pytest.raises(TimeoutError) as caught:
            await storage.execute("INSERT INTO t (n) VALUES ($1)", [1])

        assert caught.value.outcome == "not_applied"
        assert caught.value.retryable
        other.execute("ROLLBACK")
        other.close()
        await storage.execute("INSERT INTO t (n) VALUES ($1)", [2])
        assert await storage.execute("SELECT n FROM t") == [{"n": 2}]


async def test_a_file_that_was_damaged_under_us(tmp_path: Path) -> None:
    """A write that was never planned says so too: nothing can be asked of its table."""
    path = tmp_path / "damaged.db"

    async with SQLiteStorage(url(path)) as storage:
        await storage.create_table("t", {"n": int})

        with closing(sqlite3.connect(path)) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")

        path.write_bytes(b"no database " * 1000)

        with pytest.raises(OperationError) as caught:
            await storage.execute("INSERT INTO t (n) VALUES ($1)", [1])

        assert caught.value.sqlstate == "XX001"


@pytest.mark.parametrize(
    ("url_", "options", "text"),
    [
        ("mysql://host/db", {}, "takes sqlite:///"),
        ("sqlite://host/db", {}, "takes sqlite:///"),
        ("sqlite://?colour=red", {}, "no option 'colour'; there are: deadline"),
        ("sqlite://?deadline=soon", {}, "the option deadline is a number"),
        ("sqlite://?inline_reads=perhaps", {}, "inline_reads is true or false"),
        ("sqlite://", {"read_only": None}, "read_only is true or false"),
        ("sqlite://?deadline=3", {"deadline": 5}, "3.0 in the URL and 5.0 as a keyword: say it"),
        ("sqlite://", {"read_only": True}, "read_only needs a file"),
        ("sqlite://", {"pragmas": {"a b": 1}}, "name is one word"),
        ("sqlite://", {"pragmas": {"journal_mode": "DELETE"}}, "storage's own"),
        ("sqlite://", {"pragmas": {"cache_size": "1; DROP TABLE t"}}, "a word or a number"),
        ("sqlite://", {"pragmas": {"cache_size": True}}, "a word or a number"),
    ],
)
def test_wrong_settings_are_explained(url_: str, options: dict[str, object], text: str) -> None:
    """Each wrong setting raises ConfigurationError that says what is right."""
    with pytest.raises(ConfigurationError, match=text):
        SQLiteStorage(url_, **options)  # type: ignore[arg-type]


async def test_options_of_the_url_count(tmp_path: Path) -> None:
    """A query option is the keyword option of its name."""
    path = tmp_path / "a.db"

    async with SQLiteStorage(url(path) + "?inline_reads=no&deadline=7") as storage:
        assert await storage.execute("SELECT 1 AS one") == [{"one": 1}]

    assert storage._deadline == 7.0
    assert SQLiteStorage("sqlite://?deadline=3", deadline=3)._deadline == 3.0


async def test_a_temporary_database_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing stays after disconnect."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    async with SQLiteStorage() as storage:
        await storage.create_table("t", {"n": int})
        assert len(list(tmp_path.iterdir())) == 1

    assert not list(tmp_path.iterdir())
    assert "closed" in repr(storage)
