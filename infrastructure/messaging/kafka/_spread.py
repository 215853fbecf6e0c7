"""Partitions for messages without a key: a batch goes to one that has no other of ours on its way."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

__all__ = ["DRIVER", "Spread"]

DRIVER = -1
"""The partition that the driver chooses: by the key, or one that has a leader, as far as it knows."""

_ASKED = 8
"""Batches of which one is left to the driver: so partitions that are new come in."""


class Spread:
    """Chooses among the partitions that have answered, one after the other.

    A partition of an idempotent producer has one request on its way at a time, and the driver looks
    without a pause whether it may send the next: two batches for one partition wait for each other
    and take the time of a processor. Which partitions there are is learned from the driver's own
    choices; what does not answer is not chosen again before one of those does.
    """

    def __init__(self, configuration: dict[str, Any]) -> None:
        # Others give all messages without a key the same one; without stickiness each has its own.
        # What is no name of one the driver will refuse.
        partitioner = str(configuration.get("partitioner", "consistent_random"))
        stays = float(configuration.get("sticky.partitioning.linger.ms", 10))
        self._is_ours = partitioner.endswith("random") and stays > 0
        self._free: dict[str, deque[int]] = {}
        self._turns: dict[str, int] = {}

    def take(self, topic: str) -> int:
        """Return a partition for the messages of a batch; no other gets it from us meanwhile."""
        free = self._free.get(topic)
        turn = self._turns[topic] = (self._turns.get(topic, 0) + 1) % _ASKED
        return free.popleft() if free and turn else DRIVER

    def returned(self, partitions: Mapping[str, int]) -> None:
        """Take note of those that have acknowledged all that a batch had for them, by topic."""
        for topic, partition in partitions.items():
            if self._is_ours and partition != DRIVER:
                free = self._free.setdefault(topic, deque())

                if partition not in free:
                    free.append(partition)

    def forget_all(self) -> None:
        """Leave all to the driver, who is told where a leader is away."""
        self._free.clear()

    def forget(self, topic: str) -> bool:
        """Leave the choice to the driver; return whether it was ours."""
        self._turns.pop(topic, None)
        return self._free.pop(topic, None) is not None
