"""Rows in COPY's binary format: by the driver's compiled code, once they were seen to be plain."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from itertools import chain
from operator import itemgetter
from typing import Any, Final
from uuid import UUID

from psycopg import DataError, abc
from psycopg.adapt import AdaptersMap, Dumper, Transformer
from psycopg.pq import Format
from psycopg.types import datetime as times, numeric, string, uuid

from ....interfaces.exceptions import InfrastructureError, OperationError, ValidationError
from ._encoders import ENCODERS
from ._oids import OIDS
from ._refusals import TextInput
from ._scalars import Encode

try:
    # There is no public name for it; without it rows are made here, in five times the time.
    from psycopg._copy_base import format_row_binary
except ImportError:  # pragma: no cover - of a driver to come
    format_row_binary = None

__all__ = ["COPY_HEADER", "COPY_TRAILER", "CopyRows"]

COPY_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
"""What the binary format begins with: its signature, no flags, no extension."""

COPY_TRAILER: Final = b"\xff\xff"
"""What it ends with."""

# What the compiled code refuses where it does not fit: an int in a text. A bool it takes for an
# int, and a datetime for a date.
_PLAIN = frozenset({int, float, str, bytes, datetime, UUID, type(None)})
# By type: its dumper and the Python types that it writes exactly.
_COMPILED: Mapping[str, tuple[Any, frozenset[type]]] = {
    "SMALLINT": (numeric.Int2BinaryDumper, frozenset({int})),
    "INTEGER": (numeric.Int4BinaryDumper, frozenset({int})),
    "BIGINT": (numeric.Int8BinaryDumper, frozenset({int})),
    "DOUBLE PRECISION": (numeric.FloatBinaryDumper, frozenset({int, float})),
    "TEXT": (string.StrBinaryDumper, frozenset({str})),
    "VARCHAR": (string.StrBinaryDumperVarchar, frozenset({str})),
    "BYTEA": (string.BytesBinaryDumper, frozenset({bytes})),
    "DATE": (times.DateBinaryDumper, frozenset({date})),
    "TIMESTAMP": (times.DatetimeNoTzBinaryDumper, frozenset({datetime})),
    "TIMESTAMPTZ": (times.DatetimeBinaryDumper, frozenset({datetime})),
    "UUID": (uuid.UUIDBinaryDumper, frozenset({UUID})),
}
_TAKEN = {OIDS[name]: types | {type(None)} for name, (_, types) in _COMPILED.items()}
# Beyond these the compiled code cuts bits off.
_BITS = {OIDS["SMALLINT"]: 16, OIDS["INTEGER"]: 32}
_TEXTS = frozenset({OIDS["TEXT"], OIDS["VARCHAR"]})
_REFUSED = (
    AttributeError,
    DataError,
    InfrastructureError,
    OverflowError,
    TextInput,
    TypeError,
    ValueError,
)
_pack_count = struct.Struct("!h").pack
_pack_length = struct.Struct("!i").pack
_NULL = _pack_length(-1)


class CopyRows:
    """How rows go to columns of these types by COPY; each type has an ``encoder_of``.

    One chunk at a time: it belongs to one thread.
    """

    __slots__ = ("_checks", "_count", "_encoders", "_getters", "_taken", "_transformer")

    def __init__(self, oids: Sequence[int]) -> None:
        self._encoders = [ENCODERS[oid] for oid in oids]
        self._count = _pack_count(len(oids))
        self._taken = [
            (itemgetter(at), _TAKEN[oid]) for at, oid in enumerate(oids) if oid in _TAKEN
        ]
        self._checks = [
            (itemgetter(at), check)
            for at, check in enumerate(map(_check, oids))
            if check is not None
        ]
        # A date is not plain: where there are some their columns are looked at one by one.
        self._transformer: abc.Transformer = Transformer(_ADAPTERS)
        self._transformer.set_dumper_types(oids, Format.BINARY)

    def encode(self, rows: Sequence[Sequence[Any]], first: int = 0) -> bytearray:
        """Return rows, each of as many values as there are columns, without header and trailer.

        A value that does not fit raises as its encoder does, a ``str`` for a type that is no
        text ``TextInput``, with ``row_index`` counted from ``first``.
        """
        if format_row_binary is not None and self._are_plain(rows):
            out = bytearray()
            transformer = self._transformer

            try:
                for row in rows:
                    format_row_binary(row, transformer, out)
            except _REFUSED:
                pass
            else:
                return out

        return self._encode_exactly(rows, first)

    def _are_plain(self, rows: Sequence[Sequence[Any]]) -> bool:
        """Return whether the compiled code writes these rows exactly, or fails."""
        types = set(map(type, chain.from_iterable(rows)))

        if not types <= _PLAIN and not all(
            set(map(type, map(get, rows))) <= taken for get, taken in self._taken
        ):
            return False

        if type(None) in types:
            return all(
                check([value for value in map(get, rows) if value is not None])
                for get, check in self._checks
            )

        try:
            return all(check(map(get, rows)) for get, check in self._checks)
        except TypeError:
            return False

    def _encode_exactly(self, rows: Sequence[Sequence[Any]], first: int) -> bytearray:
        out = bytearray()

        for index, row in enumerate(rows):
            try:
                values = [encode(value) for encode, value in zip(self._encoders, row, strict=True)]
            except (ValidationError, OperationError) as exc:
                exc.row_index = first + index
                raise

            out += self._count

            for value in values:
                out += _NULL if value is None else _pack_length(len(value)) + value

        return out


def _check(oid: int) -> Callable[[Iterable[Any]], bool] | None:
    """Return what looks at a column's values for what the compiled code would write wrongly."""
    if oid in _TEXTS:
        return lambda values: "\0" not in "".join(values)

    if oid not in _BITS:
        return None

    high = 1 << (_BITS[oid] - 1)

    def fits(values: Iterable[Any]) -> bool:
        numbers = list(values)
        return not numbers or (-high <= min(numbers) and max(numbers) < high)

    return fits


def _dumper(type_oid: int, encode: Encode) -> type[Dumper]:
    """Return a dumper of the driver's kind around an encoder of ours."""

    class _Dumper(Dumper):
        format = Format.BINARY
        oid = type_oid

        def dump(self, obj: Any) -> bytes | None:
            return encode(obj)

    return _Dumper


def _adapters() -> AdaptersMap:
    adapters = AdaptersMap()

    for oid, encode in ENCODERS.items():
        adapters.register_dumper(None, _dumper(oid, encode))

    for dumper, _ in _COMPILED.values():
        adapters.register_dumper(None, dumper)

    return adapters


_ADAPTERS = _adapters()
