"""A server process that is frozen: it keeps its connections, answers nobody, and ends when told."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from infrastructure.testing.process import _wait_until_halted

from .answering import ask, exists, port, server_on
from .peers import nothing_left, until

__all__ = ["nothing_left", "port"]

pytestmark = pytest.mark.usefixtures("nothing_left")


async def test_a_frozen_one_is_silent_until_it_is_thawed(port: int) -> None:
    """It accepts, as its kernel does that for it, and answers nobody; then it goes on."""
    async with server_on(port) as server:
        pid, count = await ask(port)
        server.freeze()
        server.freeze()
        assert (server.is_frozen, server.is_running) == (True, True)
        assert "frozen, pid" in repr(server)

        with pytest.raises(TimeoutError):
            await ask(port, within=0.05)

        server.thaw()
        assert not server.is_frozen
        # The one that gave up is answered first.
        assert await ask(port) == (pid, count + 2)
        server.freeze()
        assert server.is_frozen
        server.thaw()
        assert await ask(port) == (pid, count + 3)


async def test_freezing_returns_when_it_stands(port: int) -> None:
    """Not when the signal was sent: what is sent afterwards is not answered, a hundred times."""
    async with server_on(port) as server:
        for _ in range(100):
            server.freeze()
            assert state_of(server.pid) == "T"
            server.thaw()


async def test_a_frozen_one_ends_orderly_when_stopped(port: int) -> None:
    """It is thawed for that: SIGTERM reaches it, and stop does not wait until it kills."""
    server = server_on(port)
    await server.start()
    pid = server.pid
    server.freeze()
    await server.stop(within=60)
    assert not exists(pid)
    assert (server.is_frozen, server.is_running) == (False, False)


async def test_a_frozen_one_can_be_killed_and_started_again(port: int) -> None:
    """The new one is not frozen."""
    async with server_on(port) as server:
        pid = server.pid
        server.freeze()
        server.kill()
        assert not exists(pid)
        assert not server.is_frozen
        await server.start()
        assert not server.is_frozen
        assert (await ask(port))[0] == server.pid


async def test_one_that_ends_while_it_is_frozen_is_not_running(port: int) -> None:
    """Whoever killed it."""
    async with server_on(port) as server:
        server.freeze()
        os.kill(server.pid, signal.SIGKILL)
        await until(lambda: not server.is_running)
        assert not server.is_frozen


def test_one_that_ends_at_that_moment_is_not_waited_for() -> None:
    """It was asked to halt and has ended instead: that is seen, and its status is not lost."""
    with subprocess.Popen(["/bin/sh", "-c", "exit 7"]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert process.returncode is None
        assert _wait_until_halted(process, 1)
        assert process.poll() == 7


async def test_one_that_does_not_halt_is_not_waited_for_long(port: int) -> None:
    """One that is stuck in its kernel must not hold the test for ever: here one that was not asked."""
    async with server_on(port) as server:
        assert server._process is not None
        assert not _wait_until_halted(server._process, 3)


def state_of(pid: int) -> str:
    """Return the letter that ps shows for its state."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
