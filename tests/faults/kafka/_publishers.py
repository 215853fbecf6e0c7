"""Tasks that publish all the time, and remember what they were told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from infrastructure import InfrastructureError, Message
from infrastructure.messaging.kafka import KafkaMessaging

from .._outcomes import ended
from .._timing import HEALED, within

__all__ = ["Publishers"]

_PAUSE = 0.005


class Publishers:
    """So many tasks, each with a key of its own under which it counts, until they are stopped.

    ``acknowledged``  the messages that the brokers have, as they were told: key and number.
    ``refused``       those of which they were told that nothing was applied.
    ``errors``        what the calls raised.
    """

    def __init__(
        self, messaging: KafkaMessaging, topic: str, *, deadline: float, tasks: int = 50
    ) -> None:
        self.acknowledged: set[tuple[str, int]] = set()
        self.refused: set[tuple[str, int]] = set()
        self.errors: list[InfrastructureError] = []
        self._messaging = messaging
        self._topic = topic
        self._deadline = deadline
        self._stopped = False
        self._told = asyncio.Event()
        self._tasks = [asyncio.ensure_future(self._publish(f"key {n}")) for n in range(tasks)]

    async def _publish(self, key: str) -> None:
        number = 0

        while not self._stopped:
            number += 1
            call = partial(self._messaging.publish, self._topic, Message(number, key=key))
            end = await ended(call, self._deadline)

            if not isinstance(end, InfrastructureError):
                self.acknowledged.add((key, number))
                self._told.set()
                continue

            self.errors.append(end)

            if end.outcome == "not_applied":
                self.refused.add((key, number))

            await asyncio.sleep(_PAUSE)

    async def more(self, count: int, within: float = 10.0) -> None:
        """Return when so many more were acknowledged."""
        wanted = len(self.acknowledged) + count
        await self._until(lambda: len(self.acknowledged) >= wanted, within)

    async def all_again(self, within: float = 10.0) -> None:
        """Return when each of the tasks has published once more."""
        before = self.acknowledged.copy()
        keys = {key for key, _ in before}
        await self._until(lambda: {key for key, _ in self.acknowledged - before} >= keys, within)

    async def _until(self, condition: Callable[[], bool], within: float) -> None:
        async with asyncio.timeout(within):
            while not condition():
                self._told.clear()
                await self._told.wait()

    async def stop(self) -> None:
        """End all of them; none hangs, none died."""
        self._stopped = True

        with within(self._deadline + HEALED):
            await asyncio.gather(*self._tasks)

    def check(self, log: list[tuple[str | None, Any]]) -> None:
        """Compare with what is in the topic: nothing is missing, nothing twice, all in order."""
        found = set(log)
        assert not self.acknowledged - found
        assert not self.refused & found
        assert len(log) == len(found)
        newest: dict[str | None, int] = {}

        for key, number in log:
            assert number > newest.get(key, 0), f"{number} of {key} comes behind {newest[key]}"
            newest[key] = number
