"""The processes below a server's, whatever groups and sessions they have made for themselves."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

__all__ = ["descendants", "end", "halt", "send"]

_PROC = Path("/proc")
# Seconds for a signal to take effect: a process that is in the kernel has to come out of it.
_PATIENCE = 2.0
_HALTED = frozenset("TtZX")
_GONE = frozenset("ZX")


def descendants(root: int) -> set[int]:
    """Return the processes that ``root`` started, and those that these started."""
    children: dict[int, list[int]] = {}

    for pid, parent, _ in _listed():
        children.setdefault(parent, []).append(pid)

    found: set[int] = set()
    waiting = [root]

    while waiting:
        below = children.get(waiting.pop(), [])
        found.update(below)
        waiting += below

    return found


def send(pids: set[int], number: signal.Signals) -> None:
    """Send each of them the signal; it may have ended this moment."""
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def halt(root: int) -> None:
    """Stop all that is below ``root``, which stands already, and return when they stand too."""
    halted: set[int] = set()

    # One that did not stand yet may have started another.
    while found := descendants(root) - halted:
        send(found, signal.SIGSTOP)
        _wait(lambda: _all(found, _HALTED))
        halted |= found


def end(pids: set[int]) -> None:
    """Kill them and return when they are gone; whoever has inherited them buries them."""
    send(pids, signal.SIGKILL)
    _wait(lambda: _all(pids, _GONE))


def _all(pids: set[int], states: frozenset[str]) -> bool:
    return all(state in states for pid, _, state in _listed() if pid in pids)


def _wait(condition: Callable[[], bool]) -> None:
    given_up = time.monotonic() + _PATIENCE

    while not condition() and time.monotonic() < given_up:
        time.sleep(0.001)


def _listed() -> Iterator[tuple[int, int, str]]:
    """Give number, parent and the letter of the state of every process."""
    return _read_proc() if _PROC.is_dir() else _asked_ps()


def _read_proc() -> Iterator[tuple[int, int, str]]:
    for name in os.listdir(_PROC):  # noqa: PTH208 - a Path for each process takes its time
        if name.isdecimal():
            with suppress(OSError):
                # The name of its program, in brackets, may have spaces and brackets.
                status = Path(f"{_PROC}/{name}/stat").read_text("utf-8", "replace")
                state, parent = status.rpartition(")")[2].split()[:2]
                yield int(name), int(parent), state


def _asked_ps() -> Iterator[tuple[int, int, str]]:
    program = shutil.which("ps")

    if program is None:
        return

    command = [program, "-A", "-o", "pid=", "-o", "ppid=", "-o", "state="]
    told = subprocess.run(command, capture_output=True, check=True, text=True).stdout  # noqa: S603

    for line in told.splitlines():
        pid, parent, state = line.split()
        yield int(pid), int(parent), state[0]
