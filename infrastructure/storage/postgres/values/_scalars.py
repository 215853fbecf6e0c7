"""Encoders of booleans, texts, bytes, UUIDs and JSON."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

from ....interfaces.exceptions import ValidationError
from ..._json import encode_json
from ._refusals import TextInput, mismatch

__all__ = ["Encode", "boolean", "checked_text", "json", "jsonb", "raw", "text", "uuid"]

Encode = Callable[[Any], "bytes | None"]
"""What makes PostgreSQL's binary form of a value; ``None`` is NULL."""

# A number with a positive exponent, or a string, which may contain what looks like one.
_LARGE = re.compile(r'"(?:[^"\\]|\\.)*"|-?[0-9.]+e\+[0-9]+')


def boolean(value: Any) -> bytes | None:
    """Encode BOOLEAN."""
    if value is True:
        return b"\x01"

    if value is False:
        return b"\x00"

    return None if value is None else _other("BOOLEAN", "a bool", value)


def text(name: str) -> Encode:
    """Return the encoder of a type of text."""

    def encode(value: Any) -> bytes | None:
        if type(value) is str and "\0" not in value:
            try:
                return value.encode()
            except UnicodeEncodeError:
                # checked_text() says what is wrong with it.
                pass

        if value is None:
            return None

        if not isinstance(value, str):
            mismatch(name, "a str", value)

        return checked_text(str.__str__(value))

    return encode


def checked_text(value: str) -> bytes:
    """Return a text in UTF-8; ``ValidationError`` for what no server stores as text."""
    if "\0" in value:
        msg = f"a str parameter contains NUL, which no database stores as text: {value[:40]!r}"
        raise ValidationError(msg)

    try:
        return value.encode()
    except UnicodeEncodeError as exc:
        msg = f"a str parameter cannot be encoded in UTF-8: {exc.reason} at {exc.start}"
        raise ValidationError(msg) from exc


def raw(value: Any) -> bytes | None:
    """Encode BYTEA."""
    if type(value) is bytes or value is None:
        return value

    if not isinstance(value, (bytes, bytearray, memoryview)):
        mismatch("BYTEA", "bytes", value)

    return bytes(value)


def uuid(value: Any) -> bytes | None:
    """Encode UUID."""
    if isinstance(value, UUID):
        return value.bytes

    return None if value is None else _other("UUID", "a UUID", value)


def json(value: Any) -> bytes | None:
    """Encode JSON."""
    return None if value is None else encode_json(value).encode()


def jsonb(value: Any) -> bytes | None:
    """Encode JSONB, which has a version before the text."""
    if value is None:
        return None

    text = encode_json(value)

    # jsonb holds a numeric: 1e+16 would come back as an int.
    if "e+" in text:
        text = _LARGE.sub(_written_out, text)

    return b"\x01" + text.encode()


def _written_out(found: re.Match[str]) -> str:
    token = found[0]
    return token if token[0] == '"' else f"{Decimal(token):f}.0"


def _other(name: str, takes: str, value: Any) -> bytes | None:
    if isinstance(value, str):
        raise TextInput

    mismatch(name, takes, value)
