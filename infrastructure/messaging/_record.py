"""What a broker stores of one message, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..interfaces.messaging import MessageInfo

__all__ = ["LIBRARY_HEADERS", "Partition", "Record"]

LIBRARY_HEADERS = "infrastructure-"
"""Headers of this prefix are ours: those of dead letters and of replayed messages."""


@dataclass(frozen=True, slots=True)
class Partition:
    """A part of a topic with an order of its own; ``source`` tells brokers apart in ids."""

    topic: str
    number: int
    source: str = ""


class Record:
    """One stored message; shared by all its readers, never changed.

    ``payload``    bytes, or the value itself where ``encoding`` is ``None`` (in process,
                   for values that nobody can change).
    ``encoding``   the content type of the bytes; ``""`` where the record names none.
    ``timestamp``  seconds since the epoch, or ``None``.
    ``size``       bytes that it counts for: payload, key and headers.
    """

    __slots__ = (
        "encoding",
        "headers",
        "key",
        "offset",
        "partition",
        "payload",
        "size",
        "timestamp",
    )

    def __init__(
        self,
        partition: Partition,
        offset: int,
        key: str | bytes | None,
        payload: Any,
        headers: Mapping[str, str | bytes] | None,
        timestamp: float | None,
        encoding: str | None,
        size: int,
    ) -> None:
        self.partition: Partition = partition
        self.offset: int = offset
        self.key: str | bytes | None = key
        self.payload: Any = payload
        self.headers: Mapping[str, str | bytes] | None = headers
        self.timestamp: float | None = timestamp
        self.encoding: str | None = encoding
        self.size: int = size

    @property
    def id(self) -> str:
        """What no other message has, and every delivery of this one."""
        partition = self.partition
        return f"{partition.source}{partition.topic}-{partition.number}-{self.offset}"

    def info(self, attempt: int) -> MessageInfo:
        """Return what the handler of this attempt may know."""
        return MessageInfo(
            topic=self.partition.topic,
            key=self.key,
            headers=dict(self.headers or {}),
            id=self.id,
            timestamp=_moment(self.timestamp),
            attempt=attempt,
        )

    def with_headers(self, more: Mapping[str, str]) -> Record:
        """Return the same message with further headers."""
        grown = sum(len(name) + len(text.encode()) for name, text in more.items())
        return Record(
            self.partition,
            self.offset,
            self.key,
            self.payload,
            {**(self.headers or {}), **more},
            self.timestamp,
            self.encoding,
            self.size + grown,
        )

    def __repr__(self) -> str:
        return f"<Record {self.id} of {self.size} bytes>"


def _moment(timestamp: float | None) -> datetime | None:
    if timestamp is None:
        return None

    try:
        return datetime.fromtimestamp(timestamp, UTC)
    except (ValueError, OverflowError, OSError):
        # Somebody's clock, or units of his own: no moment that Python knows.
        return None
