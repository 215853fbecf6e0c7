"""What handlers and publishers in other processes did: one file, a line for each event, in the order of time."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

__all__ = ["Event", "Journal", "Name", "names"]

Name = tuple[str, int]
"""A message: its key, and which of that key's it is."""


def names(keys: int, each: Iterable[int]) -> list[Name]:
    """Return the messages of so many keys, by turns."""
    return [(f"k{key}", number) for number in each for key in range(keys)]


class Event(NamedTuple):
    """``what``: ``begin``, ``end``, ``cancelled``; of a publisher: ``acknowledged``."""

    at: float
    pid: int
    what: str
    key: str = ""
    number: int = -1

    @property
    def name(self) -> Name:
        """Of the message."""
        return self.key, self.number


class Journal:
    """Reads what processes append to ``path``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()
        self._file = path.open("rb")
        self._read = b""
        self._events: list[Event] = []

    def close(self) -> None:
        """Read nothing more."""
        self._file.close()

    def events(self, what: str, pid: int | None = None) -> list[Event]:
        """Return those of a kind, perhaps of one process."""
        *lines, self._read = (self._read + self._file.read()).split(b"\n")
        self._events += (Event(*json.loads(line)) for line in lines)
        return [each for each in self._events if each.what == what and pid in (None, each.pid)]

    def names(self, what: str) -> set[Name]:
        """Return the messages that something was done with."""
        return {event.name for event in self.events(what)}

    def repeated(self) -> int:
        """Return how many calls began beyond the first of each message."""
        begun = [event.name for event in self.events("begin")]
        return len(begun) - len(set(begun))

    def disordered(self) -> int:
        """Return how many messages were begun first when a later one of their key had been."""
        last: dict[str, int] = {}
        seen: set[Name] = set()
        late = 0

        for event in self.events("begin"):
            if event.name not in seen:
                seen.add(event.name)
                late += event.number < last.get(event.key, -1)
                last[event.key] = max(event.number, last.get(event.key, -1))

        return late
