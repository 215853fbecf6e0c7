"""Lists, tuples and sets as arrays: in binary, and as PostgreSQL writes them in text."""

from __future__ import annotations

import struct
from collections.abc import Callable
from itertools import chain
from typing import Any

from ....interfaces.exceptions import ValidationError
from ..._shown import shown
from ._refusals import TextInput, mismatch
from ._scalars import Encode

__all__ = ["Frame", "array", "array_text", "fixed_frames", "text_frames"]

_MOST_DIMENSIONS = 6
_ARRAYS = (list, tuple, set, frozenset)
_pack_head = struct.Struct("!iii").pack
_pack_pair = struct.Struct("!ii").pack
_pack_length = struct.Struct("!i").pack
_NULL = _pack_length(-1)

Frame = tuple[type, Callable[[list[Any]], list[bytes]]]
"""A Python type, and what makes the lengths and binary forms of values that are all of it."""


def fixed_frames(kind: type, code: str) -> Frame:
    """Return the frames of a type of one length; ``code`` is its letter for ``struct``."""
    packer = struct.Struct(f"!i{code}")
    pack, length = packer.pack, packer.size - 4
    return kind, lambda items: [pack(length, item) for item in items]


def text_frames(items: list[str]) -> list[bytes]:
    """Return the frames of texts."""
    if "\0" in "".join(items):
        raise ValueError

    return [_pack_length(len(data)) + data for data in map(str.encode, items)]


def array(
    name: str, oid: int, encode_item: Encode, frame: Frame | None = None, *, nested: bool = True
) -> Encode:
    """Return the encoder of arrays of a type; ``nested`` where a list inside is a dimension."""

    def encode(value: Any) -> bytes | None:
        if value is None:
            return None

        if isinstance(value, str):
            raise TextInput

        dimensions, items = _shape(name, value, nested=nested)
        parts, has_null = _framed(items, frame) or _parts(items, encode_item)
        head = _pack_head(len(dimensions), has_null, oid)
        return head + b"".join([_pack_pair(length, 1) for length in dimensions] + parts)

    return encode


def array_text(name: str, value: Any, write_item: Callable[[Any], str]) -> str:
    """Return an array as PostgreSQL's text, with its items as ``write_item`` gives them."""
    dimensions, items = _shape(name, value, nested=True)
    texts = ["NULL" if item is None else _quoted(write_item(item)) for item in items]

    for length in reversed(dimensions[1:]):
        texts = [
            "{" + ",".join(texts[start : start + length]) + "}"
            for start in range(0, len(texts), length)
        ]

    return "{" + ",".join(texts) + "}"


def _framed(items: list[Any], frame: Frame | None) -> tuple[list[bytes], bool] | None:
    """Return the frames of items that are all of the plain type, and all fit."""
    if frame is None or set(map(type, items)) != {frame[0]}:
        return None

    try:
        return frame[1](items), False
    except (struct.error, ValueError):
        return None


def _parts(items: list[Any], encode_item: Encode) -> tuple[list[bytes], bool]:
    parts: list[bytes] = []
    has_null = False

    for item in items:
        data = encode_item(item)

        if data is None:
            has_null = True
            parts.append(_NULL)
        else:
            parts += (_pack_length(len(data)), data)

    return parts, has_null


def _shape(name: str, value: Any, *, nested: bool) -> tuple[list[int], list[Any]]:
    """Return the lengths of an array's dimensions, none where it is empty, and its items."""
    if not isinstance(value, _ARRAYS):
        mismatch(name, "a list, tuple or set", value)

    items = list(value)
    dimensions = [len(items)]

    while nested and any(isinstance(item, (list, tuple)) for item in items):
        lengths = {len(item) if isinstance(item, (list, tuple)) else -1 for item in items}

        if len(lengths) > 1:
            msg = f"{name} takes lists of one length in a list, got {shown(value)}"
            raise ValidationError(msg)

        dimensions += lengths
        items = list(chain.from_iterable(items))

        if len(dimensions) > _MOST_DIMENSIONS:
            msg = f"{name} takes at most {_MOST_DIMENSIONS} dimensions, got {shown(value)}"
            raise ValidationError(msg)

    return (dimensions, items) if items else ([], [])


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
