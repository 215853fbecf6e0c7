"""Nested containers as one flat list: any scalar key, any depth, no recursion when it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

from ormsgpack import Ext

from ._ext import FIRST_FREE, READERS, WRITERS

__all__ = ["MAX_DEPTH", "SCALARS", "flatten", "read_step", "rebuild"]

MAX_DEPTH = 200
"""So deep may containers nest, at least; Python's own recursion limit is not far above."""

PLAIN = frozenset({type(None), bool, int, float, str})
"""What msgpack carries by itself; an ``int`` beyond 64 bits goes through its ext type."""

SCALARS = PLAIN | {bytes} | WRITERS.keys()
"""Every type that may be a key."""

_LIST, _TUPLE, _SET, _FROZENSET, _DICT = range(FIRST_FREE + 8, FIRST_FREE + 13)
_CODES: dict[type, int] = {
    list: _LIST,
    tuple: _TUPLE,
    set: _SET,
    frozenset: _FROZENSET,
    dict: _DICT,
}


_TEXT = frozenset({str})


class _Close:
    """Stands where a container ends: take the last ``count`` items off and ``make`` it."""

    __slots__ = ("count", "make")

    def __init__(self, make: Callable[[list[Any]], Any], data: bytes) -> None:
        self.make = make
        self.count = int.from_bytes(data, "big")


def _pairs(items: list[Any]) -> dict[Any, Any]:
    if not SCALARS.issuperset(map(type, items[::2])) or len(items) % 2:
        msg = "a dict needs a scalar key for each value"
        raise ValueError(msg)

    return dict(zip(items[::2], items[1::2], strict=True))


_CLOSERS: dict[int, Callable[[list[Any]], Any]] = {
    _LIST: list,
    _TUPLE: tuple,
    _SET: set,
    _FROZENSET: frozenset,
    _DICT: _pairs,
}


def read_step(code: int, data: bytes) -> Any:
    """Return what an ext type stands for in a program: a scalar, or the end of a container."""
    reader = READERS.get(code)
    return _Close(_CLOSERS[code], data) if reader is None else reader(data)


def flatten(value: Any, program: list[Any], depth: int = 0) -> None:
    """Append to ``program`` what ``rebuild`` makes ``value`` of; ``TypeError`` where it cannot."""
    kind = type(value)

    if kind in SCALARS or _is_native(value):
        program.append(value)
        return

    if depth >= MAX_DEPTH or kind not in _CODES:
        raise TypeError(kind)

    items: Iterable[Any] = value
    count = len(value)

    if kind is dict:
        if not SCALARS.issuperset(map(type, value)):
            raise TypeError(kind)

        items = chain.from_iterable(value.items())
        count *= 2

    for item in items:
        # Most are scalars: no call for each of them.
        if type(item) in SCALARS:
            program.append(item)
        else:
            flatten(item, program, depth + 1)

    program.append(Ext(_CODES[kind], count.to_bytes(4, "big")))


def _is_native(value: Any) -> bool:
    """Return whether msgpack carries a container by itself: then C writes and reads it."""
    if type(value) is list:
        return PLAIN.issuperset(map(type, value))

    return (
        type(value) is dict
        and _TEXT.issuperset(map(type, value))
        and PLAIN.issuperset(map(type, value.values()))
    )


def rebuild(program: list[Any]) -> Any:
    """Return the value that ``flatten`` took apart; ``ValueError`` when it is damaged."""
    # Python hashes a tuple by recursion without a check: forged data must not overflow the
    # stack. A short program cannot nest so deep.
    if len(program) > MAX_DEPTH:
        _refuse_too_deep(program)

    stack: list[Any] = []

    for step in program:
        if type(step) is _Close:
            start = _start(stack, step)
            stack[start:] = [step.make(stack[start:])]
        else:
            stack.append(step)

    (value,) = stack
    return value


def _start(stack: list[Any], step: _Close) -> int:
    start = len(stack) - step.count

    if start < 0:
        msg = "a container lacks items"
        raise ValueError(msg)

    return start


def _refuse_too_deep(program: list[Any]) -> None:
    depths: list[int] = []

    for step in program:
        depth = 0

        if type(step) is _Close:
            start = _start(depths, step)
            depth = 1 + max(depths[start:], default=0)
            del depths[start:]

        if depth > MAX_DEPTH:
            msg = "too deep"
            raise ValueError(msg)

        depths.append(depth)
