"""G5, E3, C9: a server that answers nobody holds nobody up."""

from __future__ import annotations

import asyncio

from ...interfaces import deadline
from .._breaking import DEADLINE, PREPARING, answers, ends, faults_of, of
from .._check import check
from .._expect import beside, equal
from .._fault_checks.connects import a_connect_ends
from .._fault_checks.outages import late
from .._harness import CachingHarness
from .._outages import Outage, frozen, silent
from ._factory import Factory, started
from ._works import hurried, works
from .lifecycle import calls_of

__all__ = [
    "C9_get_or_set_ends_when_the_server_falls_silent",
    "E3_a_call_that_timed_out_names_itself",
    "E3_a_write_that_timed_out_is_unknown",
    "G5_a_block_rules_over_a_silent_server",
    "G5_a_connect_to_a_frozen_server_ends",
    "G5_a_connect_to_a_silent_server_ends",
    "G5_every_call_to_a_frozen_server_ends",
    "G5_every_call_to_a_silent_server_ends",
]

_WRITES = ("set", "delete", "set_many", "delete_many")

# What a mixin calls first is the backend's own: it may name that.
_INHERITED = ("get_many", "set_many", "delete_many", "get_or_set")


async def _every_call_ends(harness: CachingHarness, outage: Outage) -> None:
    async with hurried(harness, mine="own") as cache:
        async with outage(faults_of(harness)):
            await late(calls_of(cache))

        equal(await answers(lambda: cache.get("mine"), "get afterwards"), "own")


@check(kind="fault")
async def G5_every_call_to_a_silent_server_ends(harness: CachingHarness) -> None:
    """Behind a network that carries nothing: TimeoutError within the deadline + 250 ms."""
    await _every_call_ends(harness, silent)


@check(kind="fault", feature="server_faults")
async def G5_every_call_to_a_frozen_server_ends(harness: CachingHarness) -> None:
    """To a process that is stopped: TimeoutError within the deadline + 250 ms."""
    await _every_call_ends(harness, frozen)


@check(kind="fault")
async def G5_a_connect_to_a_silent_server_ends(harness: CachingHarness) -> None:
    """It is no success either: TimeoutError, and connect works afterwards."""
    await a_connect_ends(harness, silent, works)


@check(kind="fault", feature="server_faults")
async def G5_a_connect_to_a_frozen_server_ends(harness: CachingHarness) -> None:
    """The kernel accepts for it, nobody answers: TimeoutError, and connect works afterwards."""
    await a_connect_ends(harness, frozen, works)


@check(kind="fault")
async def G5_a_block_rules_over_a_silent_server(harness: CachingHarness) -> None:
    """``with deadline(...)`` ends every call that has more time by itself, those of tasks too."""
    async with harness.make(deadline=10.0) as cache:
        async with silent(faults_of(harness)):
            with deadline(DEADLINE), deadline(10.0):
                await late(calls_of(cache))

            with deadline(None):
                patient = beside(cache.get("key"))

            await asyncio.sleep(0)

        await answers(lambda: patient, "a call without a deadline, once the server is back")


@check(kind="fault")
async def E3_a_call_that_timed_out_names_itself(harness: CachingHarness) -> None:
    """What was tried stands in the text of its error."""
    async with hurried(harness) as cache, silent(faults_of(harness)):
        for name, error in (await late(calls_of(cache))).items():
            assert name in _INHERITED or name in str(error), f"{name} is not named: {error}"


@check(kind="fault")
async def E3_a_write_that_timed_out_is_unknown(harness: CachingHarness) -> None:
    """Whatever left this process may have been done: ``outcome="unknown"``."""
    async with hurried(harness) as cache:
        # Enough connections, where each call has its own: what waits for one has not left.
        with deadline(PREPARING):
            await asyncio.gather(*(cache.get("key") for _ in range(8)))

        async with silent(faults_of(harness)):
            calls = calls_of(cache)
            errors = await late({name: calls[name] for name in _WRITES})

        for name, error in errors.items():
            assert error.outcome == "unknown", f"{name}: outcome={error.outcome!r}"


@check(kind="fault")
async def C9_get_or_set_ends_when_the_server_falls_silent(harness: CachingHarness) -> None:
    """While the factory runs: all who wait end in time, and the next call makes the value."""
    factory = Factory("made")

    async with hurried(harness) as cache:
        waiters = [beside(cache.get_or_set("key", factory)) for _ in range(5)]
        await started(factory)

        async with silent(faults_of(harness)):
            factory.go.set()
            await asyncio.gather(*(ends(of(one), DEADLINE, "get_or_set") for one in waiters))

        again = Factory("again", waits=False)
        found = await answers(lambda: cache.get_or_set("key", again), "get_or_set afterwards")
        assert found in ("made", "again"), f"get_or_set gave {found!r}"
        equal(await answers(lambda: cache.get("key"), "get afterwards"), found)
