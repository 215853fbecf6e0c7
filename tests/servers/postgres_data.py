"""The data folder of a new PostgreSQL: made once for each program of a run, then copied."""

from __future__ import annotations

import atexit
import ctypes
import functools
import subprocess
from pathlib import Path

from . import unprivileged
from .program import Program

__all__ = ["SUPERUSER", "fill", "release_memory"]

SUPERUSER = "postgres"

_IPC_RMID = 0


def fill(data: Path, program: Program) -> None:
    """Put a new cluster into ``data``, which is not there yet: a copy takes a sixth of initdb's time."""
    command = ["cp", "-a", str(_template(program)), str(data)]
    subprocess.run(command, check=True, cwd="/", **unprivileged.account())


def release_memory(data: Path) -> None:
    """Give back the shared memory by which a server knows of another one on the same data.

    One that was killed leaves it to its next start.
    """
    lock = data / "postmaster.pid"
    # The seventh line has its key and its number; one that was killed early wrote none.
    told = lock.read_text().splitlines()[6:7] if lock.exists() else []

    for line in told:
        ctypes.CDLL(None).shmctl(int(line.split()[1]), _IPC_RMID, None)


@functools.cache
def _template(program: Program) -> Path:
    folder = unprivileged.folder("postgres-")
    atexit.register(folder.cleanup)
    data = Path(folder.name) / "data"
    initdb = Program(program.path.with_name("initdb"), program.env)
    settings = ["--no-sync", "--encoding=UTF8", "--auth=trust", f"--username={SUPERUSER}"]
    unprivileged.run(initdb, ["--pgdata", data, *settings, *_locale(initdb)])
    return data


def _locale(initdb: Program) -> list[str]:
    """Return what gives every server the same order, and letters that are not ASCII their capitals."""
    if "builtin" in unprivileged.run(initdb, ["--help"]):
        return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]

    return ["--locale=C.UTF-8"]
