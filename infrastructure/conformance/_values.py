"""Values of every type that a cache and a message keep, and the comparison that misses nothing."""

from __future__ import annotations

import struct
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

__all__ = ["DEEP", "PROBES", "same"]

_TEHRAN = timezone(timedelta(hours=3, minutes=30))
_BERLIN = ZoneInfo("Europe/Berlin")


def _deep(levels: int) -> Any:
    value: Any = b"x"

    for _ in range(levels):
        value = [(value,)]

    return value


PROBES: Final[Mapping[str, Any]] = {
    "none": None,
    "true": True,
    "false": False,
    "int zero": 0,
    "int negative": -7,
    "int 64 bits": 2**64 - 1,
    "int beyond 64 bits": -(2**200),
    "float": 0.1,
    "float minus zero": -0.0,
    "float that is whole": 3.0,
    "float nan": float("nan"),
    "float infinity": float("-inf"),
    "str empty": "",
    "str digits": "42",
    "str persian": "سلام\u200cدنیا",
    "str with nul": "a\x00b",
    "bytes": b"\x00\xff\x80",
    "bytes empty": b"",
    "list": [1, "a", None, [2.5, []]],
    "tuple": (1, (2, ()), [3]),
    "set": {1, "a", (2, 3)},
    "set empty": set(),
    "frozenset": frozenset({frozenset({1}), b"x"}),
    "dict": {"a": 1, "": {"b": [None]}},
    "dict int keys": {1: "int", 2: "two", -3: None},
    "dict keys of each scalar": {
        None: 1,
        True: 2,
        2: 3,
        1.5: 4,
        b"b": 5,
        "s": 6,
        datetime(2024, 1, 2, 3, 4, tzinfo=UTC): 7,
        date(2024, 1, 2): 8,
        time(3, 4): 9,
        timedelta(1): 10,
        Decimal("1.10"): 11,
        UUID(int=12): 12,
    },
    "dict key true": {True: "bool"},
    "dict key 1.0": {1.0: "float"},
    "dict like a tag": {"__type__": "tuple", "value": [1]},
    "datetime naive": datetime(2024, 2, 29, 23, 59, 59, 999999),  # noqa: DTZ001 - naive on purpose
    "datetime naive and fold": datetime(2024, 10, 27, 2, 30, fold=1),  # noqa: DTZ001 - as above
    "datetime utc": datetime(2024, 1, 2, tzinfo=UTC),
    "datetime offset": datetime(2024, 1, 2, 3, tzinfo=_TEHRAN),
    "datetime named offset": datetime(2024, 1, 2, tzinfo=timezone(timedelta(hours=1), "ours")),
    "datetime zone": datetime(2024, 7, 1, tzinfo=_BERLIN),
    "datetime fold": datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=_BERLIN),
    "date": date(1, 1, 1),
    "time": time(12, 30, 0, 1),
    "time offset": time(12, 30, tzinfo=_TEHRAN),
    "time zone and fold": time(2, 30, fold=1, tzinfo=_BERLIN),
    "timedelta": timedelta(days=-1, microseconds=1),
    "decimal": Decimal("-1.500"),
    "decimal exponent": Decimal("1E+400"),
    "decimal nan": Decimal("NaN"),
    "decimal signalling nan": Decimal("sNaN12"),
    "decimal minus zero": Decimal("-0.00"),
    "uuid": UUID("12345678-1234-5678-1234-567812345678"),
    "nested": [{"t": (Decimal(1), {date(2024, 1, 1)})}, {UUID(int=1): [b"x", (None,)]}],
}
"""By name; each is a corner at which some serialiser bends the type."""


DEEP: Final = _deep(30)
"""Deeper than the recursion of most serialisers is quick: sixty containers."""


def same(left: Any, right: Any) -> bool:
    """Return whether two values are equal in type and in all that ``==`` overlooks.

    Also the sign of zero, nan, the exponent of a ``Decimal``, ``tzinfo`` and ``fold``, at every
    depth. The order of a dict or a set does not count.
    """
    if type(left) is not type(right):
        return False

    if isinstance(left, float):
        return struct.pack("d", left) == struct.pack("d", right)

    if isinstance(left, Decimal):
        return bool(left.as_tuple() == right.as_tuple())

    if isinstance(left, (datetime, time)):
        return _same_time(left, right)

    if isinstance(left, dict):
        return _same_set(left.items(), right.items())

    if isinstance(left, (list, tuple)):
        return _same_items(left, right)

    if isinstance(left, (set, frozenset)):
        return _same_set(left, right)

    return bool(left == right)


def _same_items(left: list[Any] | tuple[Any, ...], right: list[Any] | tuple[Any, ...]) -> bool:
    return len(left) == len(right) and all(map(same, left, right))


def _same_set(left: Collection[Any], right: Collection[Any]) -> bool:
    return len(left) == len(right) and all(any(same(one, two) for two in right) for one in left)


def _same_time(left: datetime | time, right: Any) -> bool:
    plain = bool(left.replace(tzinfo=None) == right.replace(tzinfo=None))
    return plain and left.fold == right.fold and _zone(left.tzinfo) == _zone(right.tzinfo)


def _zone(zone: Any) -> Any:
    if isinstance(zone, ZoneInfo):
        return zone.key

    return zone and (type(zone), zone.utcoffset(None), zone.tzname(None))
