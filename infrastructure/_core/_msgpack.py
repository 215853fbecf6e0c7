"""The typed format: msgpack in C for plain values, ext types for the rest of the contract."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import ormsgpack
from ormsgpack import Ext

from ..interfaces.exceptions import OperationError, ValidationError
from ._ext import FIRST_FREE, READERS, WRITERS, zone_fits
from ._program import PLAIN, SCALARS, flatten, read_step, rebuild
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

# For values all of whose dicts have keys that msgpack carries by itself.
_FREE_OPTIONS = _OPTIONS | ormsgpack.OPT_NON_STR_KEYS
_NATIVE_KEYS = PLAIN | {bytes}

_TUPLE, _SET, _FROZENSET, _PROGRAM, _KEYED = range(FIRST_FREE, FIRST_FREE + 5)
_NESTING: dict[type, int] = {tuple: _TUPLE, set: _SET, frozenset: _FROZENSET}
_NESTED: dict[int, Callable[[list[Any]], Any]] = {
    _TUPLE: tuple,
    _SET: set,
    _FROZENSET: frozenset,
}

# Each level of ext types may cost the reader 1,022 frames of about 280 bytes: forged data must
# not overflow the stack. What nests deeper is written as a program, which needs no stack.
_LEVELS = 4

_CONTAINERS = frozenset({dict, list, tuple, set, frozenset})

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
        packed = _VERSION + ormsgpack.packb(value, default=_DEFAULT, option=_OPTIONS)
    except TypeError:
        packed = _encode_keyed(value) or _encode_flat(value, what)

    # The packer takes bytearray and memoryview for bytes. A str or float may hold these
    # markers too: then one look in vain.
    if (
        type(value) not in SCALARS
        and len(packed) != len(packed.translate(None, _BYTES_LIKE))
        and not _is_clean(value)
    ):
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
        value, end = ormsgpack.unpackb(data + _PACKED_END, ext_hook=_HOOK)
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
    return ormsgpack.unpackb(data, ext_hook=_HOOK)


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


def _encode_keyed(value: Any) -> bytes | None:
    """Return ``value`` encoded with its keys as they are; ``None`` where that would bend one."""
    if type(value) not in _CONTAINERS or not _has_native_keys(value):
        return None

    try:
        packed = ormsgpack.packb(value, default=_FREE.defaults[1], option=_FREE_OPTIONS)
    except TypeError:
        return None

    return _VERSION + ormsgpack.packb(Ext(_KEYED, packed))


def _has_native_keys(value: Any) -> bool:
    pending = [value]
    # A value may contain itself.
    seen: set[int] = set()

    while pending:
        part = pending.pop()

        if type(part) is dict:
            if not _NATIVE_KEYS.issuperset(map(type, part)):
                return False

            inner = part.values()
        else:
            inner = part

        if id(part) not in seen:
            seen.add(id(part))
            pending += [each for each in inner if type(each) in _CONTAINERS]

    return True


def _encode_flat(value: Any, what: str) -> bytes:
    program: list[Any] = []

    try:
        flatten(value, program)
        packed = ormsgpack.packb(program, default=_PLAIN.defaults[_LEVELS], option=_OPTIONS)
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


class _Dialect:
    """What writes and reads ext types, at each level of their nesting, with or without free keys."""

    def __init__(self, write: int, read: int | None) -> None:
        self._write = write
        self._read = read
        self.defaults = [self._default_at(level) for level in range(_LEVELS + 1)]
        self.hooks = [self._hook_at(level) for level in range(_LEVELS + 1)]

    def _default_at(self, level: int) -> Callable[[Any], Ext]:
        writers = dict(WRITERS)

        if level < _LEVELS:
            writers |= {kind: self._nester(code, level + 1) for kind, code in _NESTING.items()}

        def write(value: Any) -> Ext:
            writer = writers.get(type(value))

            if writer is None:
                raise TypeError(type(value))

            return writer(value)

        return write

    def _nester(self, code: int, level: int) -> Callable[[Any], Ext]:
        def nest(value: Any) -> Ext:
            inner = ormsgpack.packb(list(value), default=self.defaults[level], option=self._write)
            return Ext(code, inner)

        return nest

    def _hook_at(self, level: int) -> Callable[[int, bytes], Any]:
        readers = {**READERS, _PROGRAM: _read_program}

        if level < _LEVELS:
            readers |= {code: self._opener(make, level + 1) for code, make in _NESTED.items()}
            readers[_KEYED] = partial(_read_keyed, level=level + 1)

        def read(code: int, data: bytes) -> Any:
            reader = readers.get(code)

            if reader is None:
                msg = f"ext type {code} does not belong here"
                raise ValueError(msg)

            return reader(data)

        return read

    def _opener(self, make: Callable[[list[Any]], Any], level: int) -> Callable[[bytes], Any]:
        def read(data: bytes) -> Any:
            inner = ormsgpack.unpackb(data, ext_hook=self.hooks[level], option=self._read)
            return make(inner)

        return read


def _read_program(data: bytes) -> Any:
    return rebuild(ormsgpack.unpackb(data, ext_hook=read_step))


def _read_keyed(data: bytes, level: int) -> Any:
    hook = _FREE.hooks[level]
    return ormsgpack.unpackb(data, ext_hook=hook, option=ormsgpack.OPT_NON_STR_KEYS)


_PLAIN = _Dialect(_OPTIONS, None)
_FREE = _Dialect(_FREE_OPTIONS, ormsgpack.OPT_NON_STR_KEYS)
_DEFAULT, _HOOK = _PLAIN.defaults[0], _PLAIN.hooks[0]
