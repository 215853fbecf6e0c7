"""What waits for a lane: each key its own queue, messages without key in none."""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from collections.abc import Hashable
from typing import Generic, Protocol, TypeVar

from ._calls import Call, Delivery

__all__ = ["KeyQueues", "Queue"]

C = TypeVar("C", bound=Call)


class Queue(Protocol, Generic[C]):
    """Where lanes take their calls from.

    A key that was taken stays held, through every repetition, until ``release``.
    """

    @abstractmethod
    def __len__(self) -> int:
        """Return how many calls can be taken now, roughly; 0 is exact."""

    @abstractmethod
    def offer(self, deliveries: list[Delivery]) -> None:
        """Add messages, each behind those of its key, but those that are done."""

    @abstractmethod
    def take(self) -> C | None:
        """Return the next call, or ``None``; messages of shut windows are dropped."""

    @abstractmethod
    def release(self, call: C) -> None:
        """Let the next messages of its keys follow: the call is over."""

    @abstractmethod
    def resume(self, call: C) -> None:
        """Let a call that was taken be taken again."""

    @abstractmethod
    def put_back(self, call: C, *, alone: bool = False) -> None:
        """Undo a ``take``; ``alone``: from now on each of its messages goes by itself."""

    @abstractmethod
    def close(self) -> None:
        """Wake nobody any more."""


class KeyQueues(Queue[Delivery]):
    """Single messages; of each key at most one is ready, running or waiting for its retry."""

    __slots__ = ("_keys", "_ready")

    def __init__(self) -> None:
        self._ready: deque[Delivery] = deque()
        # A held key, and who waits behind it; most keys have nobody, so none is made for them.
        self._keys: dict[Hashable, deque[Delivery] | None] = {}

    def __len__(self) -> int:
        return len(self._ready)

    def offer(self, deliveries: list[Delivery]) -> None:
        """Add messages, each behind those of its key, but those that are done."""
        ready, keys = self._ready, self._keys

        for delivery in deliveries:
            key = delivery.key

            if delivery.done:
                continue

            if key is None:
                ready.append(delivery)
            elif key not in keys:
                keys[key] = None
                ready.append(delivery)
            elif (followers := keys[key]) is None:
                keys[key] = deque((delivery,))
            else:
                followers.append(delivery)

    def take(self) -> Delivery | None:
        """Return the next message whose window is open."""
        ready = self._ready

        while ready:
            delivery = ready.popleft()

            if delivery.window.open:
                return delivery

            self.release(delivery)

        return None

    def release(self, call: Delivery) -> None:
        """Let the next message of its key follow."""
        if call.key is None:
            return

        followers = self._keys[call.key]

        if followers:
            self._ready.append(followers.popleft())
        else:
            del self._keys[call.key]

    def resume(self, call: Delivery) -> None:
        """Let it be taken again, after what is ready now."""
        self._ready.append(call)

    def put_back(self, call: Delivery, *, alone: bool = False) -> None:
        """Let it be taken next."""
        self._ready.appendleft(call)

    def close(self) -> None:
        """Do nothing: no time is waited for here."""
