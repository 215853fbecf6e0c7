"""The typed format: msgpack in C for plain values, ext types for the rest of the contract."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import ormsgpack
from ormsgpack import Ext

from ..interfaces.exceptions import OperationError, ValidationError
from ._ext import FIRST_FREE, READERS, WRITERS, zone_fits
from ._program import SCALARS, flatten, read_step, rebuild
from ._refusal import TYPES, refuse

__all__ = ["MAX_VALUE", "decode", "decode_own", "encode", "is_atom", "own"]

MAX_VALUE = 16 * 1024 * 1024
"""Bytes of an encoded value."""

# Every type that the packer would change silently is passed to us instead. Without
# OPT_NON_STR_KEYS: with it dates, UUIDs and tuples become keys of another type.
_OPTIONS = (
    ormsgpack.OPT_PASSTHROUGH_BIG_INT
    | ormsgpack.OPT_PASSTHROUGH_DATACLASS
    | ormsgpack.OPT_PASSTHROUGH_DATETIME
    | ormsgpack.OPT_PASSTHROUGH_ENUM
    | ormsgpack.OPT_PASSTHROUGH_SUBCLASS
    | ormsgpack.OPT_PASSTHROUGH_TUPLE
    | ormsgpack.OPT_PASSTHROUGH_UUID
)

# The version of the format, and in msgpack the start of an array of two: the value, and the
# end that decode adds. So what follows the value is noticed: the reader ignores a tail. The
# end differs from process to process: no tail can begin with it.
_VERSION = b"\x92"
_END = os.urandom(8).hex()
_PACKED_END: bytes = ormsgpack.packb(_END)

_TUPLE, _SET, _FROZENSET, _PROGRAM = range(FIRST_FREE, FIRST_FREE + 4)
_NESTING: dict[type, int] = {tuple: _TUPLE, set: _SET, frozenset: _FROZENSET}
_NESTED: dict[int, Callable[[list[Any]], Any]] = {
    _TUPLE: tuple,
    _SET: set,
    _FROZENSET: frozenset,
}

# Each level of ext types may cost the reader 1,022 frames of about 280 bytes: forged data must
# not overflow the stack. What nests deeper is written as a program, which needs no stack.
_LEVELS = 4

# The markers of msgpack's byte strings.
_BYTES_LIKE = b"\xc4\xc5\xc6"

# Bytes of a Decimal whose digits need not be counted.
_SMALL = 64 * 1024


def encode(value: Any, *, limit: int = MAX_VALUE, what: str = "value") -> bytes:
    """Return ``value`` as bytes that ``decode`` turns into an equal one of the same types.

    Raises ``ValidationError`` for a type outside the contract, with the path to it in
    ``what``, for a circular or too deep value and for more than ``limit`` bytes.
    """
    try:
        packed = _VERSION + ormsgpack.packb(value, default=_DEFAULTS[0], option=_OPTIONS)
    except TypeError:
        packed = _encode_flat(value, what)
    else:
        # The packer takes bytearray and memoryview for bytes. A str or float may hold these
        # markers too: then one look in vain.
        if len(packed) != len(packed.translate(None, _BYTES_LIKE)) and not _is_clean(value):
            refuse(value, what, TYPES)

    if len(packed) > limit:
        msg = f"{what} takes {len(packed)} bytes encoded; {limit} are allowed"
        raise ValidationError(msg)

    return packed


def decode(data: bytes) -> Any:
    """Return the value that ``encode`` made ``data`` of; ``OperationError`` for anything else."""
    if data[:1] != _VERSION:
        msg = f"stored data of {len(data)} bytes was not written by this codec: no version mark"
        raise OperationError(msg)

    try:
        value, end = ormsgpack.unpackb(data + _PACKED_END, ext_hook=_HOOKS[0])
    except Exception as exc:
        msg = f"stored data of {len(data)} bytes is damaged: {exc}"
        raise OperationError(msg) from exc

    if end != _END:
        msg = f"stored data of {len(data)} bytes is damaged: something follows the value"
        raise OperationError(msg)

    return value


def own(data: bytes) -> bytes:
    """Return what ``encode`` wrote for ``decode_own``: for keeping in this process only."""
    return data[len(_VERSION) :]


def decode_own(data: bytes) -> Any:
    """Return the value of bytes that never left this process: nothing is checked."""
    return ormsgpack.unpackb(data, ext_hook=_HOOKS[0])


def is_atom(value: Any) -> bool:
    """Return whether ``value`` is immutable, of a type of the contract and within its bounds.

    Such a value needs no encoding where only isolation from its owner is wanted.
    """
    kind = type(value)

    if kind is str:
        return len(value) <= MAX_VALUE and (value.isascii() or _fits(value))

    if kind is bytes:
        return len(value) <= MAX_VALUE

    if kind is int:
        return bool(value.bit_length() <= 8 * MAX_VALUE)

    if kind is dt.datetime or kind is dt.time:
        return zone_fits(value.tzinfo)

    if kind is Decimal:
        return bool(value.__sizeof__() <= _SMALL)

    return kind in SCALARS


def _fits(text: str) -> bool:
    try:
        return len(text.encode()) <= MAX_VALUE
    except UnicodeEncodeError:
        return False


def _encode_flat(value: Any, what: str) -> bytes:
    program: list[Any] = []

    try:
        flatten(value, program)
        packed = ormsgpack.packb(program, default=_DEFAULTS[_LEVELS], option=_OPTIONS)
        return _VERSION + ormsgpack.packb(Ext(_PROGRAM, packed))
    except (TypeError, RecursionError) as exc:
        refuse(value, what, TYPES)
        msg = f"{what} cannot be encoded: {exc}"
        raise ValidationError(msg) from exc


def _is_clean(value: Any) -> bool:
    """Return whether every part has a type of the contract; looks at containers only."""
    pending = [value]

    while pending:
        part = pending.pop()
        kind = type(part)

        if kind in SCALARS:
            continue

        if kind not in TYPES:
            return False

        inner = part.values() if kind is dict else part

        if not SCALARS.issuperset(map(type, inner)):
            pending.extend(inner)

    return True


def _default_at(level: int) -> Callable[[Any], Ext]:
    """Return what writes the types that the packer hands us at ``level`` of ext nesting."""

    def write(value: Any) -> Ext:
        kind = type(value)

        if (writer := WRITERS.get(kind)) is not None:
            return writer(value)

        if level == _LEVELS or kind not in _NESTING:
            raise TypeError(kind)

        inner = ormsgpack.packb(list(value), default=_DEFAULTS[level + 1], option=_OPTIONS)
        return Ext(_NESTING[kind], inner)

    return write


def _hook_at(level: int) -> Callable[[int, bytes], Any]:
    """Return what reads ext types at ``level`` of their nesting."""

    def read(code: int, data: bytes) -> Any:
        if (reader := READERS.get(code)) is not None:
            return reader(data)

        if code == _PROGRAM:
            return rebuild(ormsgpack.unpackb(data, ext_hook=read_step))

        if level == _LEVELS:
            msg = f"ext type {code} does not belong here"
            raise ValueError(msg)

        return _NESTED[code](ormsgpack.unpackb(data, ext_hook=_HOOKS[level + 1]))

    return read


_DEFAULTS = [_default_at(level) for level in range(_LEVELS + 1)]
_HOOKS = [_hook_at(level) for level in range(_LEVELS + 1)]
