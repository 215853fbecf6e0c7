"""Dicts whose keys msgpack carries by itself, though its packer would bend others."""

from __future__ import annotations

import datetime as dt

import pytest

from infrastructure._core.codec import decode, encode
from infrastructure.conformance._values import same
from infrastructure.interfaces import ValidationError


@pytest.mark.parametrize(
    "value",
    [
        {1: {2.5: [{None: {b"k": ({True: {1: 2}},)}}]}},
        [{1: 1}, {"a": {2: 2}}],
        ({1: bytearray(b"x")},),
        {1: {dt.date(2024, 1, 1): 2}},
        {1: {2**70: 3}},
        {1: (((((((2,),),),),),),)},
    ],
    ids=repr,
)
def test_dicts_with_keys_that_msgpack_carries_are_exact(value) -> None:
    """At any depth, beside keys that it does not carry, and what it takes for bytes is refused."""
    if "bytearray" in repr(value):
        with pytest.raises(ValidationError, match="bytearray"):
            encode(value)
    else:
        assert same(decode(encode(value)), value)


def test_a_dict_that_contains_itself_is_refused_by_any_key() -> None:
    """Whoever looks at its keys first does not look for ever."""
    value: dict[int, object] = {1: None}
    value[2] = [value]

    with pytest.raises(ValidationError, match="contains itself"):
        encode(value)
