"""G5 and E3: a server that answers nobody holds nobody up."""

from __future__ import annotations

import asyncio
from functools import partial

from ...interfaces import TimeoutError, deadline
from .._breaking import DEADLINE, PATIENT, PREPARING, Call, answers, ends, faults_of
from .._check import check
from .._fault_checks.connects import a_connect_ends
from .._fault_checks.outages import late
from .._harness import StorageHarness
from .._outages import Outage, frozen, silent
from ._items import calls_of, hurried, works

__all__ = [
    "E3_a_statement_that_timed_out_tells_the_truth",
    "G5_a_block_ends_though_its_server_is_silent",
    "G5_a_block_rules_over_a_silent_server",
    "G5_a_connect_to_a_frozen_server_ends",
    "G5_a_connect_to_a_silent_server_ends",
    "G5_every_call_to_a_frozen_server_ends",
    "G5_every_call_to_a_silent_server_ends",
]

_ROLLBACK = 1.0
"""Seconds that a rollback has of its own."""


async def _every_call_ends(harness: StorageHarness, outage: Outage) -> None:
    async with hurried(harness, DEADLINE, rows=[1]) as items:
        async with outage(faults_of(harness)):
            await late(calls_of(items))

        assert await answers(items.ids, "a read afterwards") == [1], "a row is missing"


@check(kind="fault")
async def G5_every_call_to_a_silent_server_ends(harness: StorageHarness) -> None:
    """Behind a network that carries nothing: TimeoutError within the deadline + 250 ms."""
    await _every_call_ends(harness, silent)


@check(kind="fault", feature="server_faults")
async def G5_every_call_to_a_frozen_server_ends(harness: StorageHarness) -> None:
    """To a process that is stopped: TimeoutError within the deadline + 250 ms."""
    await _every_call_ends(harness, frozen)


@check(kind="fault")
async def G5_a_connect_to_a_silent_server_ends(harness: StorageHarness) -> None:
    """It is no success either: TimeoutError, and connect works afterwards."""
    await a_connect_ends(harness, silent, works)


@check(kind="fault", feature="server_faults")
async def G5_a_connect_to_a_frozen_server_ends(harness: StorageHarness) -> None:
    """The kernel accepts for it, nobody answers: TimeoutError, and connect works afterwards."""
    await a_connect_ends(harness, frozen, works)


@check(kind="fault")
async def G5_a_block_rules_over_a_silent_server(harness: StorageHarness) -> None:
    """``with deadline(...)`` ends every call that has more time by itself, those of tasks too."""
    async with hurried(harness, 10.0) as items:
        await items.add(1)

        async with silent(faults_of(harness)):
            with deadline(DEADLINE), deadline(10.0):
                await late(calls_of(items))


@check(kind="fault")
async def G5_a_block_ends_though_its_server_is_silent(harness: StorageHarness) -> None:
    """A transaction that fails by silence has a second for its rollback, and nothing of it stays."""
    faults = faults_of(harness)

    async with hurried(harness, PATIENT) as items:

        async def body() -> None:
            async with items.storage.transaction():
                await items.add(1)
                faults.proxy.black_hole()

                with deadline(DEADLINE):
                    await items.add(2)

        error = await ends(body, DEADLINE + _ROLLBACK, "the block")
        faults.proxy.heal()
        assert isinstance(error, TimeoutError), f"the block gave {error!r}, expected TimeoutError"
        await answers(lambda: items.add(2), "a write afterwards")
        await items.holds([2], "after a block that failed")


@check(kind="fault")
async def E3_a_statement_that_timed_out_tells_the_truth(harness: StorageHarness) -> None:
    """What was sent is ``unknown``; what is said to be ``not_applied`` never is."""
    proxy = faults_of(harness).proxy
    write = "INSERT INTO items (id) VALUES ($1)"

    async with hurried(harness, DEADLINE) as items:
        with deadline(PREPARING):
            for number in range(-5, 0):
                await items.run(write, [number])

        calls: list[Call] = []
        calls += [partial(items.run, write, [number]) for number in range(20)]
        calls += [partial(items.many, write, [[number]]) for number in range(20, 25)]
        proxy.black_hole("to_client")
        errors = await asyncio.gather(*(ends(call, DEADLINE, "a write") for call in calls))
        proxy.heal()
        found = await answers(items.ids, "a read afterwards")

    assert all(isinstance(error, TimeoutError) for error in errors), f"writes gave {errors!r:.200}"
    denied = {number for number, error in enumerate(errors) if error.outcome == "not_applied"}
    assert len(denied) < len(errors), "nothing was unknown, though the server had it"
    lied = sorted(denied.intersection(found))
    assert not lied, f"the rows {lied} are there, and were told not to be"
