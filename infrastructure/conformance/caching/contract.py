"""G1: the interface is the specification's, and the simple use is simple."""

from __future__ import annotations

import inspect

from ...interfaces import CachingInterface
from .._check import check
from .._expect import equal
from .._harness import CachingHarness

__all__ = ["G1_async_with_connects_and_disconnects", "G1_the_methods_are_those_specified"]

_METHODS = ("connect", "disconnect", "get", "set", "delete", "exists", "ttl", "scan_keys")
_MIXINS = ("get_many", "set_many", "delete_many", "get_or_set")


@check()
async def G1_the_methods_are_those_specified(harness: CachingHarness) -> None:
    """A cache is a CachingInterface whose methods take what the interface's take."""
    cache = harness.make()
    assert isinstance(cache, CachingInterface), f"{type(cache).__name__} is no CachingInterface"

    for name in _METHODS + _MIXINS:
        method = getattr(cache, name)
        assert inspect.iscoroutinefunction(method), f"{name} is not an async function"
        wanted = list(inspect.signature(getattr(CachingInterface, name)).parameters.values())[1:]
        got = list(inspect.signature(method).parameters.values())
        shown = [(one.name, one.default) for one in got[: len(wanted)]]
        assert shown == [(one.name, one.default) for one in wanted], f"{name} takes {shown}"
        more = [one.name for one in got[len(wanted) :] if one.default is one.empty]
        assert not more, f"{name} demands {more} beyond the interface"


@check()
async def G1_async_with_connects_and_disconnects(harness: CachingHarness) -> None:
    """``async with cache as c`` gives the connected cache itself."""
    cache = harness.make()

    async with cache as entered:
        assert entered is cache, "async with gave another object"
        await cache.set("key", 1)
        equal(await cache.get("key"), 1)
