"""Encoders of numbers."""

from __future__ import annotations

import math
import struct
from decimal import Decimal
from typing import Any

from psycopg.adapt import AdaptersMap, PyFormat, Transformer
from psycopg.types.numeric import DecimalBinaryDumper

from ....interfaces.exceptions import ValidationError
from ..._shown import shown
from ._refusals import TextInput, mismatch, out_of_range
from ._scalars import Encode

__all__ = ["floating", "integer", "numeric", "numeric_text"]

# What numeric holds before and after the point; the driver counts fewer digits.
_MOST_BEFORE = 131_072
_MOST_AFTER = 16_383
_WIDE = 1000
_NEGATIVE = 0x4000
_SPECIAL = {"NaN": 0xC000, "Infinity": 0xD000, "-Infinity": 0xF000}


def _decimal_dumper() -> Any:
    adapters = AdaptersMap()
    adapters.register_dumper(Decimal, DecimalBinaryDumper)
    return Transformer(adapters).get_dumper(Decimal(0), PyFormat.BINARY).dump


_dump = _decimal_dumper()


def integer(name: str, code: str) -> Encode:
    """Return the encoder of an integer type; ``code`` is its letter for ``struct``."""
    packer = struct.Struct(f"!{code}")
    pack = packer.pack
    bits = packer.size * 8
    low, high = (0, 2**bits - 1) if code.isupper() else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)

    def encode(value: Any) -> bytes | None:
        if type(value) is not int:
            if value is None:
                return None

            value = _to_int(name, value)

        try:
            return pack(value)
        except struct.error as exc:
            msg = f"{name} takes an int of {low} to {high}, got {shown(value)}"
            raise ValidationError(msg) from exc

    return encode


def floating(name: str, code: str) -> Encode:
    """Return the encoder of REAL or DOUBLE PRECISION."""
    pack = struct.Struct(f"!{code}").pack

    def encode(value: Any) -> bytes | None:
        if type(value) is not float:
            if value is None:
                return None

            value = _to_float(name, value)

        try:
            return pack(value)
        except OverflowError:
            out_of_range(name, value)

    return encode


def numeric(value: Any) -> bytes | None:
    """Encode NUMERIC: exactly, with its scale."""
    if type(value) is not Decimal:
        if value is None:
            return None

        value = _to_decimal(value)

    if not value.is_finite():
        return struct.pack("!hhHh", 0, 0, _SPECIAL[_special(value)], 0)

    if -_WIDE < value.adjusted() < _WIDE and len(str(value)) < _WIDE:
        return bytes(_dump(value))

    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)

    if value.adjusted() >= _MOST_BEFORE or -exponent > _MOST_AFTER:
        out_of_range("NUMERIC", value)

    return _wide(value)


def numeric_text(value: Any) -> bytes | None:
    """Return the text of a NUMERIC, which is made in a fifth of the time of the binary form."""
    if type(value) is not Decimal:
        if value is None:
            return None

        value = _to_decimal(value)

    return (str(value) if value.is_finite() else _special(value)).encode()


def _to_int(name: str, value: Any) -> int:
    if isinstance(value, str):
        raise TextInput

    if not isinstance(value, int) or isinstance(value, bool):
        mismatch(name, "an int", value)

    return int.__index__(value)


def _to_float(name: str, value: Any) -> float:
    if isinstance(value, float):
        return float.__float__(value)

    if isinstance(value, str):
        raise TextInput

    if not isinstance(value, (int, Decimal)) or isinstance(value, bool):
        mismatch(name, "a float, int or Decimal", value)

    try:
        number = float(value)
    except (OverflowError, ValueError) as exc:
        msg = f"{name} cannot hold the {type(value).__name__} {shown(value)}"
        raise ValidationError(msg) from exc

    # float() of a huge Decimal is infinity without a word.
    if math.isinf(number) and isinstance(value, Decimal) and value.is_finite():
        out_of_range(name, value)

    return number


def _to_decimal(value: Any) -> Decimal:
    if isinstance(value, Decimal):
        return Decimal(value)

    if isinstance(value, float):
        return Decimal(float.__repr__(value))

    if isinstance(value, str):
        raise TextInput

    if isinstance(value, bool) or not isinstance(value, int):
        mismatch("NUMERIC", "a Decimal, int or float", value)

    return Decimal(value)


def _special(value: Decimal) -> str:
    if value.is_snan():
        msg = "NUMERIC does not hold a signalling NaN"
        raise ValidationError(msg)

    # A NaN may carry digits, and a sign.
    return "NaN" if value.is_nan() else str(value)


def _wide(value: Decimal) -> bytes:
    """Return a numeric of thousands of digits: in groups of four, from the point both ways."""
    before, _, after = f"{value.copy_abs():f}".partition(".")
    before = before.lstrip("0")
    groups = -(-len(before) // 4)
    digits = before.rjust(groups * 4, "0") + after + "0" * (-len(after) % 4)
    numbers = [int(digits[start : start + 4]) for start in range(0, len(digits), 4)]
    weight = groups - 1
    first = next((index for index, number in enumerate(numbers) if number), len(numbers))
    numbers, weight = numbers[first:], weight - first

    while numbers and not numbers[-1]:
        numbers.pop()

    if not numbers:
        return struct.pack("!hhHh", 0, 0, 0, len(after))

    sign = _NEGATIVE if value < 0 else 0
    return struct.pack(f"!HhHh{len(numbers)}h", len(numbers), weight, sign, len(after), *numbers)
