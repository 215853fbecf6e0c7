"""Gathers messages into batches: full ones at once, others when their first has waited enough."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from .._core.clock import Clock, Timer
from ..interfaces.exceptions import ValidationError
from ._attempts import Trouble
from ._calls import Batch, Delivery
from ._queues import Queue

__all__ = ["BatchQueues", "BatchSize"]


@dataclass(frozen=True, slots=True)
class BatchSize:
    """At most ``messages``, and ``wait`` seconds after the first one at the latest."""

    messages: int
    wait: float

    def __post_init__(self) -> None:
        if type(self.messages) is not int or self.messages < 1:
            msg = f"max_messages takes a whole number from 1 on, got {self.messages!r}"
            raise ValidationError(msg)

        if type(self.wait) not in (int, float) or not 0 <= self.wait < 3600:
            msg = f"max_wait takes seconds from 0 to 3600, got {self.wait!r}"
            raise ValidationError(msg)


class BatchQueues(Queue[Batch]):
    """Messages for a batch handler; a key is in one batch at a time.

    ``wake``  is called when a batch is due that was not when the last message came.
    """

    def __init__(self, size: BatchSize, clock: Clock, wake: Callable[[], None]) -> None:
        self._size = size
        self._clock = clock
        self._wake = wake
        # The first of each free key, and messages without key, as they came.
        self._ready: deque[Delivery] = deque()
        self._followers: dict[Hashable, deque[Delivery]] = {}
        self._held: set[Hashable] = set()
        self._again: deque[Batch] = deque()
        self._available = 0  # ready, or behind a ready one
        self._due = False
        self._timer: Timer | None = None

    def __len__(self) -> int:
        if self._due or (self._ready and self._ready[0].trouble is not None):
            return max(1, len(self._ready)) + len(self._again)

        return self._available // self._size.messages + len(self._again)

    def offer(self, deliveries: list[Delivery]) -> None:
        """Add messages, each behind those of its key; the first one starts the clock."""
        for delivery in deliveries:
            if not delivery.done:
                self._offer_one(delivery)

    def _offer_one(self, delivery: Delivery) -> None:
        key = delivery.key

        if key is None:
            self._ready.append(delivery)
        elif (followers := self._followers.get(key)) is None:
            self._followers[key] = deque()
            self._ready.append(delivery)
        else:
            followers.append(delivery)

        if key not in self._held:
            self._available += 1
            self._start_clock()

    def take(self) -> Batch | None:
        """Return a batch that is due: a repeated one first."""
        while self._again:
            batch = self._again.popleft()

            if all(delivery.window.open for delivery in batch.deliveries):
                return batch

            # Some partition is gone: what is left joins a new batch.
            self.put_back(batch)

        if not len(self):
            return None

        gathered = self._gather()
        self._stop_clock_when_empty()
        return Batch(gathered) if gathered else None

    def _gather(self) -> list[Delivery]:
        gathered: list[Delivery] = []

        while self._ready and len(gathered) < self._size.messages:
            head = self._ready[0]

            if head.trouble is not None and gathered:
                break

            self._ready.popleft()
            self._available -= 1
            self._hold(head.key)

            if not head.window.open:
                self._let_go(head.key)
            elif head.trouble is not None:
                return [head]
            else:
                gathered.append(head)
                self._gather_followers(head.key, gathered)

        return gathered

    def _gather_followers(self, key: Hashable, gathered: list[Delivery]) -> None:
        followers = self._followers[key] if key is not None else ()

        while followers and len(gathered) < self._size.messages and followers[0].trouble is None:
            follower = followers.popleft()

            if follower.window.open:
                gathered.append(follower)

    def _hold(self, key: Hashable) -> None:
        if key is not None:
            self._held.add(key)
            self._available -= len(self._followers[key])

    def _let_go(self, key: Hashable) -> None:
        if key not in self._held:
            return

        self._held.discard(key)
        followers = self._followers[key]

        if not followers:
            del self._followers[key]
            return

        self._available += len(followers)
        self._ready.append(followers.popleft())
        # They waited for the batch before them: that is enough.
        self._due = True

    def release(self, call: Batch) -> None:
        """Let the next messages of its keys follow."""
        for delivery in call.deliveries:
            self._let_go(delivery.key)

    def resume(self, call: Batch) -> None:
        """Let the whole batch be taken again."""
        self._again.append(call)

    def put_back(self, call: Batch, *, alone: bool = False) -> None:
        """Return its messages to the heads of their queues, in order."""
        for delivery in reversed(call.deliveries):
            if alone and call.trouble is not None:
                shared = call.trouble.attempts
                delivery.trouble = Trouble(
                    attempts=shared, shared=shared, first_failed=call.trouble.first_failed
                )

            if delivery.key is None:
                self._ready.appendleft(delivery)
                self._available += 1
            else:
                self._followers[delivery.key].appendleft(delivery)

        self.release(call)
        self._due = True

    def _start_clock(self) -> None:
        if self._timer is None and not self._due:
            self._timer = self._clock.call_later(self._size.wait, self._expire)

    def _expire(self) -> None:
        self._timer = None
        self._due = True
        self._wake()

    def _stop_clock_when_empty(self) -> None:
        # What is left came after the first one: the running clock is early enough for it.
        if not self._available:
            self._due = False
            self.close()

    def close(self) -> None:
        """Stop the clock: it would hold the messages until it ends."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
