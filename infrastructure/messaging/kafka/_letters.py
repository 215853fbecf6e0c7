"""Reads the dead letters of a topic without joining a group, and sends them back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from confluent_kafka import Consumer, KafkaError, TopicPartition

from ..._core.deadline import Limit, expiry
from ..._core.errors import translated
from ...interfaces.exceptions import InfrastructureError, OperationError, TimeoutError
from .._record import Record
from ..letters import DeadLetter, DeadLetterBox
from ._account import Account
from ._answers import all_sent
from ._publisher import Publisher
from ._records import Reading, headers_of
from ._worker import Worker
from .errors import ERRORS, error_of

__all__ = ["KafkaLetters"]

_ANSWER = 10.0
"""Seconds that the brokers have for an answer."""

_REMEMBERING = 1.0
"""Seconds of a deadline that are kept to remember what went back, and"""

_SHARE = 0.2
"""their share of it at most."""

_AGAIN = 0.2
_MOST = 200
_UNKNOWN = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC)
_GROUP = "infrastructure-replay"
"""Begins the name of the group that remembers what was replayed; nobody ever joins it."""


class KafkaLetters(DeadLetterBox):
    """The letters of ``topic`` in ``stored_in``.

    ``ready``     sees until an instant that the topic is there: it may have been removed.
    ``deadline``  seconds that a page has to go back, unless a block says so; ``None``: no limit.
    """

    def __init__(
        self,
        configuration: dict[str, Any],
        worker: Worker,
        publisher: Publisher,
        ready: Callable[[float], Awaitable[None]],
        topic: str,
        stored_in: str,
        deadline: float | None,
    ) -> None:
        own = {"group.id": f"{_GROUP}-{topic}", "enable.partition.eof": True}
        self._configuration = {**configuration, **own}
        self._worker = worker
        self._publisher = publisher
        self._ready = ready
        self._topic = topic
        self._stored_in = stored_in
        self._deadline = deadline
        # What tells no origin was put there for this topic, or in another place for who knows what.
        self._origins = (topic, "") if stored_in == f"{topic}.dlq" else (topic,)
        self._reading = Reading("")
        self._consumer: Any = None
        self._ends: dict[int, int] = {}
        self._next: dict[int, int] = {}
        self._accounts: dict[int, Account] = {}
        self._heard = 0.0
        self.waiting = 0

    async def open(self) -> None:
        """Find where to begin and where to end."""
        async with Limit("dead_letters", _ANSWER) as limit:
            while True:
                try:
                    with translated(ERRORS, f"read {self._stored_in}"):
                        await self._worker.call(self._open)
                except InfrastructureError as exc:
                    # Who keeps the group's account may be about to move.
                    if not exc.retryable:
                        raise

                    limit.more = f"; {exc}"
                    await asyncio.sleep(_AGAIN)
                else:
                    return

    def _open(self) -> None:
        if self._consumer is None:
            self._consumer = Consumer(self._configuration)

        consumer = self._consumer
        asked = [TopicPartition(self._stored_in, number) for number in self._partitions()]
        begins = []

        for known in consumer.committed(asked, _ANSWER):
            if known.error is not None:
                raise error_of(f"read {self._stored_in}", known.error, outcome="not_applied")

            number = known.partition
            low, high = consumer.get_watermark_offsets(known, _ANSWER)
            begin = max(low, known.offset)
            self._ends[number], self._next[number] = high, begin
            self._accounts[number] = Account(begin, known.metadata, high)
            begins.append(TopicPartition(self._stored_in, number, begin))

        self.waiting = sum(each.waiting for each in self._accounts.values())
        consumer.assign(begins)

    def _partitions(self) -> list[int]:
        found = self._consumer.list_topics(self._stored_in, _ANSWER).topics[self._stored_in]

        if found.error is None:
            return list(found.partitions)

        if found.error.code() not in _UNKNOWN:
            raise error_of(f"read {self._stored_in}", found.error, outcome="not_applied")

        msg = (
            f"there are no dead letters of {self._topic} in {self._stored_in}: "
            f"{found.error.str()}; where they are say by stored_in= (--stored-in)"
        )
        raise OperationError(msg, outcome="not_applied")

    def _is_at_end(self) -> bool:
        return all(self._next[number] >= end for number, end in self._ends.items())

    async def __aiter__(self) -> AsyncIterator[list[DeadLetter]]:
        self._heard = time.monotonic()

        while not self._is_at_end():
            async with Limit("dead_letters"):
                with translated(ERRORS, f"read {self._stored_in}"):
                    letters = await self._worker.call(self._read)

            if time.monotonic() - self._heard > _ANSWER:
                msg = f"read {self._stored_in}: the brokers sent nothing for {_ANSWER:g} s"
                raise TimeoutError(msg, retryable=True)

            yield letters

    def _read(self) -> list[DeadLetter]:
        messages = []

        for message in self._consumer.consume(_MOST, 0.2):
            self._heard = time.monotonic()

            if (error := message.error()) is None:
                messages.append(message)
            elif error.code() == KafkaError._PARTITION_EOF:
                # The last offsets need be no messages: a transaction's end has one, too.
                number, end = message.partition(), message.offset()
                self._next[number], self._ends[number] = end, min(end, self._ends[number])
            else:
                raise error_of(f"read {self._stored_in}", error)

        found: list[DeadLetter] = []

        for partition, records in self._reading.batch(messages):
            found += self._mine(partition.number, records)

        return found

    def _mine(self, number: int, records: list[Record]) -> list[DeadLetter]:
        letters = [DeadLetter.of(each) for each in records if each.offset < self._ends[number]]
        # Where several topics share a place each has its own account of what was replayed.
        mine = [each for each in letters if each.origin[0] in self._origins]
        given = [each for each in mine if self._accounts[number].give(each.record.offset)]
        self._next[number] = max(records[-1].offset + 1, self._next[number])
        return given

    async def replay(self, letters: Sequence[DeadLetter]) -> None:
        """Publish the messages of ``letters`` to their topic again, and remember that they are."""
        for letter in letters:
            place, origin = letter.record.partition.topic, letter.origin[0]

            if place != self._stored_in or origin not in self._origins:
                msg = (
                    f"a letter is of {origin} in {place}, not of {self._topic} in {self._stored_in}"
                )
                raise OperationError(msg, outcome="not_applied")

        if not letters:
            return

        expires = expiry(self._deadline)
        expires -= min(_REMEMBERING, (expires - time.monotonic()) * _SHARE)
        await self._ready(expires)
        # One for all: those of another one would not wait for these.
        publisher = self._publisher.within(expires, self._topic)
        sent = [self._send(publisher, letter.replayed(), expires) for letter in letters]

        failed: InfrastructureError | None = None

        try:
            await all_sent(sent)
        except InfrastructureError as exc:
            failed = exc

        by_answer = zip(letters, sent, strict=True)
        stored = [letter for letter, answer in by_answer if answer.exception() is None]

        if failed is None:
            await self._remember(stored)
            return

        # What hindered them is what is to be told.
        with suppress(InfrastructureError):
            await self._remember(stored)

        raise failed

    async def _remember(self, letters: Sequence[DeadLetter]) -> None:
        told = self._note(letters)

        if told:
            async with Limit("replay", _ANSWER, outcome="unknown"):
                with translated(ERRORS, f"commit {self._stored_in}"):
                    await self._worker.call(
                        lambda: self._consumer.commit(offsets=told, asynchronous=False)
                    )

    def _note(self, letters: Sequence[DeadLetter]) -> list[TopicPartition]:
        """Return what is to be committed of the partitions that had them."""
        replayed: dict[int, set[int]] = {}

        for letter in letters:
            number = letter.record.partition.number
            replayed.setdefault(number, set()).add(letter.record.offset)

        for number, offsets in replayed.items():
            # What came since the box was opened was read, perhaps, and given to nobody.
            read = min(self._next[number], self._ends[number])
            self._accounts[number].replayed(offsets, read)

        return [
            TopicPartition(self._stored_in, number, account.start, metadata=account.metadata)
            for number, account in self._accounts.items()
            if number in replayed
        ]

    def _send(self, publisher: Publisher, record: Record, expires: float) -> asyncio.Future[None]:
        key = record.key.encode() if isinstance(record.key, str) else record.key
        headers = headers_of(record.encoding, record.headers)
        return publisher.send(self._topic, key, record.payload, headers, expires)

    def close(self) -> None:
        """Let go of the consumer; to be called on the worker's thread."""
        if self._consumer is not None:
            self._consumer.close()
