"""Whatever the contract allows comes back exactly; whatever bytes come, nothing else is raised."""

from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import given, strategies as st

from infrastructure._core.codec import decode, encode
from infrastructure.conformance._values import same
from infrastructure.interfaces import OperationError

from .values import values


@given(values)
def test_a_value_comes_back_exactly(value: Any) -> None:
    """Any nesting of any types of the contract."""
    assert same(decode(encode(value)), value)


@given(values)
def test_encoding_is_a_copy(value: Any) -> None:
    """The data can be read again and again."""
    data = encode(value)
    decode(data)
    assert same(decode(data), value)


@given(st.binary(max_size=64), st.booleans())
def test_any_bytes_are_a_value_or_an_operation_error(data: bytes, ours: bool) -> None:
    """No other exception comes out of decode."""
    with contextlib.suppress(OperationError):
        decode(b"\x92" + data if ours else data)


@given(values, st.integers(0, 10_000), st.integers(0, 255))
def test_one_changed_byte_is_a_value_or_an_operation_error(value: Any, at: int, byte: int) -> None:
    """Neither does one of data that was ours."""
    data = bytearray(encode(value))
    data[at % len(data)] = byte

    with contextlib.suppress(OperationError):
        decode(bytes(data))
