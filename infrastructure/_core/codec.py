"""Values as bytes and back: exact types, and nothing that runs what it reads."""

from __future__ import annotations

import json
from typing import Any, NoReturn, Protocol

from ..interfaces.exceptions import ConfigurationError, OperationError, ValidationError
from ._msgpack import MAX_VALUE, decode, decode_own, encode, is_atom, own
from ._refusal import JSON_TYPES, MAX_DEPTH, refuse

__all__ = [
    "MAX_DEPTH",
    "MAX_VALUE",
    "Codec",
    "JsonCodec",
    "MsgpackCodec",
    "RawCodec",
    "codec_of",
    "decode",
    "decode_own",
    "encode",
    "is_atom",
    "own",
]


class Codec(Protocol):
    """How values become bytes; ``content_type`` tells the reader which one it was."""

    @property
    def content_type(self) -> str:
        """Return the media type of what ``encode`` writes."""
        ...

    def encode(self, value: Any, *, limit: int = MAX_VALUE, what: str = "value") -> bytes:
        """Return ``value`` as at most ``limit`` bytes, or raise ``ValidationError``."""
        ...

    def decode(self, data: bytes) -> Any:
        """Return the value of ``data``, or raise ``OperationError``."""
        ...


class MsgpackCodec:
    """Every type of the contract, exactly; the default."""

    content_type: str = "application/vnd.infrastructure.v1+msgpack"

    def encode(self, value: Any, *, limit: int = MAX_VALUE, what: str = "value") -> bytes:
        """Return ``value`` in bytes, or raise ``ValidationError``."""
        return encode(value, limit=limit, what=what)

    def decode(self, data: bytes) -> Any:
        """Return the value of ``data``, or raise ``OperationError``."""
        return decode(data)


class JsonCodec:
    """Plain JSON, for readers in other languages: only what JSON carries, nothing is bent to fit."""

    content_type: str = "application/json"

    def encode(self, value: Any, *, limit: int = MAX_VALUE, what: str = "value") -> bytes:
        """Return ``value`` as JSON in UTF-8, or raise ``ValidationError``."""
        refuse(value, what, JSON_TYPES)

        try:
            text = json.dumps(
                value,
                ensure_ascii=False,
                allow_nan=False,
                check_circular=False,
                separators=(",", ":"),
            )
        except ValueError as exc:
            msg = f"{what} cannot be encoded as JSON: {exc}"
            raise ValidationError(msg) from exc

        return _bounded(text.encode(), limit, what)

    def decode(self, data: bytes) -> Any:
        """Return the value of JSON ``data``, or raise ``OperationError``."""
        try:
            return json.loads(data, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as exc:
            msg = f"data of {len(data)} bytes is not JSON: {exc}"
            raise OperationError(msg) from exc


class RawCodec:
    """Bytes as they are."""

    content_type: str = "application/octet-stream"

    def encode(self, value: Any, *, limit: int = MAX_VALUE, what: str = "value") -> bytes:
        """Return ``value``, which must be ``bytes``, or raise ``ValidationError``."""
        if type(value) is not bytes:
            msg = f"{what} is of type {type(value).__name__}; codec='raw' takes bytes"
            raise ValidationError(msg)

        return _bounded(value, limit, what)

    def decode(self, data: bytes) -> Any:
        """Return ``data``."""
        return data


def codec_of(codec: str | Codec) -> Codec:
    """Return the codec of a name, or the codec itself; ``ConfigurationError`` for other names."""
    if not isinstance(codec, str):
        return codec

    try:
        return _CODECS[codec]
    except KeyError as exc:
        names = ", ".join(sorted(_CODECS))
        msg = f"there is no codec {codec!r:.60}; there are: {names}, or pass an object of your own"
        raise ConfigurationError(msg) from exc


def _bounded(data: bytes, limit: int, what: str) -> bytes:
    if len(data) > limit:
        msg = f"{what} takes {len(data)} bytes encoded; {limit} are allowed"
        raise ValidationError(msg)

    return data


def _refuse_constant(name: str) -> NoReturn:
    msg = f"{name} is not JSON"
    raise ValueError(msg)


_CODECS: dict[str, Codec] = {"msgpack": MsgpackCodec(), "json": JsonCodec(), "raw": RawCodec()}
