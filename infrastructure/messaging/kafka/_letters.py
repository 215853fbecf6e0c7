"""Reads the dead letters of a topic without joining a group, and sends them back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from ..._core.deadline import expiry
from ..._core.errors import translated
from ...interfaces.exceptions import InfrastructureError, OperationError, TimeoutError
from .._record import Record
from ..letters import DeadLetter, DeadLetterBox
from ._publisher import Publisher
from ._records import Reading, headers_of
from ._worker import Worker
from .errors import ERRORS, error_of

__all__ = ["KafkaLetters"]

_ANSWER = 10.0
"""Seconds that the brokers have for an answer."""

_AGAIN = 0.2
_MOST = 200
_GROUP = "infrastructure-replay"
"""Begins the name of the group that remembers what was replayed; nobody ever joins it."""


class KafkaLetters(DeadLetterBox):
    """The letters of ``topic`` in ``stored_in``."""

    def __init__(
        self,
        configuration: dict[str, Any],
        worker: Worker,
        publisher: Publisher,
        topic: str,
        stored_in: str,
    ) -> None:
        self._configuration = {**configuration, "group.id": f"{_GROUP}-{topic}"}
        self._worker = worker
        self._publisher = publisher
        self._topic = topic
        self._stored_in = stored_in
        self._reading = Reading("")
        self._consumer: Any = None
        self._ends: dict[int, int] = {}
        self._next: dict[int, int] = {}
        self.waiting = 0

    async def open(self) -> None:
        """Find where to begin and where to end."""
        expires = expiry(_ANSWER)

        while True:
            try:
                with translated(ERRORS, f"read {self._stored_in}"):
                    await self._worker.call(self._open)
            except InfrastructureError as exc:
                # Who keeps the group's account may be about to move.
                if not exc.retryable or time.monotonic() > expires:
                    raise

                await asyncio.sleep(_AGAIN)
            else:
                return

    def _open(self) -> None:
        if self._consumer is None:
            self._consumer = Consumer(self._configuration)

        consumer = self._consumer
        found = consumer.list_topics(self._stored_in, _ANSWER).topics[self._stored_in]

        if found.error is not None:
            msg = (
                f"there are no dead letters of {self._topic} in {self._stored_in}: "
                f"{found.error.str()}; where they are say by stored_in="
            )
            raise OperationError(msg, outcome="not_applied")

        asked = [TopicPartition(self._stored_in, number) for number in found.partitions]
        begins = []
        self.waiting = 0

        for known in consumer.committed(asked, _ANSWER):
            low, high = consumer.get_watermark_offsets(known, _ANSWER)
            begin = max(low, known.offset)
            self._ends[known.partition], self._next[known.partition] = high, begin
            self.waiting += max(0, high - begin)
            begins.append(TopicPartition(self._stored_in, known.partition, begin))

        consumer.assign(begins or [TopicPartition(self._stored_in, 0, OFFSET_BEGINNING)])

    def _is_at_end(self) -> bool:
        return all(self._next[number] >= end for number, end in self._ends.items())

    async def __aiter__(self) -> AsyncIterator[list[DeadLetter]]:
        heard = time.monotonic()

        while not self._is_at_end():
            with translated(ERRORS, f"read {self._stored_in}"):
                records = await self._worker.call(self._read)

            if records:
                heard = time.monotonic()
            elif time.monotonic() - heard > _ANSWER:
                msg = f"read {self._stored_in}: the brokers sent nothing for {_ANSWER:g} s"
                raise TimeoutError(msg, retryable=True)

            # Where several topics share a place each has its own account of what was replayed.
            letters = [DeadLetter.of(record) for record in records]
            yield [each for each in letters if each.origin[0] in (self._topic, "")]

    def _read(self) -> list[Record]:
        found: list[Record] = []
        messages = self._consumer.consume(_MOST, 0.2)

        for message in messages:
            if message.error() is not None:
                raise error_of(f"read {self._stored_in}", message.error())

        for partition, records in self._reading.batch(messages):
            end = self._ends.get(partition.number, 0)
            self._next[partition.number] = records[-1].offset + 1
            found += [record for record in records if record.offset < end]

        return found

    async def replay(self, letters: Sequence[DeadLetter]) -> None:
        """Publish the messages of ``letters`` to their topic again, and remember that they are."""
        for letter in letters:
            if letter.origin[0] not in (self._topic, ""):
                msg = f"a letter is of {letter.origin[0]}, and not of {self._topic}"
                raise OperationError(msg, outcome="not_applied")

        expires = expiry(_ANSWER)
        sent = [self._send(letter.replayed(), expires) for letter in letters]

        # All of them, or one that fails would leave others whose answer nobody looks at.
        if sent:
            await asyncio.wait(sent)

        for answer in sent:
            answer.result()

        done = {each.record.partition.number: each.record.offset + 1 for each in letters}
        told = [TopicPartition(self._stored_in, number, at) for number, at in done.items()]

        if told:
            with translated(ERRORS, f"commit {self._stored_in}"):
                await self._worker.call(
                    lambda: self._consumer.commit(offsets=told, asynchronous=False)
                )

    def _send(self, record: Record, expires: float) -> asyncio.Future[None]:
        key = record.key.encode() if isinstance(record.key, str) else record.key
        headers = headers_of(record.encoding, record.headers)
        return self._publisher.send(self._topic, key, record.payload, headers, expires)

    async def close(self) -> None:
        """Let go of the consumer."""
        if self._consumer is not None:
            await self._worker.call(self._consumer.close)
