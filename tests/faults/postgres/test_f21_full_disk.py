"""F21: a disk, or what a statement may use of one, is full."""

from __future__ import annotations

import subprocess
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


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Give a folder with room for 8 MiB, where the machine lets one be made."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]

    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")

    try:
        unprivileged.hand_over(folder)
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)  # noqa: S607


async def test_F21_a_full_disk(private_postgres: PostgresServer) -> None:
    """53100: not applied, all or nothing; reads work, and writes when there is room again."""
    with small_disk(private_postgres.folder / "small") as folder:
        ballast = folder / "ballast"
        ballast.write_bytes(bytes(2**20))

        async with PostgresStorage(private_postgres.url) as storage:
            await storage.execute(f"CREATE TABLESPACE small LOCATION '{folder}'")
            await storage.execute(
                "CREATE TABLE f (id BIGINT, v BYTEA STORAGE PLAIN) TABLESPACE small"
            )
            await storage.execute("INSERT INTO f VALUES (0, NULL)")
            fill = "INSERT INTO f SELECT n, decode(repeat('00', 7000), 'hex') FROM generate_series(1, 2000) n"
            rows = [[number, bytes(7000)] for number in range(2000)]

            for write in (
                lambda: storage.execute(fill),
                lambda: storage.execute_many("INSERT INTO f VALUES ($1, $2)", rows),
            ):
                with pytest.raises(OperationError) as caught:
                    await write()

                assert (caught.value.sqlstate, caught.value.outcome) == ("53100", "not_applied")
                assert await storage.execute("SELECT id FROM f") == [{"id": 0}]

            ballast.unlink()
            await storage.execute("INSERT INTO f VALUES (1, NULL)")
            assert await storage.execute("SELECT count(*) AS n FROM f") == [{"n": 2}]
            await storage.execute("DROP TABLE f")
            await storage.execute("DROP TABLESPACE small")


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
