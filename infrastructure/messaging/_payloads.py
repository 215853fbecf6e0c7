"""Messages as records and back: what is checked before sending, and who decodes what."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NoReturn

from .._core.codec import JsonCodec, MsgpackCodec, RawCodec, codec_of, decode_own, own
from .._core.names import check_key
from ..interfaces.exceptions import ValidationError
from ..interfaces.messaging import Message
from ._attempts import Undecodable
from ._options import DeliveryOptions
from ._record import Record

__all__ = ["Packed", "Packer", "reader"]

# The encoding of what never leaves this process: it is not checked again when it is read.
_OWN = "own"

Packed = tuple[str | None, Any, Mapping[str, str] | None, str | None, int]
"""Key, payload, headers, encoding and size of a message."""


class Packer:
    """Turns what users publish into what a broker stores.

    ``in_process``  the broker is: what nobody can change is kept as it is.
    """

    def __init__(self, options: DeliveryOptions, *, in_process: bool = False) -> None:
        self._codec = codec_of(options.codec)
        self._encode, self._content_type = self._codec.encode, self._codec.content_type
        self._in_process = in_process and isinstance(self._codec, MsgpackCodec)
        self._limit = options.max_message_bytes

    def pack(self, message: Any) -> Packed:
        """Return the parts of ``message``, or raise ``ValidationError``."""
        # As _payload, written out: many messages are no more than this.
        if self._in_process:
            if (size := _atom_size(message)) is not None and size <= self._limit:
                return None, message, None, None, size
        elif not isinstance(message, Message):
            try:
                data = self._encode(message, limit=self._limit, what="the payload")
            except ValidationError:
                self._refuse_large(message, self._limit)
                raise

            return None, data, None, self._content_type, len(data)

        if isinstance(message, Message):
            return self._pack_message(message)

        payload, encoding, size = self._payload(message, self._limit)
        return None, payload, None, encoding, size

    def _pack_message(self, message: Message) -> Packed:
        key = None if message.key is None else check_key(message.key)
        headers = _check_headers(message.headers)
        beside = _size_beside(key, headers)

        if beside > self._limit:
            self._refuse(beside)

        payload, encoding, size = self._payload(message.payload, self._limit - beside)
        return key, payload, headers, encoding, size + beside

    def _payload(self, value: Any, limit: int) -> tuple[Any, str | None, int]:
        if self._in_process:
            if (size := _atom_size(value)) is not None:
                if size > limit:
                    self._refuse(size + self._limit - limit)

                return value, None, size

            data = own(self._encoded(value, limit))
            return data, _OWN, len(data)

        data = self._encoded(value, limit)
        return data, self._content_type, len(data)

    def _encoded(self, value: Any, limit: int) -> bytes:
        try:
            return self._encode(value, limit=limit, what="the payload")
        except ValidationError:
            self._refuse_large(value, limit)
            raise

    def _refuse_large(self, value: Any, limit: int) -> None:
        """Where it is the size that was refused: it is the message's, and there is a way out."""
        size = len(self._encode(value, limit=sys.maxsize, what="the payload"))

        if size > limit:
            self._refuse(size + self._limit - limit)

    def _refuse(self, size: int) -> NoReturn:
        msg = (
            f"the message takes {size} bytes with its key and headers; {self._limit} are allowed: "
            "store large data elsewhere and publish where, or raise max_message_bytes="
        )
        raise ValidationError(msg)


def _atom_size(value: Any) -> int | None:
    kind = type(value)

    if kind is str:
        # A text that is not ASCII is measured, and refused, by the codec.
        return len(value) if value.isascii() else None

    if kind is int:
        return int(value.bit_length() // 8 + 1)

    if kind is bytes:
        return len(value)

    return 8 if kind is float or kind is bool or value is None else None


def _check_headers(headers: Any) -> Mapping[str, str] | None:
    # The usual ones, without the long way of an abstract class.
    if type(headers) is MappingProxyType and not headers:
        return None

    if not isinstance(headers, Mapping):
        msg = f"headers are a mapping of str to str, got {type(headers).__name__}"
        raise ValidationError(msg)

    for name, text in headers.items():
        if not isinstance(name, str) or not isinstance(text, str) or not name:
            msg = f"headers are str to str, got {name!r:.60}: {type(text).__name__}"
            raise ValidationError(msg)

        if "\0" in name:
            # librdkafka and what is written in C beside it read a name up to there.
            msg = f"the name of a header has no NUL, got {name!r:.60}"
            raise ValidationError(msg)

    # A copy: the publisher may change its own afterwards.
    return dict(headers) if headers else None


def _size_beside(key: str | None, headers: Mapping[str, str] | None) -> int:
    size = 0 if key is None else len(key) if key.isascii() else len(key.encode())

    if headers is None:
        return size

    try:
        return size + sum(len(n.encode()) + len(t.encode()) for n, t in headers.items())
    except UnicodeEncodeError as exc:
        msg = f"a header cannot be encoded in UTF-8: {exc.reason}"
        raise ValidationError(msg) from exc


def reader(options: DeliveryOptions) -> Callable[[Record], Any]:
    """Return what makes the payload of a record, a new one at each call.

    A record that names one of our encodings is decoded so. Any other is, with the default
    codec, its bytes: nothing is guessed; with another codec it is read by that.
    """
    codec = codec_of(options.codec)
    decoders: dict[str, Callable[[Any], Any]] = {
        known.content_type: known.decode for known in (MsgpackCodec(), JsonCodec(), RawCodec())
    }
    decoders[codec.content_type] = codec.decode
    decoders[_OWN] = decode_own
    plain = RawCodec() if isinstance(codec, MsgpackCodec) else codec

    def read(record: Record) -> Any:
        if record.encoding is None:
            return record.payload

        try:
            decode = decoders.get(record.encoding) or plain.decode
            return decode(record.payload)
        except Exception as exc:
            msg = f"{record!r} does not decode: {exc}"
            raise Undecodable(msg) from exc

    return read
