"""C2, C7, E2 and G9: answers that come in pieces, late, damaged, or only in part."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from ...interfaces import CachingInterface, InfrastructureError
from .._breaking import DEADLINE, PATIENT, answers, ends, faults_of
from .._check import check
from .._expect import equal, exactly
from .._harness import CachingHarness
from .._values import PROBES, same
from ._works import hurried

__all__ = [
    "C2_answers_in_single_bytes_are_right",
    "C2_late_answers_are_right",
    "C7_a_scan_whose_answer_is_cut_is_whole",
    "E2_a_damaged_answer_is_an_error_of_ours",
    "G9_a_read_whose_answer_is_cut_is_whole",
]

_KEYS = [f"key {number}" for number in range(5)]


async def _all_right(cache: CachingInterface) -> None:
    """Use every method, many at once, and look at each answer."""
    names, began = list(PROBES), time.monotonic()
    await asyncio.gather(*(cache.set(name, PROBES[name], 600) for name in names))
    found = await asyncio.gather(*(cache.get(name) for name in names))

    for name, value in zip(names, found, strict=True):
        assert same(value, PROBES[name]), f"{name}: got {value!r:.100}"

    equal(sorted(await cache.scan_keys("int *")), sorted(n for n in names if n[:4] == "int "))
    left = await cache.ttl(names[0])
    # However long a slow network takes: it is no fault of the cache.
    passed = time.monotonic() - began
    assert left is not None, "ttl gave None"
    assert 599 - passed <= left <= 600, f"ttl gave {left!r}, {passed:.1f} s after 600 was set"
    exactly(await cache.delete(names[0]), True)
    exactly(await cache.exists(names[0]), False)
    exactly(await cache.delete(names[0]), False)


@check(kind="fault")
async def C2_answers_in_single_bytes_are_right(harness: CachingHarness) -> None:
    """A network that carries byte after byte, either way: every answer is whole, and its own."""
    proxy = faults_of(harness).proxy

    async with harness.make(deadline=10.0) as cache:
        proxy.split(1)
        await _all_right(cache)
        proxy.heal()

    proxy.split(1)

    async with harness.make(deadline=10.0) as cache:
        equal(await cache.get("int zero"), 0)


@check(kind="fault")
async def C2_late_answers_are_right(harness: CachingHarness) -> None:
    """A slow network: every answer is its own, and none is given up before the deadline."""
    proxy = faults_of(harness).proxy
    proxy.delay(0.03)

    async with harness.make(deadline=5.0) as cache:
        await _all_right(cache)
        # Slower than one that just connected would expect.
        proxy.delay(0.3, "to_client")
        equal(await cache.get("int zero"), 0)


async def _every_cut(
    harness: CachingHarness,
    cache: CachingInterface,
    call: Callable[[], Awaitable[Any]],
    wanted: Any,
) -> None:
    """Cut the answer to ``call`` after each of its bytes: it is asked again, and all of it comes."""
    proxy = faults_of(harness).proxy
    await call()
    before = proxy.bytes_to_client
    equal(await call(), wanted)
    length = proxy.bytes_to_client - before

    for after in range(1, length + 1):
        proxy.truncate(after, "to_client")
        found = await answers(call, f"a call, its answer cut after {after} of {length} bytes")
        assert found == wanted, f"cut after {after} of {length} bytes, it gave {found!r:.200}"
        proxy.heal()
        await answers(lambda: cache.exists("nothing"), "exists afterwards")


@check(kind="fault")
async def G9_a_read_whose_answer_is_cut_is_whole(harness: CachingHarness) -> None:
    """The connection ends after each byte of it: the value comes all the same, never a part."""
    value = ["whole", {"a": b"12345"}]

    async with harness.make(deadline=PATIENT) as cache:
        await cache.set_many({"one": value, "two": "2"})
        await _every_cut(harness, cache, lambda: cache.get("one"), value)
        await _every_cut(
            harness, cache, lambda: cache.get_many(["one", "two"]), {"one": value, "two": "2"}
        )


@check(kind="fault")
async def C7_a_scan_whose_answer_is_cut_is_whole(harness: CachingHarness) -> None:
    """The connection ends after each byte of it: all keys come all the same, each once."""
    keys = _KEYS[:2]

    async with harness.make(deadline=PATIENT) as cache:
        await cache.set_many(dict.fromkeys(keys, 1))

        async def scan() -> list[str]:
            return sorted(await cache.scan_keys("key *"))

        await _every_cut(harness, cache, scan, keys)


@check(kind="fault")
async def E2_a_damaged_answer_is_an_error_of_ours(harness: CachingHarness) -> None:
    """Each bit of its first byte wrong in turn: an error or the value, and the next is its own."""
    proxy = faults_of(harness).proxy

    async with hurried(harness, **{key: (key,) for key in _KEYS}) as cache:
        for bit in range(8):
            proxy.flip(0, "to_client", bit=bit)
            found = await ends(lambda: cache.get(_KEYS[0]), DEADLINE, f"get, bit {bit} damaged")
            proxy.heal()
            right = isinstance(found, InfrastructureError) or found == (_KEYS[0],)
            assert right, f"get, bit {bit} of the answer damaged, gave {found!r:.200}"

            for key in _KEYS:
                equal(await answers(partial(cache.get, key), f"{key!r} afterwards"), (key,))
