"""For how long does a message that nobody can handle hold up the others of its partition?

500 messages a second for ten seconds, each with its own key, all in one partition. Of those that
are not poison, the delay from the publish to the handler that 99 of 100 keep: while one of a hundred
is poison, which is tried three times with the usual pauses and then stored as a dead letter, and
while none is.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time

from infrastructure import Message
from infrastructure.messaging.kafka import KafkaMessaging

from ._kafka import KAFKA
from ._question import Fact

__all__ = ["FACTS"]

_COUNT = 5_000
_PAUSE = 0.002
_EACH = 100
"""One of so many is poison."""

_ALLOWED = 10.0
"""Milliseconds by which the others may be later."""


class _Handler:
    """Takes the delays of so many messages that it can handle."""

    def __init__(self, count: int) -> None:
        self.delays: list[float] = []
        self.done = asyncio.Event()
        self._count = count

    async def __call__(self, payload: tuple[bool, float]) -> None:
        is_poison, sent = payload

        if is_poison:
            msg = "poison"
            raise LookupError(msg)

        self.delays.append(time.perf_counter() - sent)

        if len(self.delays) == self._count:
            self.done.set()


async def _delays(url: str, topic: str, *, poison: bool) -> list[float]:
    handler = _Handler(_COUNT - (_COUNT // _EACH if poison else 0))

    async with KafkaMessaging(url, group_id=f"bench-{secrets.token_hex(6)}") as messaging:
        await messaging.subscribe(topic, handler)
        due = time.perf_counter()

        for number in range(_COUNT):
            due += _PAUSE
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            is_poison = poison and not number % _EACH
            message = Message((is_poison, time.perf_counter()), key=f"{number}")
            await messaging.publish(topic, message)

        await handler.done.wait()

    return handler.delays


async def _p99(*, poison: bool) -> float:
    async with KAFKA.broker() as broker, broker.topic(1) as topic:
        delays = await _delays(f"kafka://{broker.bootstrap}", topic, poison=poison)

    return 1000 * sorted(delays)[len(delays) * 99 // 100]


async def _both() -> tuple[float, float]:
    # Each dead letter is told as an error.
    logging.getLogger("infrastructure").setLevel(logging.CRITICAL)

    async with KAFKA.broker():
        # The first run finds a broker that has not warmed up.
        await _p99(poison=False)
        return await _p99(poison=True), await _p99(poison=False) + _ALLOWED


FACTS = (
    Fact(
        name="kafka-poison",
        asks="delay of the other messages of a partition, one of a hundred is poison, at p99",
        peer=f"{_ALLOWED:g} ms more than without",
        unit="ms",
        measure=lambda: asyncio.run(_both()),
        most=1.0,
    ),
)
