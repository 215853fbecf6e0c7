"""Processes of a measurement: started, killed, asked to leave, and started again by whoever looks after them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time

__all__ = ["Child", "Children"]

_LONGEST = 40.0
"""Seconds in which it has left."""

_AGAIN = 6
"""How often those that end by themselves are started again."""


class Child:
    """One of them."""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self._expected = False
        self.process = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    @property
    def pid(self) -> int:
        """Of the process."""
        return self.process.pid

    def kill(self) -> None:
        """End it as ``kill -9`` does."""
        self._expected = True
        self.process.kill()
        self.process.wait()

    async def leave(self) -> float | None:
        """Ask it to close; return the seconds until it has ended, ``None`` where it is killed for that."""
        self._expected = True
        begun = time.monotonic()
        self.process.terminate()

        while self.process.poll() is None:
            if time.monotonic() - begun > _LONGEST:
                self.kill()
                return None

            await asyncio.sleep(0.02)

        return time.monotonic() - begun

    def look_after(self) -> bool:
        """Start it again where it has ended by itself; return whether it had."""
        if self._expected or self.process.poll() is None:
            return False

        self.process = self._started()
        return True


class Children:
    """All of a measurement, who are called with the same words."""

    def __init__(self, *words: str) -> None:
        self.restarts = 0
        """How often one of them had ended by itself."""
        self._words = words
        self._all: list[Child] = []

    def start(self, role: str, poll: float = 300.0) -> Child:
        """Start one."""
        module = "benchmarks.faults.kafka._child"
        child = Child([sys.executable, "-m", module, role, *self._words, f"{poll:g}"])
        self._all.append(child)
        return child

    def look_after(self) -> None:
        """Start those again that have ended by themselves, a few times."""
        for each in self._all:
            if self.restarts < _AGAIN:
                self.restarts += each.look_after()

    def told(self) -> str:
        """Return how often one had to be started again, where one had."""
        return f"; the process ended {self.restarts} times" if self.restarts else ""

    def end(self) -> None:
        """End them."""
        for each in self._all:
            each.kill()
