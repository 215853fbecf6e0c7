"""A minimal messaging that keeps the core promises, and three that break one each."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

from infrastructure._core.codec import decode
from infrastructure._core.tasks import start_task
from infrastructure.conformance._harness import MessagingHarness
from infrastructure.interfaces import ConnectionError, MessageInfo, MessagingInterface
from infrastructure.interfaces._context import message_infos
from infrastructure.messaging._options import DeliveryOptions
from infrastructure.messaging._payloads import Packer

Handler = Callable[[Any], Awaitable[None]]
Stored = tuple[MessageInfo, bytes]


class Bus:
    """A queue for each group of each topic."""

    def __init__(self) -> None:
        self.queues: dict[tuple[str, str], deque[Stored]] = {}
        self.count = 0
        self._changes = asyncio.Event()

    def changed(self) -> None:
        self._changes.set()
        self._changes = asyncio.Event()

    async def change(self) -> None:
        await self._changes.wait()


class Call:
    """A message in the hands of its handlers."""

    def __init__(self, stored: Stored) -> None:
        self.stored = stored
        self.waits = False

    def __call__(self) -> tuple[MessageInfo, ...]:
        return (self.stored[0],)


class MinimalMessaging(MessagingInterface):
    """The abstract methods and nothing else: no call of ``super().__init__`` either."""

    def __init__(self, bus: Bus, group_id: str = "default") -> None:
        self.bus = bus
        self.group = group_id
        self.connected = False
        self.handlers: dict[str, list[Handler]] = {}
        self.running: dict[str, Call] = {}
        self.workers: dict[str, asyncio.Task[None]] = {}
        self.packer = Packer(DeliveryOptions())

    async def connect(self) -> None:
        self.connected = True

        for topic in self.handlers:
            self.work(topic)

    async def disconnect(self) -> None:
        self.connected = False
        self.bus.changed()

        try:
            async with asyncio.timeout(0.2):
                await self.rest(set(self.running))
        except TimeoutError:
            self.cancel()
        except asyncio.CancelledError:
            self.cancel()
            raise

    def cancel(self) -> None:
        for worker in self.workers.values():
            worker.cancel()

    async def publish(self, topic: str, message: Any) -> None:
        self.check("publish")
        key, payload, headers, _, _ = self.packer.pack(message)
        info = MessageInfo(topic, key, headers or {}, str(self.bus.count), None, 1)
        self.bus.count += 1

        for (_, name), queue in self.bus.queues.items():
            if name == topic:
                self.store(queue, (info, payload))

        self.bus.changed()

    async def subscribe(self, topic: str, handler: Handler) -> None:
        self.bus.queues.setdefault((self.group, topic), deque())
        known = self.handlers.setdefault(topic, [])

        if handler not in known:
            known.append(handler)

        if self.connected:
            self.work(topic)

    async def unsubscribe(self, topic: str) -> None:
        self.check("unsubscribe")

        if self.handlers.pop(topic, None) is not None:
            self.bus.queues.pop((self.group, topic), None)
            self.bus.changed()
            await self.rest({topic})

    def check(self, operation: str) -> None:
        if not self.connected:
            msg = f"{operation}: the bus is not connected; call connect() first"
            raise ConnectionError(msg, outcome="not_applied")

    def store(self, queue: deque[Stored], stored: Stored) -> None:
        queue.append(stored)

    def work(self, topic: str) -> None:
        worker = self.workers.get(topic)

        if worker is None or worker.done():
            self.workers[topic] = start_task(self.run(topic), name=f"work on {topic}")

    async def run(self, topic: str) -> None:
        while self.connected and topic in self.handlers:
            queue = self.bus.queues[self.group, topic]

            if not queue:
                await self.bus.change()
                continue

            call = self.running[topic] = Call(queue.popleft())
            message_infos.set(call)

            try:
                for handler in list(self.handlers[topic]):
                    await self.attempt(handler, call)
            except asyncio.CancelledError:
                self.unfinished(queue, call.stored)
                raise
            finally:
                del self.running[topic]
                self.bus.changed()

    async def attempt(self, handler: Handler, call: Call) -> None:
        while True:
            try:
                await handler(decode(call.stored[1]))
            except Exception:  # noqa: BLE001 - whatever a handler raises
                if not self.again():
                    return

                await asyncio.sleep(0)
            else:
                return

    def again(self) -> bool:
        return True

    def unfinished(self, queue: deque[Stored], stored: Stored) -> None:
        queue.appendleft(stored)

    async def rest(self, topics: set[str]) -> None:
        """Wait for the calls of ``topics``, but for none that itself waits here."""
        caller = message_infos.get()

        if isinstance(caller, Call):
            caller.waits = True
            self.bus.changed()

        while any(not self.running[topic].waits for topic in topics & set(self.running)):
            await self.bus.change()

        if isinstance(caller, Call):
            caller.waits = False


class DropsOnError(MinimalMessaging):
    def again(self) -> bool:
        return False


class AcknowledgesFirst(MinimalMessaging):
    def unfinished(self, queue: deque[Stored], stored: Stored) -> None:
        pass


class LosesOrder(MinimalMessaging):
    def store(self, queue: deque[Stored], stored: Stored) -> None:
        queue.appendleft(stored)


class ToyHarness(MessagingHarness):
    """Makes instances of one class on one bus."""

    level = "core"
    kind: ClassVar[type[MinimalMessaging]] = MinimalMessaging

    def __init__(self) -> None:
        self.bus = Bus()

    def make(self, **options: Any) -> MinimalMessaging:
        return self.kind(self.bus, options.get("group_id", "default"))
