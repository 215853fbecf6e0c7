"""The requests of a link that are unanswered: when each was to be written, and when it is overdue."""

from __future__ import annotations

import math
from collections import deque
from time import monotonic

from ._signals import Lost, NotSent, Overdue
from ._sinks import Doubted, Probe, Sink

__all__ = ["Ledger"]


class Ledger:
    """Keeps the queue, and the instants of the writes: one note for all of one turn.

    What a full socket holds back is noted too: its deadline does not wait for the write.

    ``fresh`` is the number of requests, the last ones of the queue, that are not noted yet.
    ``deadline``  seconds for requests that bring no instant of their own.
    """

    def __init__(self, deadline: float) -> None:
        self.waiting: deque[Sink] = deque()
        self._deadline = deadline
        # For each write: its instant, and how many requests had been noted by then in all.
        self._writes: deque[tuple[float, int]] = deque()
        self._noted = 0

    def note(self, now: float, count: int) -> None:
        """Note that the last ``count`` requests of the queue leave now, or would if they could."""
        self._noted += count
        self._trim(0)
        self._writes.append((now, self._noted))

    def since(self, fresh: int) -> float | None:
        """Return when the oldest of the unanswered requests was noted, ``None`` without one."""
        self._trim(fresh)
        return self._writes[0][0] if self._writes else None

    def sweep(self, now: float, fresh: int) -> float:
        """End what is overdue; return the next instant at which something will be."""
        following = math.inf

        for sink, expires in self._expiries(fresh):
            if sink.done():
                continue

            if expires <= now:
                sink.set_exception(Overdue(expires))
            else:
                following = min(following, expires)

        return following

    def scatter(self, error: BaseException, fresh: int, held: int) -> None:
        """Tell all that the link broke: the last ``held`` never left, what was written is lost."""
        waiting = self._expiries(fresh)
        self.waiting.clear()

        for position, (sink, expires) in enumerate(waiting):
            if not sink.done():
                left = position < len(waiting) - held
                sink.set_exception(Lost(expires, error) if left else NotSent(expires))

    def doubt(self, fresh: int) -> None:
        """Let nothing but refusals count for those that wait."""
        waiting = self._expiries(fresh)
        self.waiting.clear()

        for sink, expires in waiting:
            self.waiting.append(sink if isinstance(sink, Probe) else Doubted(sink, expires))

    def expires(self, fresh: int) -> float:
        """Return when the request at the head must end."""
        own = getattr(self.waiting[0], "expires", None) if self.waiting else None
        asked = self.since(fresh)
        return (monotonic() if asked is None else asked) + self._deadline if own is None else own

    def _trim(self, fresh: int) -> None:
        """Forget the writes all of whose requests are answered."""
        answered = self._noted + fresh - len(self.waiting)
        writes = self._writes

        while writes and writes[0][1] <= answered:
            writes.popleft()

    def _expiries(self, fresh: int) -> list[tuple[Sink, float]]:
        """Return what waits, in order, with the instant at which each is overdue."""
        self._trim(fresh)
        position = self._noted + fresh - len(self.waiting)
        writes = [*self._writes, (monotonic(), math.inf)]
        found = []
        at = 0

        for sink in self.waiting:
            position += 1

            while writes[at][1] < position:
                at += 1

            own = getattr(sink, "expires", None)
            found.append((sink, writes[at][0] + self._deadline if own is None else own))

        return found
