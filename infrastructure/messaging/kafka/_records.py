"""Messages of Kafka as records of the delivery engine, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from ..._core.codec import JsonCodec, MsgpackCodec, RawCodec
from ..._core.tasks import logger
from .._record import Partition, Record

__all__ = ["Batch", "Headers", "Reading", "headers_of"]

Headers = list[tuple[str, bytes]]
Batch = list[tuple[Partition, list[Record]]]
"""Records as they came, by partition, those of one in their order."""

_ENCODING = "content-type"
"""Header that names the encoding of the payload; the first one of this name."""

_OURS = {
    known.content_type.encode(): known.content_type
    for known in (MsgpackCodec(), JsonCodec(), RawCodec())
}


def headers_of(encoding: str | None, headers: Mapping[str, str | bytes] | None) -> Headers:
    """Return headers as Kafka carries them; the encoding is the first."""
    first = _encoding_of(encoding)

    if not headers:
        return first

    return first + [
        (name, value if isinstance(value, bytes) else value.encode())
        for name, value in headers.items()
    ]


@cache
def _encoding_of(encoding: str | None) -> Headers:
    return [(_ENCODING, encoding.encode())] if encoding else []


class Reading:
    """Makes records of messages.

    ``codec``   content type of an encoding of the user's own.
    ``source``  tells brokers apart in the ids of messages.
    """

    def __init__(self, codec: str, source: str = "") -> None:
        self._encodings = {**_OURS, codec.encode(): codec}
        self._source = source
        self._partitions: dict[tuple[str, int], Partition] = {}

    def partition(self, topic: str, number: int) -> Partition:
        """Return a partition, always the same object."""
        known = self._partitions.get((topic, number))

        if known is None:
            known = self._partitions[topic, number] = Partition(topic, number, self._source)

        return known

    def batch(self, messages: Iterable[Any]) -> Batch:
        """Return the records of messages, which come in runs of one partition."""
        found: dict[Partition, list[Record]] = {}
        topic, number, records = "", -1, []
        partition = None

        for message in messages:
            if message.partition() != number or message.topic() != topic:
                topic, number = message.topic(), message.partition()
                partition = self.partition(topic, number)
                records = found.setdefault(partition, [])

            assert partition is not None
            records.append(self._record(partition, message))

        return list(found.items())

    def _record(self, partition: Partition, message: Any) -> Record:
        payload, key, carried = message.value(), message.key(), None

        try:
            carried = message.headers()
        except (SystemError, UnicodeDecodeError):
            # The driver cannot tell a name that is no UTF-8, and must not be asked again.
            logger.warning("%s: a message's headers cannot be read", partition.topic)

        _, milliseconds = message.timestamp()
        size = (len(payload) if payload else 0) + (len(key) if key else 0)
        encoding: str | None = ""
        headers = None

        if carried:
            encoding, headers, more = self._headers(carried)
            size += more

        return Record(
            partition,
            message.offset(),
            _text(key),
            payload,
            headers,
            milliseconds / 1000 if milliseconds >= 0 else None,
            # A message without a payload is none of ours: its absence is the value.
            None if payload is None else encoding,
            size,
        )

    def _headers(
        self, carried: Sequence[tuple[str, bytes | None]]
    ) -> tuple[str, Mapping[str, str | bytes] | None, int]:
        name, value = carried[0]

        # Of ours it is the first, and most often the only one; others may have put theirs before it.
        if name == _ENCODING:
            rest = carried[1:]
        else:
            value, rest = _first_of(carried, _ENCODING)

        if value is not None and value in self._encodings:
            encoding = self._encodings[value]
        else:
            encoding, rest = "", carried

        if not rest:
            return encoding, None, 0

        size = sum(len(name) + len(value or b"") for name, value in rest)
        return encoding, {name: _text(value) or "" for name, value in rest}, size


def _first_of(
    carried: Sequence[tuple[str, bytes | None]], wanted: str
) -> tuple[bytes | None, Sequence[tuple[str, bytes | None]]]:
    """Return the value of the first header of this name, and all others."""
    for position, (name, value) in enumerate(carried):
        if name == wanted:
            return value, [*carried[:position], *carried[position + 1 :]]

    return None, carried


def _text(data: bytes | None) -> str | bytes | None:
    if data is None:
        return None

    try:
        return data.decode()
    except UnicodeDecodeError:
        return data
