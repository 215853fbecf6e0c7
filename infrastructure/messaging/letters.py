"""Dead letters as whoever looks after them sees them: what failed, why, and how it goes back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from .._core.codec import JsonCodec, MsgpackCodec
from ._dead_letters import REPLAY_GROUP, REPLAY_HANDLER
from ._record import LIBRARY_HEADERS, Record

__all__ = ["DeadLetter", "DeadLetterBox", "DeadLetterOffice"]

_CODECS = {codec.content_type: codec for codec in (MsgpackCodec(), JsonCodec())}


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message that no attempt could handle.

    ``origin``   topic, partition and offset that it had, as its headers tell.
    ``error``    class of the error, ``error_text`` its words; ``attempts`` how many calls failed.
    ``handler``  which one failed, of which ``group``.
    ``headers``  those of the message, without what was added when it failed.
    """

    record: Record
    origin: tuple[str, str, str]
    group: str
    handler: str
    error: str
    error_text: str
    attempts: str
    first_failed: str
    headers: Mapping[str, str | bytes]

    @property
    def payload(self) -> Any:
        """The payload as it was published, or its bytes where they do not decode."""
        codec = _CODECS.get(self.record.encoding or "")

        try:
            return self.record.payload if codec is None else codec.decode(self.record.payload)
        except Exception:  # noqa: BLE001 - that it does not decode may be why it is here
            return self.record.payload

    @classmethod
    def of(cls, record: Record) -> DeadLetter:
        """Return what a record of a dead-letter topic tells."""
        told: dict[str, str] = {}
        headers: dict[str, str | bytes] = {}

        for name, value in (record.headers or {}).items():
            if name.startswith(LIBRARY_HEADERS):
                text = value if isinstance(value, str) else value.decode(errors="replace")
                told[name.removeprefix(LIBRARY_HEADERS)] = text
            else:
                headers[name] = value

        return cls(
            record=record,
            origin=(
                told.get("origin-topic", ""),
                told.get("origin-partition", ""),
                told.get("origin-offset", ""),
            ),
            group=told.get("group", ""),
            handler=told.get("handler", ""),
            error=told.get("error", ""),
            error_text=told.get("error-text", ""),
            attempts=told.get("attempts", ""),
            first_failed=told.get("first-failed", ""),
            headers=headers,
        )

    def replayed(self) -> Record:
        """Return the message as it goes back: for the handler alone that could not handle it."""
        marks = {REPLAY_GROUP: self.group, REPLAY_HANDLER: self.handler}
        record = self.record
        headers = {**self.headers, **{name: text for name, text in marks.items() if text}}
        return Record(
            record.partition,
            record.offset,
            record.key,
            record.payload,
            headers,
            record.timestamp,
            record.encoding,
            record.size,
        )


class DeadLetterBox(ABC):
    """The dead letters of one topic that were not replayed yet: ``async for letters in box``."""

    waiting: int
    """How many there were when it was opened, those of other topics in the same place too."""

    @abstractmethod
    def __aiter__(self) -> AsyncIterator[list[DeadLetter]]:
        """Give the letters that were there when it was opened, some at a time, in their order."""

    @abstractmethod
    async def replay(self, letters: Sequence[DeadLetter]) -> None:
        """Publish the messages of ``letters`` to their topic again, and remember that they are.

        In the order in which they were given, unless brokers refuse some together and take them
        later. Those that went back are remembered, also where others could not; what is
        interrupted in between is published once more the next time.
        """


class DeadLetterOffice(ABC):
    """A messaging that keeps dead letters for others than their subscribers."""

    @abstractmethod
    def dead_letters(
        self, topic: str, *, stored_in: str | None = None
    ) -> AbstractAsyncContextManager[DeadLetterBox]:
        """Open the dead letters of ``topic``.

        They are where ``stored_in`` says, or ``dead_letter_topic``, or in ``<topic>.dlq``.
        """
