"""A PostgreSQL of one's own is frozen, killed and started again, and leaves nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from infrastructure.testing import _descendants

from . import postgres as embedded, unprivileged
from .postgres_server import PostgresServer
from .waiting import until

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


def processes(server: PostgresServer) -> set[int]:
    """Return the numbers of all its processes: it has some beside those of its clients."""
    found = {server.process.pid, *_descendants.descendants(server.process.pid)}
    assert len(found) > 4
    return found


def running(pids: set[int]) -> set[int]:
    """Return which of them are there, and not dead and waiting to be buried."""
    return {pid for pid, _, state in _descendants._listed() if pid in pids and state not in "ZX"}


def memory(server: PostgresServer) -> str:
    """Return the number of the shared memory that outlives its processes."""
    number = (server.folder / "data" / "postmaster.pid").read_text().splitlines()[6].split()[1]
    assert number in shared_memory()
    return number


def shared_memory() -> set[str]:
    """Return the numbers of all there is on this machine."""
    lines = Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
    return {line.split()[1] for line in lines}


async def test_committed_rows_survive(private_postgres: PostgresServer) -> None:
    """A stop, with a client in a transaction that is lost, and a crash of all its processes."""
    port = private_postgres.port

    with private_postgres.control() as control:
        control.execute("CREATE TABLE a (b int)")

        for ending in (private_postgres.stop, private_postgres.kill):
            with private_postgres.control(autocommit=False) as open_one:
                private_postgres.ask("INSERT INTO a VALUES (1) RETURNING b")
                open_one.execute("INSERT INTO a VALUES (2)")
                ended = ending()

                if ended is not None:
                    await ended

                with pytest.raises(psycopg.OperationalError):
                    open_one.commit()

            assert not private_postgres.is_running
            await private_postgres.start()

    assert private_postgres.port == port
    assert private_postgres.ask("SELECT array_agg(b) FROM a") == [1, 1]


async def test_a_frozen_one_answers_nobody(private_postgres: PostgresServer) -> None:
    """Not the client that it knows, nor a new one; thawed it goes on."""
    async with await psycopg.AsyncConnection.connect(private_postgres.url) as client:
        private_postgres.freeze()
        assert private_postgres.is_frozen
        asking = asyncio.create_task(client.execute("SELECT 1"))
        joining = asyncio.create_task(psycopg.AsyncConnection.connect(private_postgres.url))
        assert not (await asyncio.wait([asking, joining], timeout=0.1))[0]
        private_postgres.thaw()
        assert await (await asking).fetchone() == (1,)
        await (await joining).close()


@pytest.mark.parametrize("frozen", [False, True])
async def test_a_killed_one_leaves_no_process(
    private_postgres: PostgresServer, *, frozen: bool
) -> None:
    """Nor does one that had a client at work."""
    async with await psycopg.AsyncConnection.connect(private_postgres.url) as client:
        working = asyncio.create_task(
            client.execute("SELECT count(*) FROM generate_series(1, 1e9)")
        )
        await until(
            lambda: private_postgres.ask(
                "SELECT true FROM pg_stat_activity WHERE state = 'active' AND query ~ '1e9'"
                " AND pid <> pg_backend_pid()"
            )
        )
        pids = processes(private_postgres)

        if frozen:
            private_postgres.freeze()

        private_postgres.kill()
        assert not running(pids)

        with pytest.raises(psycopg.OperationalError):
            await working


async def test_nothing_is_left_in_the_end() -> None:
    """No process, no folder, no shared memory, whatever became of it before."""
    async with PostgresServer(embedded.program()) as server:
        pids, numbers = processes(server), {memory(server)}
        server.kill()

    async with PostgresServer(embedded.program()) as stopped:
        pids |= processes(stopped)
        numbers.add(memory(stopped))
        stopped.freeze()

    assert not running(pids)
    assert [one.folder.exists() for one in (server, stopped)] == [False, False]
    assert not numbers & shared_memory()


async def test_its_settings_can_be_given() -> None:
    """They win over the usual ones; a wrong one is told by its log."""
    async with PostgresServer(embedded.program(), {"max_connections": 7}) as server:
        assert server.ask("SHOW max_connections") == "7"

    with pytest.raises(ConnectionError, match="nosuchsetting"):
        async with PostgresServer(embedded.program(), {"nosuchsetting": 1}):
            pass


def test_a_program_that_cannot_be_reached_is_copied(tmp_path: Path) -> None:
    """A checkout in root's own folder is nobody's to enter; who is not root runs it where it is."""
    program = embedded.program()
    (tmp_path / "tree" / "bin").mkdir(parents=True)
    hidden = tmp_path / "tree" / "bin" / "echo"
    hidden.symlink_to("/bin/echo")
    found = unprivileged.reachable(
        type(program)(hidden, {"A": f"{tmp_path}/tree"}, tmp_path / "tree")
    )
    assert found.path.is_symlink()
    is_root = os.geteuid() == 0
    assert (found.path != hidden) == is_root
    assert found.env["A"] == str(found.path.parents[1])
    assert unprivileged.run(found, ["a"]) == "a\n"


WAITING = """
import asyncio
from infrastructure.testing import _descendants
from tests.conftest import *
from tests.servers.test_postgres_faults import memory

async def test(postgres, private_postgres):
    pids = [one.process.pid for one in (postgres, private_postgres)]
    below = set.union(*map(_descendants.descendants, pids))
    private_postgres.freeze()
    print(*pids, *below, flush=True)
    numbers = map(memory, (postgres, private_postgres))
    print(*numbers, flush=True)
    await asyncio.sleep(60)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder that everybody may enter."""
    with tempfile.TemporaryDirectory() as made:
        path = Path(made)
        path.chmod(0o755)
        yield path


async def ended_by(number: signal.Signals, folder: Path) -> None:
    """Check that a run which this signal ends leaves no process, no folder and no shared memory."""
    folder.mkdir()
    folder.chmod(0o755)
    test = folder / "test_waiting.py"
    test.write_text(WAITING)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)}
    environment.pop("POSTGRES_URL", None)
    command = [sys.executable, "-m", "pytest", "-qs", "-c", str(ROOT / "pyproject.toml"), str(test)]
    run = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, env=environment, stdout=subprocess.PIPE
    )
    assert run.stdout is not None
    pids = {int(pid) for pid in (await run.stdout.readline()).split()}
    numbers = {number.decode() for number in (await run.stdout.readline()).split()}
    assert len(pids) > 8
    assert numbers <= shared_memory()
    run.send_signal(number)
    await run.communicate()
    await until(lambda: not running(pids))
    await until(lambda: not list(folder.glob("postgres-*")))
    assert not numbers & shared_memory()


async def test_a_run_that_is_ended_leaves_nothing(folder: Path) -> None:
    """Not even one that was frozen; and no folder. Each waits for seconds: three runs at a time."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
    await asyncio.gather(*(ended_by(number, folder / number.name) for number in numbers))
