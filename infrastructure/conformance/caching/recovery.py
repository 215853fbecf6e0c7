"""G6: the first call after the peer is back succeeds."""

from __future__ import annotations

import asyncio
import time

from ...interfaces import CachingInterface, ConnectionError, InfrastructureError, TimeoutError
from .._breaking import DEADLINE, Silence, answers, ends, faults_of, frozen, silent
from .._check import check
from .._expect import equal
from .._harness import CachingHarness

__all__ = [
    "G6_a_call_succeeds_after_a_freeze",
    "G6_a_call_succeeds_after_a_restart",
    "G6_a_call_succeeds_after_refusals",
    "G6_a_call_succeeds_after_silence",
    "G6_many_callers_come_back_together",
]

# Long enough for a back-off to grow to what nobody wants to wait for.
_AWAY = 0.8


async def _first_calls_succeed(cache: CachingInterface) -> None:
    """The first read and the first write, without a try before them."""
    equal(await answers(lambda: cache.get("mine"), "the first read"), "own")
    await answers(lambda: cache.set("key", "new"), "the first write")
    equal(await cache.get("key"), "new")


async def _after(harness: CachingHarness, silence: Silence) -> None:
    async with harness.make(deadline=DEADLINE) as cache:
        await cache.set("mine", "own")

        async with silence(faults_of(harness)):
            late = await asyncio.gather(
                *(ends(lambda: cache.get("mine"), DEADLINE, "get") for _ in range(20))
            )
            assert all(isinstance(one, TimeoutError) for one in late), f"get gave {late!r:.200}"

        await _first_calls_succeed(cache)


@check(kind="fault")
async def G6_a_call_succeeds_after_silence(harness: CachingHarness) -> None:
    """The network carries again: the first call, after twenty that timed out, succeeds in 1 s."""
    await _after(harness, silent)


@check(kind="fault", feature="server_faults")
async def G6_a_call_succeeds_after_a_freeze(harness: CachingHarness) -> None:
    """The server goes on: the first call, after twenty that timed out, succeeds in 1 s."""
    await _after(harness, frozen)


async def _fail_for_a_while(cache: CachingInterface) -> None:
    """Call again and again, as users do; each is refused or times out."""
    until = time.monotonic() + _AWAY

    while time.monotonic() < until:
        error = await ends(lambda: cache.set("key", "lost"), DEADLINE, "set without a server")
        refused = isinstance(error, ConnectionError | TimeoutError)
        assert refused, f"set without a server gave {error!r}"
        await asyncio.sleep(0.01)


@check(kind="fault")
async def G6_a_call_succeeds_after_refusals(harness: CachingHarness) -> None:
    """The server accepts again: the first call connects at once, however often it was refused."""
    proxy = faults_of(harness).proxy

    async with harness.make(deadline=DEADLINE) as cache:
        await cache.set("mine", "own")
        proxy.refuse()
        proxy.reset()
        await _fail_for_a_while(cache)
        proxy.heal()
        await answers(lambda: cache.set("key", "first"), "the first write")
        equal(await answers(lambda: cache.get("mine"), "the first read"), "own")


@check(kind="fault", feature="server_faults")
async def G6_a_call_succeeds_after_a_restart(harness: CachingHarness) -> None:
    """The server was killed and runs again: the first call succeeds in 1 s."""
    faults = faults_of(harness)

    async with harness.make(deadline=DEADLINE) as cache:
        await cache.set("mine", "own")
        await faults.kill()
        await _fail_for_a_while(cache)
        await faults.start()
        await answers(lambda: cache.set("key", "first"), "the first write")
        equal(await cache.get("key"), "first")


@check(kind="fault")
async def G6_many_callers_come_back_together(harness: CachingHarness) -> None:
    """Fifty first calls at once all succeed in 1 s: they share what is being connected."""
    proxy = faults_of(harness).proxy

    async with harness.make(deadline=DEADLINE) as cache:
        await cache.set("mine", "own")
        proxy.refuse()
        proxy.reset()
        error = await ends(lambda: cache.get("mine"), DEADLINE, "get without a server")
        assert isinstance(error, InfrastructureError), f"get without a server gave {error!r}"
        proxy.heal()
        found = await asyncio.gather(
            *(answers(lambda: cache.get("mine"), "a first read") for _ in range(50))
        )
        equal(found, ["own"] * 50)
