"""Values in the text format: what a ``str`` is for a type that is no text."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from ..._json import encode_json
from ._arrays import array_text
from ._encoders import ENCODERS
from ._oids import ELEMENT_OF, NAMES, OIDS, type_name
from ._refusals import mismatch
from ._scalars import Encode, checked_text

__all__ = ["as_text", "text_encoder"]

_JSON = frozenset({OIDS["JSON"], OIDS["JSONB"]})


def as_text(oid: int, value: Any) -> bytes:
    """Return the text of a value that a type has an encoder for, but not of this value.

    That is a ``str``, a list with one inside, or a number that the server will find too large.
    """
    element = ELEMENT_OF.get(oid)

    if isinstance(value, str) or element is None:
        return checked_text(_written(value))

    encode = ENCODERS[element]

    def write(item: Any) -> str:
        if element in _JSON:
            return encode_json(item)

        if isinstance(item, str):
            return str.__str__(item)

        # What does not fit is refused as it is in binary.
        encode(item)
        return _written(item)

    return checked_text(array_text(NAMES[oid], value, write, nested=element not in _JSON))


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

    for base in (str, int, float):
        if isinstance(value, base):
            return base.__repr__(value) if base is not str else str.__str__(value)

    return str(value)
