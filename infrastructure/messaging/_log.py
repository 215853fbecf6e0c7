"""What the delivery engine asks of a broker: five methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ._record import Partition, Record

__all__ = ["Log"]


class Log(Protocol):
    """A broker as the delivery engine sees it; every method is called on the event loop.

    What is awaited must end, with an error in the end, though the broker is silent.
    """

    async def append(self, topic: str, record: Record) -> None:
        """Store a dead letter durably: payload, key, headers and encoding as they are.

        Any error counts as an outage: it is tried again until it succeeds.
        """

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Store for the group the next offset of each partition; an error: tried again."""

    def pause(self, partition: Partition) -> None:
        """Deliver no more of ``partition`` until ``resume``; what was fetched may still come."""

    def resume(self, partition: Partition) -> None:
        """Deliver again."""

    async def ensure_topic(self, name: str, origin: str) -> None:
        """Make the dead-letter topic ``name`` of ``origin`` where it is missing."""
