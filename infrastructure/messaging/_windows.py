"""The partitions that an engine owns: their windows, their shares, their commits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from .._core.clock import Clock
from .._core.tasks import Tasks, logger
from ._commits import Commits
from ._log import Log
from ._record import Partition
from ._subscriptions import Subscription
from ._watch import Watch
from ._window import Window

__all__ = ["Windows"]


class Windows:
    """The windows by partition; each of them tells here what happens to it."""

    def __init__(
        self,
        log: Log,
        subscriptions: Mapping[str, Subscription],
        *,
        watch: Watch,
        clock: Clock,
        tasks: Tasks,
        commit_interval: float,
        jitter: Callable[[], float],
    ) -> None:
        self._log = log
        self._subscriptions = subscriptions
        self._watch = watch
        self._windows: dict[Partition, Window] = {}
        self._commits = Commits(
            log,
            clock=clock,
            tasks=tasks,
            windows=self._windows.values,
            interval=commit_interval,
            jitter=jitter,
        )

    def get(self, partition: Partition) -> Window | None:
        """Return the window of a partition that is owned."""
        return self._windows.get(partition)

    def of(self, partitions: Iterable[Partition] | None = None) -> list[Window]:
        """Return the windows of ``partitions`` as far as they are owned, or all."""
        if partitions is None:
            return list(self._windows.values())

        return [self._windows[each] for each in partitions if each in self._windows]

    def of_topic(self, topic: str) -> list[Window]:
        """Return the windows of one topic."""
        return [window for window in self._windows.values() if window.partition.topic == topic]

    def add(self, partition: Partition) -> Window:
        """Own a partition, once more has no effect; return its window."""
        if (owned := self._windows.get(partition)) is not None:
            return owned

        window = self._windows[partition] = Window(partition, self._watch, self)
        self.share(partition.topic)
        self._commits.hold(window)
        return window

    def share(self, topic: str) -> None:
        """Divide what may be held of a topic among its partitions."""
        if topic in self._subscriptions:
            self._subscriptions[topic].share(self.of_topic(topic))

    async def commit(self, windows: list[Window]) -> None:
        """Commit now what is finished in ``windows``."""
        await self._commits.commit(windows)

    def drop(self, windows: list[Window]) -> None:
        """Own ``windows`` no more, and commit nothing of them."""
        for window in windows:
            self._commits.forget(window)

            # It may have been assigned to us anew meanwhile.
            if self._windows.get(window.partition) is window:
                del self._windows[window.partition]

        for topic in {window.partition.topic for window in windows}:
            self.share(topic)

            if not self.of_topic(topic):
                self._commits.forget_topic(topic)

    def close(self) -> None:
        """Own nothing; commit nothing."""
        for window in self._windows.values():
            window.forget()

        self._windows.clear()
        self._commits.close()

    def commit_again(self) -> None:
        """Try at once to commit what could not be."""
        self._commits.hurry()

    def progressed(self, window: Window) -> None:
        """Commit soon: a window can be committed further."""
        self._commits.touch(window)

    def filled(self, window: Window) -> None:
        """Pause a partition; say so once for a subscription."""
        self._log.pause(window.partition)
        subscription = self._subscriptions.get(window.partition.topic)

        if subscription is not None and not subscription.was_full:
            subscription.was_full = True
            logger.info(
                "%s: %d messages are unfinished in partition %d; it is paused while they are",
                window.partition.topic,
                window.messages,
                window.partition.number,
            )

    def emptied(self, window: Window) -> None:
        """Resume a partition."""
        self._log.resume(window.partition)
