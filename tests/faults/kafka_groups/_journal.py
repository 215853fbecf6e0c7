"""What handlers in many processes began and ended: one file, a line for each event, in the order of time."""

from __future__ import annotations

import json
import os
import time
from collections import defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

__all__ = ["Event", "Journal", "Name"]

Name = tuple[str, int]
"""A message of the tests: its key, and which of that key's it is."""


class Event(NamedTuple):
    """Something that a member did, or that was done to it.

    ``at``    the system's monotonic clock, the same in every process.
    ``what``  ``joined``, ``begin``, ``end``, ``cancelled``, ``left``; of the test: ``killed``, ``frozen``.
    ``taken`` by a clock of the member that stands still while it has no core to run on.
    ``id``    the message's, of ``MessageInfo``.
    """

    at: float
    pid: int
    what: str
    taken: float = 0.0
    key: str = ""
    number: int = -1
    id: str = ""

    @property
    def name(self) -> Name:
        """Of the message."""
        return self.key, self.number

    @property
    def place(self) -> tuple[int, int]:
        """Partition and offset of the message."""
        _, partition, offset = self.id.rsplit("-", 2)
        return int(partition), int(offset)


class Journal:
    """Reads it, and compares it with what was promised; each process appends to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # Two: a write at the end would move the place to read from.
        self._end = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._file = os.open(path, os.O_RDONLY)
        self._read = b""
        self._events: list[Event] = []
        self._ended: set[Name] = set()

    def close(self) -> None:
        """Read nothing more."""
        os.close(self._file)
        os.close(self._end)

    def note(self, pid: int, what: str) -> None:
        """Write down what the test does to a member."""
        os.write(self._end, json.dumps([time.monotonic(), pid, what]).encode() + b"\n")

    def events(self, what: str | None = None, pid: int | None = None) -> list[Event]:
        """Return them all, or those of a kind, or of a member."""
        self._look()
        return [e for e in self._events if what in (None, e.what) and pid in (None, e.pid)]

    def ended(self) -> set[Name]:
        """Return the messages whose handler has ended, without a look at all there was before."""
        self._look()
        return self._ended

    def _look(self) -> None:
        while data := os.read(self._file, 2**20):
            *lines, self._read = (self._read + data).split(b"\n")
            new = [Event(*json.loads(line)) for line in lines]
            self._events += new
            self._ended.update(event.name for event in new if event.what == "end")

    def count(self, what: str) -> int:
        """Return how many there are of a kind."""
        return len(self.events(what))

    def names(self, what: str, pid: int | None = None) -> set[Name]:
        """Return the messages that something was done with."""
        return {event.name for event in self.events(what, pid)}

    def repeated(self, without: Collection[Name] = ()) -> int:
        """Return how many calls began beyond the first of each message, but for those ``without``."""
        begun = [event.name for event in self.events("begin") if event.name not in without]
        return len(begun) - len(set(begun))

    def finished(self, pid: int, since: float, until: float) -> int:
        """Return how many calls of a member ended in a span of time."""
        return sum(since < event.at <= until for event in self.events("end", pid))

    def uncommitted(self, pid: int, committed: Mapping[int, int]) -> list[Event]:
        """Return what a member has finished, without a gap, beyond what is committed."""
        ended = {event.place: event for event in self.events("end", pid)}
        found: list[Event] = []

        for partition, offset in committed.items():
            while (event := ended.get((partition, offset))) is not None:
                found.append(event)
                offset += 1  # noqa: PLW2901 - it goes on from what is committed

        return found

    def check_order(self) -> None:
        """Expect that the messages of each key were begun first in the order of their numbers."""
        first: dict[str, list[int]] = defaultdict(list)
        seen: set[Name] = set()

        for event in self.events("begin"):
            if event.name not in seen:
                seen.add(event.name)
                first[event.key].append(event.number)

        wrong = {key: numbers for key, numbers in first.items() if numbers != sorted(numbers)}
        assert not wrong, f"out of order: {wrong}"

    def check_alone(self) -> None:
        """Expect that no two calls with messages of one key ran at once, in whichever processes.

        What was killed runs no more; what is frozen cannot know what the others do.
        """
        running: dict[str, Event] = {}
        zombies: set[int] = set()

        for event in self.events():
            if event.what in {"killed", "frozen"}:
                zombies.add(event.pid)
                running = {key: e for key, e in running.items() if e.pid != event.pid}
            elif event.pid in zombies:
                continue
            elif event.what == "begin":
                assert event.key not in running, f"{event} beside {running[event.key]}"
                running[event.key] = event
            elif event.what in {"end", "cancelled"}:
                running.pop(event.key, None)
