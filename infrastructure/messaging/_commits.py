"""Commits the finished prefixes soon after they grew, and holds the windows while it cannot."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable
from random import random

from .._core.clock import Clock, Timer
from .._core.tasks import Tasks, logger
from ._log import Log
from ._record import Partition
from ._window import Window

__all__ = ["Commits"]

_LONGEST_WAIT = 30.0


class _Failures:
    """How often in a row the commits of a topic failed, and when it is tried again."""

    __slots__ = ("count", "due")

    def __init__(self) -> None:
        self.count = 0
        self.due = -math.inf


class Commits:
    """The commits of one engine: one at a time, ``interval`` seconds after the first progress.

    A topic whose commits are refused is tried again by itself, less and less often, and holds up no
    other.
    """

    def __init__(
        self,
        log: Log,
        *,
        clock: Clock,
        tasks: Tasks,
        windows: Callable[[], Iterable[Window]],
        interval: float,
        jitter: Callable[[], float] = random,
    ) -> None:
        self._log = log
        self._clock = clock
        self._tasks = tasks
        self._windows = windows
        self._interval = interval
        self._jitter = jitter
        self._dirty: dict[Window, None] = {}
        # Of the next commit, and of one that is under way.
        self._timer: Timer | None = None
        self._when = math.inf
        self._task: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._failures: dict[str, _Failures] = {}

    def touch(self, window: Window) -> None:
        """Commit ``window`` soon."""
        self._dirty[window] = None
        self._arm([window])

    def _arm(self, windows: Iterable[Window]) -> None:
        now = self._clock.monotonic()
        topics = {window.partition.topic for window in windows}
        delay = min((self._delay(topic, now) for topic in topics), default=math.inf)

        if now + delay < self._when:
            if self._timer is not None:
                self._timer.cancel()

            self._when = now + delay
            self._timer = self._clock.call_later(delay, self._begin)

    def _delay(self, topic: str, now: float) -> float:
        failures = self._failures.get(topic)
        return self._interval if failures is None else max(0.0, failures.due - now)

    def _is_due(self, topic: str, now: float) -> bool:
        failures = self._failures.get(topic)
        return failures is None or failures.due <= now

    def _begin(self) -> None:
        self._task = self._tasks.start(self._again(), "commit")

    async def _again(self) -> None:
        when = self._when

        try:
            await self.commit(
                [each for each in self._dirty if self._is_due(each.partition.topic, when)]
            )
        finally:
            self._timer, self._when = None, math.inf
            self._arm(self._dirty)

    def hurry(self) -> None:
        """Try at once what has failed: the log answers again."""
        for failures in self._failures.values():
            failures.due = -math.inf

        # Else it is armed anew when the one under way has ended.
        if self._failures and self._timer is not None and (self._task is None or self._task.done()):
            self._timer.cancel()
            self._when = -math.inf
            self._begin()

    async def commit(self, windows: Iterable[Window]) -> None:
        """Commit the positions of ``windows`` now; what fails stays to be tried again."""
        async with self._turn:
            moved = [window for window in windows if window in self._dirty]

            for window in moved:
                del self._dirty[window]

            if offsets := _offsets(moved):
                await self._store_all(moved, offsets)

    async def _store_all(self, windows: list[Window], offsets: dict[Partition, int]) -> None:
        topics = {each.topic for each in offsets}
        error = await self._store(offsets, windows)

        if error is not None and (len(topics) == 1 or not _is_refusal(error)):
            self._failed(windows, error)
        elif error is not None:
            # It says of one of them that it is refused, and not of which.
            await self._store_each(windows, offsets, topics)

    async def _store_each(
        self, windows: list[Window], offsets: dict[Partition, int], topics: set[str]
    ) -> None:
        for topic in sorted(topics):
            own = [each for each in windows if each.partition.topic == topic]
            # What was lost meanwhile is somebody else's.
            kept = {each.partition for each in set(self._windows()).intersection(own)}
            part = {each: at for each, at in offsets.items() if each in kept}
            error = await self._store(part, windows) if part else None

            if error is not None and not _is_refusal(error):
                # An outage: the others would wait for it, too.
                self._failed(windows, error)
                return

            windows = [each for each in windows if each.partition.topic != topic]

            if error is not None:
                self._failed(own, error)

    async def _store(
        self, offsets: dict[Partition, int], windows: list[Window]
    ) -> Exception | None:
        """Commit; return the error. ``windows`` are to be tried again where this is cancelled."""
        try:
            await self._log.commit(offsets)
        except Exception as exc:  # noqa: BLE001 - whatever it is, it is tried again
            return exc
        except BaseException as exc:
            self._failed(windows, exc)
            raise

        self._succeeded(offsets)
        return None

    def _failed(self, windows: list[Window], exc: BaseException) -> None:
        # A partition that was lost meanwhile is no longer ours to commit.
        kept = set(self._windows())
        failed = kept.intersection(windows)

        for window in failed:
            window.dirty = True
            self._dirty[window] = None

        if not isinstance(exc, Exception):
            return

        topics = {window.partition.topic for window in failed}
        new, is_first = topics - self._failures.keys(), not self._failures

        for topic in topics:
            self._note_failure(topic)

        # Of an outage one line tells all.
        if new and (is_first or _is_refusal(exc)):
            logger.warning(
                "a commit of %s failed and is tried again", ", ".join(sorted(new)), exc_info=exc
            )

        # What was handled and is not committed comes again after a crash: bound it.
        for window in kept:
            if window.partition.topic in new:
                self.hold(window)

    def _note_failure(self, topic: str) -> None:
        failures = self._failures.setdefault(topic, _Failures())
        wait = min(_LONGEST_WAIT, max(self._interval, 0.1) * 2.0 ** min(failures.count, 10))
        failures.due = self._clock.monotonic() + wait * (1 - self._jitter() / 2)
        failures.count += 1

    def hold(self, window: Window) -> None:
        """Let one more window of messages come while commits fail."""
        if window.partition.topic in self._failures:
            window.spare = window.limit
            window.review()

    def _succeeded(self, offsets: dict[Partition, int]) -> None:
        healed = {each.topic for each in offsets if self._failures.pop(each.topic, None)}

        for window in self._windows():
            window.committed = offsets.get(window.partition, window.committed)

            if window.partition.topic in healed:
                window.spare = None
                window.review()

        if healed:
            self._arm(self._dirty)

    def forget(self, window: Window) -> None:
        """Commit nothing of a lost partition."""
        self._dirty.pop(window, None)

    def forget_topic(self, topic: str) -> None:
        """Begin anew with a topic of which nothing is owned any more."""
        self._failures.pop(topic, None)

    def close(self) -> None:
        """Commit nothing any more."""
        self._dirty.clear()

        if self._timer is not None:
            self._timer.cancel()

        if self._task is not None:
            self._task.cancel()


def _is_refusal(exc: BaseException) -> bool:
    """Return whether it is no outage, in which all topics are alike."""
    return isinstance(exc, Exception) and not isinstance(exc, OSError)


def _offsets(windows: list[Window]) -> dict[Partition, int]:
    offsets: dict[Partition, int] = {}

    for window in windows:
        window.dirty = False
        window.advance()

        if window.position is not None and window.position != window.committed:
            offsets[window.partition] = window.position

    return offsets
