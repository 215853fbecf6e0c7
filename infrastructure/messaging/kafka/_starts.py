"""Partitions that the driver has given up before their first message, and are to be begun anew."""

from __future__ import annotations

from time import monotonic
from typing import Any

from confluent_kafka import KafkaException, TopicPartition

from ..._core.tasks import logger

__all__ = ["Starts"]

_AGAIN = 0.5
"""Seconds after which they are."""

_REASON = "committed offset"
"""What the driver says of each: it could not learn how far the group is."""


class Starts:
    """Knows which were given up, and assigns them once more, on the thread of the consumer.

    Where the coordinator of the group does not tell how far it is, be it that it is about to move,
    the driver leaves a partition alone until somebody assigns it again.
    """

    def __init__(self) -> None:
        # The topics that failed; None: all of them.
        self._failed: set[str | None] = set()
        self._at = 0.0

    def note(self, told: Any) -> None:
        """Take note of an error, told in the place of a message."""
        if _REASON in told.error().str():
            self._failed.add(told.topic())
            self._at = monotonic() + _AGAIN

    def again(self, consumer: Any) -> None:
        """Assign once more what has failed and given no message yet, when it is time."""
        if not self._failed or monotonic() < self._at:
            return

        failed, self._failed = self._failed, set()

        try:
            mine = [each for each in consumer.assignment() if {each.topic, None} & failed]
            silent = [
                TopicPartition(each.topic, each.partition)
                for each in consumer.position(mine)
                if each.offset < 0
            ]

            if silent:
                logger.debug("begins anew with %s", silent)
                consumer.incremental_unassign(silent)
                consumer.incremental_assign(silent)
        except KafkaException as exc:
            # The group assigns something else meanwhile.
            logger.debug("the consumer says: %s", exc)
            self._failed |= failed
            self._at = monotonic() + _AGAIN
