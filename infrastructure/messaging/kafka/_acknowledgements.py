"""The thread that waits for librdkafka's reports, and wakes the event loop once for a burst of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Thread
from typing import Any

from confluent_kafka import KafkaError, Producer

from ..._core.tasks import logger
from ._worker import post

__all__ = ["Acknowledgements"]

_IDLE = 0.1
"""Seconds for which one look waits for reports."""

_LAST = 1.0
"""Seconds that a producer has to end what was purged."""


class Acknowledgements:
    """A producer of librdkafka, and who takes its ``reports``: filled by their callbacks."""

    def __init__(
        self,
        configuration: dict[str, Any],
        loop: asyncio.AbstractEventLoop,
        reported: Callable[[list[Any]], None],
        lost: Callable[[str], None],
    ) -> None:
        self.producer: Any = Producer({**configuration, "error_cb": self._note})
        self.reports: list[Any] = []
        self.trouble: KafkaError | None = None
        self._loop = loop
        self._reported = reported
        self._lost = lost
        self._closed = False
        self._thread = Thread(target=self._run, name="kafka reports", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Purge what is not sent; the thread ends soon after, and the producer with it."""
        self._closed = True

    def _run(self) -> None:
        producer, reports = self.producer, self.reports

        while not self._closed:
            producer.poll(_IDLE)

            if reports and not post(self._loop, self._reported, self._taken()):
                # The loop is gone, and with it whoever waited.
                break

        producer.purge()
        producer.flush(_LAST)

        if reports:
            post(self._loop, self._reported, self._taken())

    def _taken(self) -> list[Any]:
        # Emptied in place: those on their way have this list.
        taken = self.reports[:]
        del self.reports[: len(taken)]
        return taken

    def _note(self, error: KafkaError) -> None:
        # That all are down comes behind the reason.
        if self.trouble is None or error.code() != KafkaError._ALL_BROKERS_DOWN:
            self.trouble = error

        logger.debug("the producer says: %s", error)

        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            post(self._loop, self._lost, self.trouble.str())
