"""The processes that a server starts share its fate, whatever sessions they have made for themselves."""

from __future__ import annotations

import asyncio
import os
import pwd
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from infrastructure.interfaces.exceptions import ConfigurationError
from infrastructure.testing import ServerProcess, _descendants

from .peers import nothing_left, until

__all__ = ["nothing_left"]

pytestmark = pytest.mark.usefixtures("nothing_left")

# A child and a grandchild, each with a session of its own, as PostgreSQL gives to its processes;
# their numbers go into the file.
FORKING = """
import os, signal, sys
for _ in range(2):
    if os.fork():
        break
    os.setsid()
    with open(sys.argv[1], "a") as file:
        file.write(f"{os.getpid()}\\n")
else:
    os.rename(sys.argv[1], sys.argv[2])
while True:
    signal.pause()
"""


class Family(ServerProcess):
    """A server that has a child and a grandchild when it is ready."""

    def __init__(self, folder: Path, **options: object) -> None:
        self.told = folder / "told"
        command = [sys.executable, "-S", "-E", "-c", FORKING, str(folder / "new"), str(self.told)]
        super().__init__(command, ready=self._is_complete, **options)

    async def _is_complete(self) -> bool:
        return self.told.exists()

    def members(self) -> list[int]:
        return [self.pid, *map(int, self.told.read_text().split())]


@pytest.fixture
async def family(tmp_path: Path) -> AsyncIterator[Family]:
    server = Family(tmp_path)
    await server.start()
    assert len({os.getsid(pid) for pid in server.members()}) == 3
    yield server
    # Stopped, it would leave them.
    server.kill()


def state_of(pid: int) -> str:
    """Return the letter of its state, Z where it is gone."""
    return {known: state for known, _, state in _descendants._listed()}.get(pid, "Z")


def states_of(pids: list[int]) -> str:
    return "".join(map(state_of, pids))


async def test_they_are_found(family: Family) -> None:
    """Child and grandchild, and nobody else."""
    server, *others = family.members()
    assert _descendants.descendants(server) == set(others)
    assert _descendants.descendants(others[-1]) == set()


async def test_they_are_frozen_and_thawed_with_it(family: Family) -> None:
    """All of them stand when `freeze` returns."""
    family.freeze()
    assert states_of(family.members()) == "TTT"
    family.thaw()
    await until(lambda: states_of(family.members()) == "SSS")


@pytest.mark.parametrize("frozen", [False, True])
async def test_they_are_killed_with_it(family: Family, *, frozen: bool) -> None:
    """All of them are gone when `kill` returns."""
    members = family.members()

    if frozen:
        family.freeze()

    family.kill()
    assert states_of(members) == "ZZZ"


async def test_they_go_on_when_a_frozen_one_is_stopped(family: Family) -> None:
    """They are the server's to end, as a thawed PostgreSQL does."""
    members = family.members()
    family.freeze()
    await family.stop()
    await until(lambda: states_of(members) == "ZSS")
    _descendants.end(set(members[1:]))
    assert states_of(members) == "ZZZ"


@pytest.mark.slow
@pytest.mark.parametrize("step", ["", "server.freeze()"])
async def test_they_do_not_outlive_the_starter(tmp_path: Path, step: str) -> None:
    """Whoever is killed leaves none of them behind, not even frozen ones."""
    starter = f"""
import asyncio, os, signal, sys
from pathlib import Path
from infrastructure.testing import ServerProcess
async def main():
    folder = Path({str(tmp_path)!r})
    told = folder / "told"
    command = [sys.executable, "-c", {FORKING!r}, str(folder / "new"), str(told)]
    async def ready(): return told.exists()
    server = ServerProcess(command, ready=ready)
    await server.start()
    {step}
    print(server.pid, *told.read_text().split(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
    command = [sys.executable, "-c", starter]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=False)
    members = [int(pid) for pid in done.stdout.split()]
    assert len(members) == 3
    await until(lambda: states_of(members) == "ZZZ")


def test_ps_tells_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no /proc; without either, a server has its group alone."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert _descendants.descendants(os.getpid()) >= {child.pid}
        monkeypatch.setattr(_descendants, "_PROC", Path("/nowhere"))
        assert child.pid in _descendants.descendants(os.getpid())
        monkeypatch.setenv("PATH", "")
        assert _descendants.descendants(os.getpid()) == set()
        child.communicate(b"\n")


async def always() -> bool:
    return True


async def test_it_may_run_as_somebody_else() -> None:
    """With that user's groups alone; who may not choose is told so."""
    server = ServerProcess(["/bin/sleep", "60"], ready=always, user="nobody")

    if os.geteuid():
        with pytest.raises(ConfigurationError, match="not permitted"):
            await server.start()

        return

    async with server:
        status = Path(f"/proc/{server.pid}/status").read_text().splitlines()

    told = {line.partition(":")[0]: line.split()[1:] for line in status}
    nobody = pwd.getpwnam("nobody")
    assert set(told["Uid"]) == {str(nobody.pw_uid)}
    assert set(told["Gid"]) == {str(nobody.pw_gid)}
    assert told["Groups"] == []


async def test_an_unknown_user_is_a_wrong_setting() -> None:
    """By name or number."""
    for user in ("nosuchuser", 54321):
        with pytest.raises(ConfigurationError, match=str(user)):
            await ServerProcess(["/bin/sleep", "60"], ready=always, user=user).start()
