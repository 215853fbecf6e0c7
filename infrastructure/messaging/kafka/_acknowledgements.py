"""Waits for librdkafka's reports: at each turn of the event loop, or, where they take longer, on a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sized
from functools import partial
from threading import Event, Lock, Thread
from time import monotonic
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from ..._core.tasks import logger
from ._worker import post

__all__ = ["Acknowledgements"]

_IDLE = 0.1
"""Seconds for which one look waits for reports."""

_SPIN = (0.002, 0.01)
"""Seconds for which the event loop looks for the next report itself: as few as the first at least. As
many as the second where reports came within the first before: what is late then waits for a processor,
and would wait longer if threads were to be woken, too."""

_LOOKS = 20
"""Turns for which it does: one in which others have much to do takes longer, and wastes nothing."""

_AT_ONCE = 256
"""Reports that one turn of the event loop takes: all who are told go on in the next one."""

_REST = 256
"""Times at most that the thread waits in its place, where reports took longer."""

_SOONEST = 0.8
"""Share of ``retry.backoff.ms`` after which librdkafka sends once more at the soonest."""

_QUESTIONS = 6
"""Times at most that the brokers are asked for a topic, and"""

_PAUSE = 0.01
"""seconds until the second one; twice as long each time."""

_LAST = 1.0
"""Seconds that a producer has to end what was purged."""


class Acknowledgements:
    """A producer of librdkafka, and who takes its ``reports``: filled by their callbacks.

    To wake a thread, and the event loop by it, takes longer than many a broker to answer. So while
    ``awaited`` is not empty the loop looks for reports at each of its turns, for a short time; longer
    where they used to come in it. Did none come, the thread waits for them, and wakes the loop once for
    a burst of them; twice as often each time, so that brokers which are far away cost the loop next to
    nothing.

    Until the first report the brokers are asked for a topic, ``topic`` or one of a message, a few times.
    With each answer the driver looks whether it can get the number of a producer, without which it
    sends nothing, and else only every half second (source: ``rd_kafka_idemp_pid_fsm()`` and who calls it).
    """

    def __init__(
        self,
        configuration: dict[str, Any],
        loop: asyncio.AbstractEventLoop,
        reported: Callable[[list[Any]], None],
        lost: Callable[[str], None],
        awaited: Sized,
        topic: str | None,
    ) -> None:
        self.producer: Any = Producer({**configuration, "error_cb": self._note})
        """``None`` once it has ended."""
        self.reports: list[Any] = []
        self.trouble: KafkaError | None = None
        self.is_cut_off = False
        """Whether no broker could be reached, so far or at some time."""
        self.failure: KafkaError | None = None
        """Why the producer does nothing more."""
        self.repeats_after = _soonest(configuration)
        """Seconds before which nothing is sent once more."""
        self._loop = loop
        self._reported = reported
        self._lost = lost
        self._awaited = awaited
        # Only one of the two asks the driver at a time; the event loop never waits for its turn.
        self._turn = Lock()
        self._is_thread_wanted = Event()
        self._is_thread_wanted.set()
        self._is_looking = False
        self._is_told = False
        self._since = 0.0
        self._vain = 0
        self._patience = _SPIN[0]
        self._resting = 0
        self._rest = 1
        self._topic = topic
        self._questions = _QUESTIONS
        self._closed = False
        self._thread = Thread(target=self._run, name="kafka reports", daemon=True)
        self._thread.start()

    @property
    def hindrance(self) -> KafkaError | None:
        """What hinders the connection to all brokers; ``None`` while one of them may answer."""
        error = self.trouble

        # Who does not know us at one of them need not wait for the others.
        if self.is_cut_off or (error is not None and error.code() == KafkaError._AUTHENTICATION):
            return error

        return None

    def expect(self, topic: str) -> None:
        """Take note that something was handed over, for ``topic`` among others."""
        self._topic = topic
        self._since, self._vain = monotonic(), 0

        if self._is_looking:
            return

        if self._resting:
            self._resting -= 1
            return

        self._is_looking = True
        self._is_thread_wanted.clear()
        self._loop.call_soon(self._look)

    def _look(self) -> None:
        """Take what has come, and look again at the next turn of the loop."""
        if self._closed:
            # The thread takes the rest, and the producer from us: its end must not wait here.
            self._is_looking = False
            return

        if self._turn.acquire(blocking=False):
            try:
                self._poll(0)
            finally:
                self._turn.release()

        try:
            if self.reports:
                self._found()
                self._take(_AT_ONCE)
        finally:
            self._look_on()

    def _found(self) -> None:
        """Look longer the next time where these came soon, else less long."""
        now, (least, most) = monotonic(), _SPIN
        was_soon = now - self._since < least
        self._patience = min(most, max(least, self._patience * (2 if was_soon else 0.5)))
        self._since, self._vain, self._rest = now, 0, 1

    def _look_on(self) -> None:
        if not self._awaited or self._closed:
            self._is_looking = False
        elif self._vain < _LOOKS or monotonic() - self._since < self._patience:
            self._vain += 1
            self._loop.call_soon(self._look)
        else:
            self._is_looking = False
            self._patience = max(_SPIN[0], self._patience / 2)
            self._resting = self._rest = min(2 * self._rest, _REST)
            self._is_thread_wanted.set()

    def close(self) -> None:
        """Purge what is not sent; the thread ends soon after, and the producer with it."""
        self._closed = True
        self._is_thread_wanted.set()

    def _run(self) -> None:
        while not self._closed and not self._loop.is_closed():
            if self._questions > 0 and self._topic is not None:
                patience = self._ask(self._topic)
            else:
                # Errors are told by it, too: it looks now and then in any case.
                patience = _IDLE if self._is_thread_wanted.wait(_IDLE) else 0.0

            with self._turn:
                self._poll(patience)

                if self.failure is not None:
                    # The driver does so once; what was handed over in that moment it would keep.
                    self._call(partial(self.producer.purge, in_flight=False))

            self._tell()

        with self._turn:
            self._call(self.producer.purge)
            until = monotonic() + _LAST

            # Not by flush(): it goes on behind a fatal error, and each callback then fails.
            while len(self.producer) and monotonic() < until:
                self._poll(_IDLE)

        self._tell()

        # It knows us by its callback, and would try to connect until the collector finds the circle.
        # Its end waits for its own threads: here it holds nobody up.
        self.producer = None

    def _ask(self, topic: str) -> float:
        """Ask the brokers for ``topic``; return how long to wait for reports then."""
        # Before it: meanwhile the event loop may take the first report.
        left = self._questions = self._questions - 1

        try:
            self.producer.list_topics(topic, _IDLE)
        except KafkaException as exc:
            # What hinders it is told by the next look for reports; a late answer is one, too.
            logger.debug("the producer says: %s", exc)

        return _PAUSE * 2.0 ** (_QUESTIONS - left - 1)

    def _poll(self, within: float) -> None:
        try:
            self.producer.poll(within)
        except KafkaException as exc:
            self._failed(exc)

    def _call(self, function: Callable[[], object]) -> None:
        try:
            function()
        except KafkaException as exc:
            self._failed(exc)

    def _failed(self, exc: KafkaException) -> None:
        # Of a fatal error the driver tells so, and not by the callback.
        self.failure = exc.args[0]

    def _tell(self) -> None:
        """Have the event loop take what has come: it alone does, else their order could be lost."""
        if self.reports:
            self._questions = 0

            if not self._is_told:
                self._is_told = True
                post(self._loop, self._take)

    def _take(self, most: int | None = None) -> None:
        # Before it: what comes meanwhile is told anew.
        self._is_told = False
        # Emptied in place: those on their way have this list.
        taken = self.reports[:most]
        del self.reports[: len(taken)]

        if taken:
            self._questions = 0
            self._reported(taken)

    def _note(self, error: KafkaError) -> None:
        # That all are down comes behind the reason.
        if self.trouble is None or error.code() != KafkaError._ALL_BROKERS_DOWN:
            self.trouble = error

        logger.debug("the producer says: %s", error)

        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self.is_cut_off = True
            post(self._loop, self._lost, self.trouble.str())


def _soonest(configuration: dict[str, Any]) -> float:
    # The source: rd_kafka_retry_msgq(), which draws a share of the first and then looks at the second.
    usual = _SOONEST * float(configuration["retry.backoff.ms"])
    return min(usual, float(configuration["retry.backoff.max.ms"])) / 1000
