"""The delivery engine: one code for lanes, retries, dead letters and commits of every backend."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import random
from typing import Any

from .._core.clock import SYSTEM_CLOCK, Clock
from .._core.tasks import Tasks, logger
from ._batches import BatchSize
from ._calls import Call
from ._dead_letters import DeadLetters
from ._lanes import Lanes
from ._log import Log
from ._options import DeliveryOptions
from ._record import Partition, Record
from ._subscriptions import Handler, Subscription, make_lanes
from ._watch import Watch
from ._window import Window
from ._windows import Windows

__all__ = ["DeliveryEngine"]

# Seconds that a cancelled handler may take to end before it is left behind.
_LAST_WORDS = 0.5


class DeliveryEngine:
    """Hands the records of a broker to handlers, at least once, in order for each key.

    A backend makes one for each connection, tells it what it owns (``assigned``,
    ``revoked``, ``lost``), feeds it by ``deliver`` and gives it a ``Log``. It runs on the
    event loop only: a backend with threads hands over by ``call_soon_threadsafe``, in
    order. After ``revoked`` or ``lost`` a backend delivers nothing that it fetched before.
    """

    def __init__(
        self,
        log: Log,
        *,
        group: str,
        owner: str,
        clock: Clock = SYSTEM_CLOCK,
        commit_interval: float = 0.2,
        grace: float = 5.0,
        jitter: Callable[[], float] = random,
    ) -> None:
        self._log = log
        self._group = group
        self._grace = grace
        self._tasks = Tasks(owner)
        self._jitter = jitter
        self._watch = Watch(clock)
        self._dead_letters = DeadLetters(log, group)
        self._subscriptions: dict[str, Subscription] = {}
        # Unsubscribed, while their last handlers run.
        self._ending: dict[str, Subscription] = {}
        self._draining = False
        self._windows = Windows(
            log,
            self._subscriptions,
            watch=self._watch,
            clock=clock,
            tasks=self._tasks,
            commit_interval=commit_interval,
            jitter=jitter,
        )

    async def prepare(self, topic: str, options: DeliveryOptions) -> None:
        """Make the dead-letter topic that a handler of ``topic`` needs."""
        dead_letters = options.dead_letters_of(topic)

        if dead_letters is not None:
            await self._log.ensure_topic(dead_letters, topic)

    def subscribe(
        self, topic: str, handler: Handler, options: DeliveryOptions, batch: BatchSize | None = None
    ) -> None:
        """Add a handler; ``prepare`` comes before it."""
        lanes = make_lanes(
            handler,
            options,
            batch,
            tasks=self._tasks,
            watch=self._watch,
            dead_letters=self._dead_letters,
            jitter=self._jitter,
        )
        subscription = self._subscriptions.setdefault(topic, Subscription(topic))
        subscription.add(lanes, options, batch)
        self._windows.share(topic)

    def _every(self) -> list[Lanes[Any]]:
        subscriptions = [*self._subscriptions.values(), *self._ending.values()]
        return [lanes for subscription in subscriptions for lanes in subscription.lanes]

    def assigned(self, partitions: Iterable[Partition]) -> None:
        """Take over ``partitions``; their records follow by ``deliver``."""
        for partition in partitions:
            window = self._windows.add(partition)

            # Nobody would handle its records; another subscription would commit past them.
            if self._draining or not self.handles(partition.topic):
                window.shut()

    def handles(self, topic: str) -> bool:
        """Return whether there is a handler for what comes next of ``topic``."""
        return topic in self._subscriptions and topic not in self._ending

    def room(self, partition: Partition) -> tuple[int, int]:
        """Return how many records of ``partition``, and bytes of them, are welcome now."""
        window = self._windows.get(partition)
        return (0, 0) if window is None else (window.room(), window.limit_bytes - window.size)

    def deliver(self, partition: Partition, records: list[Record]) -> None:
        """Queue the next records of ``partition``; what is not owned is dropped."""
        window = self._windows.get(partition)
        subscription = self._subscriptions.get(partition.topic)

        if window is not None and window.open and subscription is not None:
            subscription.deliver(window, records, self._group)

    def answered(self) -> None:
        """Take note that the log answers again: what failed meanwhile need not wait longer."""
        self._windows.commit_again()

    async def revoked(self, partitions: Iterable[Partition]) -> None:
        """Give up ``partitions``: no new calls, a grace for those that run, a last commit."""
        windows = self._shut(self._windows.of(partitions))
        await self._watch.until(lambda: not self._busy(windows), self._grace)
        await self._cancel_and_commit(windows)
        self._windows.drop(windows)

    def lost(self, partitions: Iterable[Partition]) -> None:
        """Give up ``partitions`` that are no longer ours: cancel, commit nothing."""
        windows = self._shut(self._windows.of(partitions))

        for window in windows:
            window.forget()

        for lanes in self._every():
            lanes.stop(windows)

        self._windows.drop(windows)

    def _shut(self, windows: list[Window]) -> list[Window]:
        for window in windows:
            window.shut()

        for lanes in self._every():
            lanes.unpark()

        return windows

    def _busy(self, windows: list[Window]) -> bool:
        """Return whether a call with messages of ``windows`` runs that does not wait for us."""
        return any(
            delivery.window in windows
            for call in self._running()
            if not self._watch.is_waiting(call)
            for delivery in call.deliveries
        )

    async def _cancel_and_commit(self, windows: list[Window]) -> None:
        # First: what a handler finishes after its cancellation does not count.
        for window in windows:
            window.forget()

        if self._busy(windows):
            for lanes in self._every():
                lanes.stop(windows)

            if not await self._watch.until(lambda: not self._busy(windows), _LAST_WORDS):
                logger.error("a cancelled handler did not end; its message is delivered again")

        await self._windows.commit(windows)

    def _running(self) -> list[Call]:
        return [call for lanes in self._every() for call in lanes.running()]

    def owns(self, call: Call | None) -> bool:
        """Return whether ``call`` is one of this engine's that still runs."""
        return call is not None and call in self._running()

    def is_resting(self, topic: str | None = None) -> bool:
        """Return whether calls run, of ``topic`` or any, and all of them wait for us."""
        calls = [call for call in self._running() if topic in (None, call.topic)]
        return bool(calls) and all(self._watch.is_waiting(call) for call in calls)

    async def until(self, condition: Callable[[], bool], within: float) -> bool:
        """Wait for ``condition``, looked at whenever a call ended or began to wait."""
        return await self._watch.until(condition, within)

    def look_again(self) -> None:
        """Have those who wait in ``until`` look again."""
        self._watch.notify()

    def end(self, topic: str) -> None:
        """Start no more calls for ``topic``; ``ended`` is to be awaited while ``is_ending``."""
        subscription = self._subscriptions.pop(topic, None)

        if topic in self._ending and subscription is not None:
            # Another one still ends: this one had no window to get messages from.
            subscription.close()
        elif subscription is not None:
            self._ending[topic] = subscription
            self._shut(self._windows.of_topic(topic))

    def is_ending(self, topic: str) -> bool:
        """Return whether the last calls of ``topic`` are still to be waited for."""
        return topic in self._ending

    async def ended(self, topic: str, within: float) -> None:
        """Wait for the calls of ``topic`` that still run, commit, give its partitions up."""
        subscription = self._ending[topic]

        try:
            await self._watch.until(lambda: not subscription.is_running(), within)
            await self._cancel_and_commit(self._windows.of_topic(topic))
        finally:
            subscription.close()
            del self._ending[topic]
            # Those too that came while it ended.
            self._windows.drop(self._windows.of_topic(topic))

    def halt(self) -> list[Window]:
        """Start nothing more; return what is to be drained."""
        self._draining = True
        return self._shut(self._windows.of())

    async def drain(self, within: float) -> None:
        """Start nothing more, let running calls end, cancel the rest, commit; leave no task."""
        windows = self.halt()
        await self._watch.until(lambda: not self._running(), within)
        await self._cancel_and_commit(windows)
        self.close()
        await self._tasks.cancel(within=0.1)

    def close(self) -> None:
        """Cancel everything at once; commit nothing."""
        self._windows.close()

        for lanes in self._every():
            lanes.close()

        self._watch.notify()
