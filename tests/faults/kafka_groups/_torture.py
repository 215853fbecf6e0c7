"""What is done to a group while it works, and how much of its work may be done twice for that."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from ...servers.kafka_server import KafkaServer
from .._timing import SLACK
from ._journal import Journal
from ._members import Member

__all__ = ["KINDS", "Torturer", "plan_of"]

KINDS = ("member killed", "member left", "member killed", "broker killed")
BEHIND = 0.2
"""Seconds that a commit may lag."""


class Blow(NamedTuple):
    """What was done, when, and the members that could not commit for it."""

    at: float
    what: str
    pids: list[int]


def plan_of(rng: random.Random, count: int) -> list[str]:
    """Return what is done, in an order of its own: all kinds in turn, mixed."""
    plan = [KINDS[position % len(KINDS)] for position in range(count)]
    rng.shuffle(plan)
    return plan


class Torturer:
    """Kills members and their broker, and has others come and go; whom it strikes the seed tells."""

    def __init__(
        self, server: KafkaServer, start: Callable[[], Member], count: int, rng: random.Random
    ) -> None:
        self.blows: list[Blow] = []
        self._server = server
        self._start = start
        self._rng = rng
        self._current = [start() for _ in range(count)]

    async def joined(self) -> None:
        """Return when all members have."""
        await asyncio.gather(*(each.joined() for each in self._current))

    async def strike(self, what: str) -> None:
        """Do one thing; return when its victim is replaced, or the broker back."""
        at = time.monotonic()

        if what == "broker killed":
            self.blows.append(Blow(at, what, [each.pid for each in self._current]))
            self._server.kill()
            await asyncio.sleep(self._rng.uniform(0, 1))
            await self._server.start()
            return

        one = self._current.pop(self._rng.randrange(len(self._current)))

        if what == "member killed":
            self.blows.append(Blow(at, what, [one.pid]))
            one.kill()
        else:
            self.blows.append(Blow(at, what, []))
            await one.leave()

        self._current.append(self._start())

    def may_repeat(self, journal: Journal, window: int) -> int:
        """Return how many calls may have been repeated.

        For each blow, of who could not commit: a window, one more while commits fail, and what
        it finished since its last commit. Beside that partitions move, from each member, whose
        windows are not finished in the order of their messages.
        """
        moved = len(self.blows) * (len(self._current) + 1) * window
        return moved + sum(
            2 * window + journal.finished(pid, blow.at - BEHIND - SLACK, blow.at + SLACK)
            for blow in self.blows
            for pid in blow.pids
        )

    def told(self) -> str:
        """Return how often each was done."""
        return ", ".join(f"{count} x {what}" for what, count in self._counted().items())

    def _counted(self) -> Counter[str]:
        return Counter(blow.what for blow in self.blows)
