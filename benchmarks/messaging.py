"""How many messages a second go through MemoryMessaging to one handler, with all its promises?

Each is published and awaited; the clock stops when the last one was handled. Ours keeps order
by key, retries, dead letters, offsets and back-pressure. The floor is a bare ``asyncio.Queue``
of 1,000 places and a task that calls the handler: no promise at all, not even isolation. Its
handler is called with the very object. FastStream's ``TestKafkaBroker`` is how its users test
without a broker; ``logger=None`` is its documented way not to log each message.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from infrastructure.messaging.memory import MemoryMessaging

from ._question import OURS, Contender, Question, Work
from ._values import PLAIN

__all__ = ["QUESTIONS"]

_OPERATIONS = 10_000
_FEW = 200

Publish = Callable[[Any], Awaitable[object]]
Handle = Callable[[Any], Awaitable[None]]
Broker = Callable[[Handle], AbstractAsyncContextManager[Publish]]


class Counter:
    """A handler that tells when it was called as often as was said."""

    def __init__(self) -> None:
        self._left = 0
        self._done = asyncio.Event()

    def expect(self, messages: int) -> None:
        """Count from here."""
        self._left = messages
        self._done.clear()

    async def handle(self, message: object) -> None:
        """Count one."""
        self._left -= 1

        if not self._left:
            self._done.set()

    async def wait(self) -> None:
        """Wait for the last."""
        await self._done.wait()


@asynccontextmanager
async def _ours(handle: Handle) -> AsyncIterator[Publish]:
    async with MemoryMessaging() as messaging:
        await messaging.subscribe("bench", handle)

        async def publish(message: Any) -> None:
            await messaging.publish("bench", message)

        yield publish


@asynccontextmanager
async def _queue(handle: Handle) -> AsyncIterator[Publish]:
    queue: asyncio.Queue[Any] = asyncio.Queue(1000)

    async def work() -> None:
        while True:
            await handle(await queue.get())

    worker = asyncio.create_task(work())

    try:
        yield queue.put
    finally:
        worker.cancel()


@asynccontextmanager
async def _faststream(handle: Handle) -> AsyncIterator[Publish]:
    from faststream.kafka import KafkaBroker, TestKafkaBroker

    broker = KafkaBroker(logger=None)

    @broker.subscriber("bench")
    async def receive(message: Any) -> None:
        await handle(message)

    async with TestKafkaBroker(broker):

        async def publish(message: Any) -> None:
            await broker.publish(message, "bench")

        yield publish


def _contender(name: str, make: Broker, message: Any, operations: int | None = None) -> Contender:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Work]:
        counter = Counter()

        async with make(counter.handle) as publish:

            async def run(messages: int) -> None:
                counter.expect(messages)

                for _ in range(messages):
                    await publish(message)

                await counter.wait()

            yield Work(run=run)

    return Contender(name=name, open=opened, operations=operations)


def _question(kind: str, message: Any, of_queue: float) -> Question:
    return Question(
        name=f"messaging-{kind}",
        asks=f"MemoryMessaging, {kind} payloads, one handler",
        contenders=(
            _contender(OURS, _ours, message),
            _contender("asyncio.Queue", _queue, message),
            _contender("FastStream TestKafkaBroker", _faststream, message, _FEW),
        ),
        operations=_OPERATIONS,
        targets={"asyncio.Queue": of_queue, "FastStream TestKafkaBroker": 100.0},
        turn=_OPERATIONS,
    )


QUESTIONS = (
    _question("dict", PLAIN, 0.25),
    _question("int", 12345, 0.5),
    _question("str", "x" * 100, 0.5),
)
