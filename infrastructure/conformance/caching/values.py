"""C2 and C3: every value comes back as it was, and as the caller's own."""

from __future__ import annotations

import datetime as dt
import enum
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

from ...interfaces import ValidationError
from .._check import check
from .._expect import equal, exactly, raises
from .._harness import CachingHarness
from .._values import DEEP, PROBES, same

__all__ = [
    "C2_a_circular_value_is_refused",
    "C2_a_refused_value_leaves_the_old_one",
    "C2_every_type_comes_back_exactly",
    "C2_later_changes_of_the_caller_are_not_stored",
    "C2_other_types_are_refused",
    "C2_what_get_returns_is_the_callers_own",
    "C3_a_miss_is_none",
    "C3_a_stored_none_exists",
    "G11_a_value_over_16_mib_is_refused",
    "G13_a_value_that_pickles_runs_nothing",
]


class _Colour(enum.IntEnum):
    RED = 1


class _Point(NamedTuple):
    x: int
    y: int


class _Text(str):
    __slots__ = ()


class _Planted:
    """What pickle would call a function for."""

    called = False

    def __reduce__(self) -> tuple[Callable[[], None], tuple[()]]:
        return _Planted.call, ()

    @staticmethod
    def call() -> None:
        _Planted.called = True


class _Moment(dt.datetime):
    """As pandas and pendulum have one."""


_OTHERS: dict[str, Any] = {
    "an object": object(),
    "a class": int,
    "a function": len,
    "complex": 1j,
    "a range": range(3),
    "a bytearray": bytearray(b"x"),
    "a bytearray inside": {"a": [1, bytearray(b"x")]},
    "an enum member": _Colour.RED,
    "an enum member as a key": {_Colour.RED: 1},
    "a str subclass": _Text("x"),
    "a datetime subclass": _Moment(2024, 1, 2),
    "a datetime subclass inside": [_Moment(2024, 1, 2)],
    "a namedtuple": _Point(1, 2),
    "an OrderedDict": OrderedDict(a=1),
    "a tuple as a key": {(1, 2): 3},
    "a lone surrogate": "\ud800",
    "a lone surrogate inside": ["a", {"b": "\udfff"}],
    "a tzinfo of another kind": dt.datetime(2024, 1, 1, tzinfo=type("Zone", (dt.tzinfo,), {})()),
}


@check()
async def C2_every_type_comes_back_exactly(harness: CachingHarness) -> None:
    """Each type of the contract, alone and nested, keeps its exact type and value."""
    # A backend may keep a scalar as it is, and encode what contains one.
    nested = {f"{name}, nested": [value, {"of": (value,)}] for name, value in PROBES.items()}
    probes = {**PROBES, **nested, "deep": DEEP}

    async with harness.make() as cache:
        for name, value in probes.items():
            await cache.set(name, value)

        bent = {
            name: got
            for name, value in probes.items()
            if not same(got := await cache.get(name), value)
        }
        assert not bent, f"came back otherwise than they were stored: {bent!r}"


@check()
async def C2_other_types_are_refused(harness: CachingHarness) -> None:
    """A type outside the contract, subclasses too, is a ValidationError and stores nothing."""
    async with harness.make() as cache:
        for name, value in _OTHERS.items():
            await raises(ValidationError, lambda value=value: cache.set("key", value), name)  # type: ignore[misc]  # bound at once
            assert not await cache.exists("key"), f"{name} was refused and stored all the same"


@check()
async def C2_a_circular_value_is_refused(harness: CachingHarness) -> None:
    """A value that contains itself, or nests without end, is a ValidationError."""
    circular: list[Any] = []
    circular.append({"a": circular})
    deep: Any = 1

    for _ in range(5000):
        deep = [deep]

    async with harness.make() as cache:
        await raises(ValidationError, lambda: cache.set("key", circular), "a circular value")
        await raises(ValidationError, lambda: cache.set("key", deep), "a value 5,000 levels deep")


@check()
async def C2_a_refused_value_leaves_the_old_one(harness: CachingHarness) -> None:
    """After a ValidationError the key has the value that it had."""
    async with harness.make() as cache:
        await cache.set("key", "old")
        await raises(ValidationError, lambda: cache.set("key", object()), "an object")
        await raises(ValidationError, lambda: cache.set("key", "new", -1), "ttl=-1")
        equal(await cache.get("key"), "old")


@check()
async def C2_what_get_returns_is_the_callers_own(harness: CachingHarness) -> None:
    """Changing what get returned changes neither the stored value nor anybody else's."""
    async with harness.make() as cache:
        await cache.set("key", {"list": [1], "set": {1}})
        first, second = await cache.get("key"), await cache.get("key")
        assert first is not None
        assert second is not None
        first["list"].append(2)
        first["set"].add(2)
        first["new"] = True
        assert second == {"list": [1], "set": {1}}, "two callers share one value"
        assert await cache.get("key") == {"list": [1], "set": {1}}, "the stored value changed"


@check()
async def C2_later_changes_of_the_caller_are_not_stored(harness: CachingHarness) -> None:
    """The value is that of the moment of set."""
    value = {"list": [1]}

    async with harness.make() as cache:
        await cache.set("key", value)
        value["list"].append(2)
        assert await cache.get("key") == {"list": [1]}, "the cache shares its value with the setter"


@check()
async def C3_a_miss_is_none(harness: CachingHarness) -> None:
    """A key that was never set gives None and does not exist."""
    async with harness.make() as cache:
        exactly(await cache.get("nobody"), None)
        exactly(await cache.exists("nobody"), False)


@check()
async def C3_a_stored_none_exists(harness: CachingHarness) -> None:
    """A stored None gives None, exists, is listed and is removed as any value."""
    async with harness.make() as cache:
        await cache.set("key", None)
        exactly(await cache.get("key"), None)
        assert await cache.exists("key") is True, "a stored None does not exist"
        assert await cache.scan_keys("*") == ["key"], "a stored None is not listed"
        assert await cache.delete("key") is True, "a stored None was not removed"
        exactly(await cache.exists("key"), False)


@check()
async def G11_a_value_over_16_mib_is_refused(harness: CachingHarness) -> None:
    """What encodes to more than 16 MiB is a ValidationError; a little less is kept."""
    size = 16 * 2**20

    async with harness.make() as cache:
        for value in (b"x" * (size + 1), "x" * (size + 1), ["x" * (size // 2)] * 3):
            await raises(ValidationError, lambda value=value: cache.set("key", value), "16 MiB")  # type: ignore[misc]  # bound at once

        await cache.set("key", [b"x" * (size - 1024)])
        (got,) = await cache.get("key") or [b""]
        equal(len(got), size - 1024)


@check()
async def G13_a_value_that_pickles_runs_nothing(harness: CachingHarness) -> None:
    """An object whose pickle calls a function is refused, and nothing is called."""
    # Another backend may have been asked in this process, and have run it.
    _Planted.called = False

    async with harness.make() as cache:
        await raises(ValidationError, lambda: cache.set("key", _Planted()), "an object")
        await raises(ValidationError, lambda: cache.set("key", [_Planted()]), "an object inside")
        await cache.get("key")
        assert not _Planted.called, "storing and reading ran a function"
