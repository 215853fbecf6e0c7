"""Values in the text format: what a ``str`` is for a type that is no text."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta
from typing import Any

from ....interfaces.exceptions import OperationError
from ._arrays import array_text
from ._encoders import ENCODERS
from ._oids import ELEMENT_OF, NAMES, type_name
from ._refusals import TextInput, mismatch
from ._scalars import Encode, checked_text

__all__ = ["as_text", "text_encoder"]


def as_text(oid: int, value: Any) -> bytes:
    """Return the text of a value that a type has an encoder for, but not of this value.

    That is a ``str``, a list with one inside, or a number that the server will find too large.
    """
    element = ELEMENT_OF.get(oid)

    if isinstance(value, str) or element is None:
        return checked_text(_written(value))

    encode = ENCODERS[element]

    def write(item: Any) -> str:
        # What does not fit is refused as it is in binary; the rest is for the server to read.
        with suppress(OperationError, TextInput):
            encode(item)

        return _written(item)

    return checked_text(array_text(NAMES[oid], value, write))


def text_encoder(oid: int) -> Encode:
    """Return the encoder of a type that is known by its text only."""
    name = type_name(oid)

    def write(item: Any) -> str:
        if not isinstance(item, str):
            mismatch(name, "a str, or a list of them where it is an array", item)

        return str.__str__(item)

    def encode(value: Any) -> bytes | None:
        if value is None:
            return None

        if isinstance(value, (list, tuple, set, frozenset)):
            return checked_text(array_text(name, value, write))

        return checked_text(write(value))

    return encode


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"

    if isinstance(value, (bytes, bytearray, memoryview)):
        return "\\x" + bytes(value).hex()

    # In an interval each field has a sign of its own.
    if isinstance(value, timedelta):
        return f"{value.days:+} days {value.seconds:+} seconds {value.microseconds:+} microseconds"

    if isinstance(value, date):
        return value.isoformat()

    # Whatever a subclass makes of them.
    if isinstance(value, float):
        return float.__repr__(value)

    if isinstance(value, int):
        return int.__repr__(value)

    return str.__str__(value) if isinstance(value, str) else str(value)
