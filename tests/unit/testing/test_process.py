"""A server process: started, ended, killed, and what is said when it does not start."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from infrastructure.conformance._stopwatch import Stopwatch
from infrastructure.interfaces.exceptions import (
    ConfigurationError,
    ConnectionError,
    TimeoutError,
    ValidationError,
)
from infrastructure.testing import ServerProcess

from .answering import ask, exists, port, server_on
from .peers import nothing_left, until

__all__ = ["nothing_left", "port"]

pytestmark = pytest.mark.usefixtures("nothing_left")

IDLE = "import signal; signal.pause()"


def failing(code: str) -> ServerProcess:
    return ServerProcess([sys.executable, "-S", "-E", "-c", code], ready=never)


async def never() -> bool:
    return False


async def test_it_starts_and_ends_with_its_block(port: int) -> None:
    """Inside it answers, afterwards it is gone, and so is its port."""
    server = server_on(port)
    assert repr(server) == f"<ServerProcess {Path(sys.executable).name}, not running>"

    async with server:
        pid = server.pid
        assert (await ask(port))[0] == pid
        assert server.is_running
        assert f"running, pid {pid}" in repr(server)

    assert not server.is_running
    assert not exists(pid)

    with pytest.raises(ConnectionRefusedError):
        await ask(port)


async def test_it_starts_again_on_its_port(port: int) -> None:
    """After a restart, a crash and an end: each time another process."""
    async with server_on(port) as server:
        pids = {server.pid}
        await server.restart()
        pids.add(server.pid)
        server.kill()
        server.kill()
        assert not server.is_running
        await server.start()
        pids.add(server.pid)
        await server.stop()
        await server.stop()
        await server.start()
        pids.add(server.pid)
        assert (await ask(port))[0] == server.pid

    assert len(pids) == 4


async def test_a_crash_of_its_own_is_seen(port: int) -> None:
    """It is not running then, and can be started again."""
    async with server_on(port) as server:
        os.kill(server.pid, signal.SIGKILL)
        await until(lambda: not server.is_running)
        await server.start()
        assert (await ask(port))[0] == server.pid


async def test_one_that_ignores_sigterm_is_killed(port: int) -> None:
    """It gets the time that ``stop`` was given, and no more."""
    server = server_on(port, "stubborn")
    await server.start()
    pid = server.pid
    watch = Stopwatch()
    await server.stop(within=0.1)
    assert watch.passed >= 0.1
    assert watch.taken < 1
    assert not exists(pid)


async def test_a_cancelled_stop_kills(port: int) -> None:
    """The cancellation comes out, and no process is left."""
    server = server_on(port, "stubborn")
    await server.start()
    pid = server.pid
    stopping = asyncio.create_task(server.stop(within=60))
    await asyncio.sleep(0.01)
    stopping.cancel()

    with pytest.raises(asyncio.CancelledError):
        await stopping

    assert not exists(pid)


async def test_a_cancelled_start_leaves_nothing() -> None:
    """The cancellation comes out, and no process is left."""
    server = failing(IDLE)
    starting = asyncio.create_task(server.start(within=60))
    await until(lambda: server.is_running)
    pid = server.pid
    starting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await starting

    assert not exists(pid)


async def test_the_log_of_a_failed_start_is_shown() -> None:
    """Its status and the end of its log, of which the beginning is left out."""
    server = failing("print('x' * 4000, flush=True); raise SystemExit('no such option')")

    with pytest.raises(ConnectionError, match=r"status 1 .* ends:\nx+\nno such option$") as got:
        await server.start()

    assert len(str(got.value)) < 2500
    assert not server.is_running


async def test_a_silent_failure_is_told_as_such() -> None:
    """An empty log is no reason to show none."""
    with pytest.raises(ConnectionError, match="status 3 before it was ready; its log is empty"):
        await failing("raise SystemExit(3)").start()


@pytest.mark.slow
async def test_a_start_that_takes_too_long_is_given_up() -> None:
    """With the end of the log, and without a process."""
    server = failing(f"print('loading', flush=True); {IDLE}")

    with pytest.raises(TimeoutError, match=r"not ready after 2 s; its log ends:\nloading") as got:
        await server.start(within=2)

    assert got.value.retryable
    assert not server.is_running


async def test_an_error_of_the_probe_comes_out() -> None:
    """Only an ``OSError`` means not yet."""

    async def broken() -> bool:
        raise LookupError("a mistake in the test")

    server = ServerProcess([sys.executable, "-c", IDLE], ready=broken)

    with pytest.raises(LookupError):
        await server.start()

    assert not server.is_running


async def test_an_unknown_program_is_a_wrong_setting() -> None:
    """Its name is in the text."""
    with pytest.raises(ConfigurationError, match="/no/such/server cannot be run"):
        await ServerProcess(["/no/such/server"], ready=never).start()


async def test_wrong_uses_are_refused(port: int) -> None:
    """A text as command, a second start, a process that is not there."""
    with pytest.raises(ValidationError, match="list"):
        ServerProcess("redis-server --port 1", ready=never)

    async with server_on(port) as server:
        with pytest.raises(ValidationError, match="running already"):
            await server.start()

    for use in (server.freeze, server.thaw, lambda: server.pid):
        with pytest.raises(ConnectionError, match="not running"):
            use()


async def test_its_surroundings_can_be_given(port: int, tmp_path: Path) -> None:
    """Variables, folder, and a log that is added to at every start."""
    log = tmp_path / "server.log"
    server = server_on(port, log=log, folder=tmp_path, env={"COLOUR": "teal"})

    for _ in range(2):
        async with server:
            await ask(port)

    assert log.read_text() == f"listening teal {tmp_path.resolve()}\n" * 2


def test_it_belongs_to_no_event_loop(port: int) -> None:
    """One starts it, another stops it."""
    server = server_on(port)
    asyncio.run(server.start())
    assert asyncio.run(ask(port))[0] == server.pid
    asyncio.run(server.stop())
    assert not server.is_running


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["os._exit(0)", "os.kill(os.getpid(), signal.SIGKILL)"])
async def test_it_does_not_outlive_its_starter(ending: str) -> None:
    """Whoever is killed leaves no server behind, not even a frozen one."""
    starter = f"""
import asyncio, os, signal, sys
from infrastructure.testing import ServerProcess
async def main():
    async def ready(): return True
    server = ServerProcess([sys.executable, "-c", {IDLE!r}], ready=ready)
    await server.start()
    server.freeze()
    print(server.pid, flush=True)
    {ending}
asyncio.run(main())
"""
    command = [sys.executable, "-c", starter]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=False)
    pid = int(done.stdout)
    await until(lambda: not exists(pid))
