"""The handlers of one topic, and how many of its messages may be held for them."""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..interfaces.exceptions import TimeoutError
from ._batches import BatchQueues, BatchSize
from ._calls import Batch, Delivery
from ._dead_letters import is_addressed_to
from ._lanes import Lanes
from ._options import DeliveryOptions
from ._payloads import reader
from ._queues import KeyQueues
from ._record import Record
from ._window import Window

__all__ = ["Handler", "Subscription", "handler_name", "make_lanes"]

Handler = Callable[[Any], Awaitable[None]]


@dataclass(slots=True)
class Subscription:
    """All handlers of one topic; each message goes to each of them.

    ``window``, ``window_bytes``  held unfinished in all partitions together,
    ``least``  but never fewer messages than these in one.
    """

    topic: str
    lanes: tuple[Lanes[Any], ...] = ()
    window: int = 1
    window_bytes: int = 1
    least: int = 1
    was_full: bool = False

    def add(self, lanes: Lanes[Any], options: DeliveryOptions, batch: BatchSize | None) -> None:
        """Add a handler; from now on it gets each message."""
        # A new tuple: deliver() may be on its way through the old one.
        self.lanes = (*self.lanes, lanes)
        self.window = max(self.window, options.window)
        self.window_bytes = max(self.window_bytes, options.window_bytes)
        self.least = max(self.least, 2 * batch.messages if batch else 1)

    def is_running(self) -> bool:
        """Return whether a call of any handler runs."""
        return any(True for lanes in self.lanes for _ in lanes.running())

    def close(self) -> None:
        """Cancel every call and every repetition."""
        for lanes in self.lanes:
            lanes.close()

    def share(self, windows: list[Window]) -> None:
        """Divide what may be held fairly among the partitions."""
        for window in windows:
            window.limit = max(self.least, self.window // len(windows))
            window.limit_bytes = max(1, self.window_bytes // len(windows))
            window.review()

    def deliver(self, window: Window, records: list[Record], group: str) -> None:
        """Queue ``records`` for every handler that they are for."""
        queued = [_deliveries(lane, window, records, group) for lane in self.lanes]
        window.admit(queued, records)

        for lane, deliveries in zip(self.lanes, queued, strict=True):
            lane.queue.offer(deliveries)
            lane.wake()


def _deliveries(
    lane: Lanes[Any], window: Window, records: list[Record], group: str
) -> list[Delivery]:
    # Not the window: a call of the one before may still run when the partition comes back.
    made = [
        Delivery(record, window, record.partition if lane.serial else record.key)
        for record in records
    ]

    for delivery in made:
        # A replayed message for somebody else is acknowledged unseen.
        if delivery.record.headers and not is_addressed_to(delivery.record, group, lane.name):
            delivery.done = True

    return made


def make_lanes(
    handler: Handler, options: DeliveryOptions, batch: BatchSize | None, **services: Any
) -> Lanes[Any]:
    """Return the lanes of a handler; ``services`` are the engine's."""
    name, read = handler_name(handler), reader(options)
    call = handler

    if options.handler_timeout is not None:
        call = partial(_call_within, handler, name, options.handler_timeout)

    def payload(delivery: Delivery) -> Any:
        record = delivery.record
        return record.payload if record.encoding is None else read(record)

    def payloads(call: Batch) -> list[Any]:
        return [read(delivery.record) for delivery in call.deliveries]

    if batch is None:
        return Lanes[Delivery](
            name, call, options, payload=payload, queue=lambda _: KeyQueues(), **services
        )

    size = batch
    return Lanes[Batch](
        name,
        call,
        options,
        payload=payloads,
        queue=lambda wake: BatchQueues(size, options.clock, wake),
        **services,
    )


async def _call_within(handler: Handler, name: str, seconds: float, payload: Any) -> None:
    scope = asyncio.timeout(seconds)

    try:
        async with scope:
            await handler(payload)
    except builtins.TimeoutError as exc:
        if not scope.expired():
            raise

        msg = f"the handler {name} ran longer than handler_timeout={seconds:g} seconds"
        raise TimeoutError(msg, operation="subscribe") from exc


def handler_name(handler: Any) -> str:
    """Return ``module.qualname`` of a function, a method, a partial or a callable object."""
    if isinstance(handler, partial):
        return handler_name(handler.func)

    named = handler if hasattr(handler, "__qualname__") else type(handler)
    return f"{named.__module__}.{named.__qualname__}"
