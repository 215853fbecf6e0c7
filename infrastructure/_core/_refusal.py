"""Says what of a value cannot be encoded, and where it is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from ..interfaces.exceptions import ValidationError
from ._ext import zone_fits
from ._program import MAX_DEPTH, SCALARS

__all__ = ["JSON_TYPES", "MAX_DEPTH", "TYPES", "refuse"]

TYPES = SCALARS | {list, tuple, set, frozenset, dict}
JSON_TYPES = frozenset({type(None), bool, int, float, str, list, dict})

_CONTAINERS = frozenset({list, tuple, set, frozenset, dict})


def refuse(value: Any, path: str, types: frozenset[type]) -> None:
    """Raise ``ValidationError`` for the first part of ``value`` that is not of ``types``.

    Only what already failed comes here, or what has no faster way: it looks at every part.
    """
    try:
        _look(value, path, types, {})
    except RecursionError as exc:
        msg = f"{path[:200]} nests too deep to be encoded"
        raise ValidationError(msg) from exc


def _look(value: Any, path: str, types: frozenset[type], above: dict[int, None]) -> None:
    if type(value) not in types:
        names = ", ".join(sorted(kind.__name__ for kind in types))
        msg = (
            f"{path} is of type {_name(value)}, which cannot be encoded; convert it to one of: {names} "
            "(exact types, no subclasses)"
        )
        raise ValidationError(msg)

    if type(value) not in _CONTAINERS:
        _look_closer(value, path)
        return

    if id(value) in above:
        msg = f"{path} contains itself"
        raise ValidationError(msg)

    if len(above) >= MAX_DEPTH:
        msg = f"{path[:200]}... nests deeper than {MAX_DEPTH} containers"
        raise ValidationError(msg)

    above[id(value)] = None

    for item, where in _parts(value, path, types):
        _look(item, where, types, above)

    del above[id(value)]


def _parts(value: Any, path: str, types: frozenset[type]) -> Iterator[tuple[Any, str]]:
    if type(value) is dict:
        allowed = SCALARS if types is TYPES else frozenset({str})

        for key, item in value.items():
            _look_at_key(key, path, allowed)
            yield item, f"{path}[{key!r:.60}]"
    elif type(value) in (list, tuple):
        for index, item in enumerate(value):
            yield item, f"{path}[{index}]"
    else:
        for item in value:
            yield item, f"an element of {path}"


def _look_at_key(key: Any, path: str, allowed: frozenset[type]) -> None:
    if type(key) not in allowed:
        names = ", ".join(sorted(kind.__name__ for kind in allowed))
        msg = f"a key of {path} is of type {_name(key)}; a key is one of: {names}"
        raise ValidationError(msg)

    _look_closer(key, f"the key {key!a:.60} of {path}")


def _look_closer(value: Any, path: str) -> None:
    if type(value) is str:
        try:
            value.encode()
        except UnicodeEncodeError as exc:
            msg = f"{path} cannot be encoded in UTF-8: {exc.reason} at {exc.start}"
            raise ValidationError(msg) from exc
    elif type(value) in (dt.datetime, dt.time) and not zone_fits(value.tzinfo):
        msg = (
            f"{path} has a tzinfo of type {_name(value.tzinfo)}; use datetime.timezone, or a "
            "zoneinfo.ZoneInfo with a key"
        )
        raise ValidationError(msg)


def _name(value: Any) -> str:
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
