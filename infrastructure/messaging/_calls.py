"""One call of a handler: what it is called with, and what became of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

from ..interfaces.messaging import MessageInfo
from ._attempts import Trouble

if TYPE_CHECKING:
    from ._record import Record
    from ._watch import Watch
    from ._window import Window

__all__ = ["Batch", "Call", "Delivery"]


class Call(ABC):
    """What a lane hands to its handler; answers ``current_messages()`` when called itself."""

    __slots__ = ("trouble",)

    trouble: Trouble | None

    @abstractmethod
    def __call__(self) -> tuple[MessageInfo, ...]:
        """Return what the handler may know of its messages."""

    @property
    @abstractmethod
    def deliveries(self) -> Sequence[Delivery]:
        """The messages of the call."""

    @abstractmethod
    def finish(self) -> None:
        """Acknowledge."""

    @property
    def topic(self) -> str:
        """What the handler subscribed to."""
        return self.deliveries[0].window.partition.topic

    @property
    def watch(self) -> Watch:
        """Of the engine that made the call."""
        return self.deliveries[0].window.watch


class Delivery(Call):
    """One message on its way to one handler; its own call where the handler takes one.

    ``key``    what it is ordered with; ``None``: nothing.
    """

    # Made for every message: as few fields as can be.
    __slots__ = ("done", "key", "record", "window")

    def __init__(self, record: Record, window: Window, key: Hashable) -> None:
        self.record: Record = record
        self.window: Window = window
        self.key: Hashable = key
        self.trouble: Trouble | None = None
        self.done: bool = False

    def __call__(self) -> tuple[MessageInfo, ...]:
        return (self.info(),)

    def info(self) -> MessageInfo:
        """Return what the handler may know of the message."""
        return self.record.info(1 if self.trouble is None else self.trouble.attempts + 1)

    @property
    def deliveries(self) -> Sequence[Delivery]:
        """The message itself."""
        return (self,)

    def finish(self) -> None:
        """Acknowledge the message."""
        self.done = True
        window = self.window

        if window.full or not window.dirty:
            window.progress()


class Batch(Call):
    """Several messages for one call of a batch handler, in order for each key."""

    __slots__ = ("_deliveries",)

    def __init__(self, deliveries: list[Delivery]) -> None:
        self._deliveries = deliveries
        # A message that goes alone keeps its own count; a new batch begins with none.
        self.trouble = deliveries[0].trouble if len(deliveries) == 1 else None

    def __call__(self) -> tuple[MessageInfo, ...]:
        attempt = 1 if self.trouble is None else self.trouble.attempts + 1
        return tuple(delivery.record.info(attempt) for delivery in self._deliveries)

    @property
    def deliveries(self) -> Sequence[Delivery]:
        """The messages of the batch."""
        return self._deliveries

    def finish(self) -> None:
        """Acknowledge all messages of the batch."""
        for delivery in self._deliveries:
            delivery.finish()
