"""F21: a disk, or what a statement may use of one, is full."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infrastructure import OperationError
from infrastructure.storage.postgres import PostgresStorage

from ...servers import unprivileged
from ...servers.postgres_server import PostgresServer
from ._storages import Make, make_table

pytestmark = pytest.mark.slow

FULL = Path("/dev/full")
"""Linux' own full disk: it has no byte, and each write ends in ENOSPC."""

FILE = "SELECT pg_relation_filepath(reltoastrelid) FROM pg_class WHERE relname = 'f'"
"""Where the wide values of the table lie."""


@contextmanager
def full_disk(server: PostgresServer) -> Iterator[None]:
    """Let the file for the wide values of ``f``, which is empty, be on a full disk."""
    assert FULL.is_char_device(), f"{FULL} is missing: this test needs Linux"

    with server.control() as control:
        # What was begun in the file is on the disk: nothing of it is written again later.
        control.execute("CHECKPOINT")

    file = server.folder / "data" / server.ask(FILE)
    assert file.stat().st_size == 0
    file.unlink()
    file.symlink_to(FULL)

    try:
        yield
    finally:
        file.unlink()
        file.touch(0o600)
        unprivileged.hand_over(file)

    with server.counters() as counters:
        # They have the other file open.
        counters.terminate()


async def test_F21_a_full_disk(private_postgres: PostgresServer) -> None:
    """53100: not applied, all or nothing; reads work, and writes when there is room again."""
    fill = "INSERT INTO f SELECT n, decode(repeat('00', 7000), 'hex') FROM generate_series(1, 20) n"
    wide = "INSERT INTO f (id, v) VALUES ($1, $2)"
    # The narrow ones come first, and have room.
    rows = [[number, bytes(7000 if number > 900 else 7)] for number in range(1, 1000)]

    async with PostgresStorage(private_postgres.url) as storage:
        await storage.execute("CREATE TABLE f (id BIGINT, v BYTEA STORAGE EXTERNAL)")
        await storage.execute("INSERT INTO f VALUES (0, NULL)")

        with full_disk(private_postgres):
            for write in (
                lambda: storage.execute(fill),
                lambda: storage.execute_many(wide, rows),
                lambda: storage.execute_many(wide, rows, bulk="values"),
            ):
                with pytest.raises(OperationError) as caught:
                    await write()

                assert (caught.value.sqlstate, caught.value.outcome) == ("53100", "not_applied")
                assert await storage.execute("SELECT id FROM f") == [{"id": 0}]

        await storage.execute_many(wide, rows)
        [found] = await storage.execute("SELECT count(*) AS n, sum(length(v)) AS bytes FROM f")
        assert found == {"n": 1000, "bytes": 99 * 7000 + 900 * 7}


async def test_F21_no_more_temporary_files(make: Make) -> None:
    """53400: the statement fails and nothing else does."""
    async with make(
        deadline=10, settings={"temp_file_limit": "1MB", "work_mem": "64kB"}
    ) as storage:
        await make_table(storage)

        with pytest.raises(OperationError) as caught:
            await storage.execute("SELECT n FROM generate_series(1, 500000) n ORDER BY n DESC")

        assert caught.value.sqlstate == "53400"
        assert await storage.execute("SELECT id FROM t") == [{"id": 1}]
