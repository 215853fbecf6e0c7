"""G6: the first call after the peer is back succeeds."""

from __future__ import annotations

from functools import partial

from ...interfaces import CachingInterface
from .._breaking import answers, faults_of
from .._check import check
from .._expect import equal
from .._fault_checks.outages import come_back_together, fail_for_a_while, late
from .._harness import CachingHarness
from .._outages import Outage, frozen, killed, refused, silent
from ._works import hurried

__all__ = [
    "G6_a_call_succeeds_after_a_freeze",
    "G6_a_call_succeeds_after_a_restart",
    "G6_a_call_succeeds_after_refusals",
    "G6_a_call_succeeds_after_silence",
    "G6_many_callers_come_back_together",
]


async def _first_calls_succeed(cache: CachingInterface) -> None:
    """The first read and the first write, without a try before them."""
    equal(await answers(lambda: cache.get("mine"), "the first read"), "own")
    await answers(lambda: cache.set("key", "new"), "the first write")
    equal(await answers(lambda: cache.get("key"), "a read"), "new")


async def _after(harness: CachingHarness, outage: Outage) -> None:
    async with hurried(harness, mine="own") as cache:
        async with outage(faults_of(harness)):
            await late({f"get {number}": partial(cache.get, "mine") for number in range(20)})

        await _first_calls_succeed(cache)


@check(kind="fault")
async def G6_a_call_succeeds_after_silence(harness: CachingHarness) -> None:
    """The network carries again: the first call, after twenty that timed out, succeeds in 1 s."""
    await _after(harness, silent)


@check(kind="fault", feature="server_faults")
async def G6_a_call_succeeds_after_a_freeze(harness: CachingHarness) -> None:
    """The server goes on: the first call, after twenty that timed out, succeeds in 1 s."""
    await _after(harness, frozen)


@check(kind="fault")
async def G6_a_call_succeeds_after_refusals(harness: CachingHarness) -> None:
    """The server accepts again: the first call connects at once, however often it was refused."""
    async with hurried(harness, mine="own") as cache:
        async with refused(faults_of(harness)):
            await fail_for_a_while(lambda: cache.set("key", "lost"), "set without a server")

        await answers(lambda: cache.set("key", "first"), "the first write")
        equal(await answers(lambda: cache.get("mine"), "the first read"), "own")


@check(kind="fault", feature="server_faults")
async def G6_a_call_succeeds_after_a_restart(harness: CachingHarness) -> None:
    """The server was killed and runs again: the first call succeeds in 1 s."""
    async with hurried(harness, mine="own") as cache:
        async with killed(faults_of(harness)):
            await fail_for_a_while(lambda: cache.set("key", "lost"), "set without a server")

        await answers(lambda: cache.set("key", "first"), "the first write")
        equal(await answers(lambda: cache.get("key"), "the first read"), "first")


@check(kind="fault")
async def G6_many_callers_come_back_together(harness: CachingHarness) -> None:
    """Fifty first calls at once all succeed in 1 s: they share what is being connected."""
    async with hurried(harness, mine="own") as cache:
        found = await come_back_together(harness, lambda: cache.get("mine"), "read")
        equal(found, ["own"] * 50)
