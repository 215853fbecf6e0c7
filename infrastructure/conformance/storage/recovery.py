"""G6: the first call after the peer is back succeeds."""

from __future__ import annotations

import asyncio

from ...interfaces import deadline
from .._breaking import DEADLINE, PREPARING, answers, faults_of
from .._check import check
from .._expect import equal
from .._fault_checks.outages import come_back_together, fail_for_a_while, late
from .._harness import StorageHarness
from .._outages import Outage, frozen, killed, refused, silent
from ._items import Items, hurried

__all__ = [
    "G6_a_call_succeeds_after_a_freeze",
    "G6_a_call_succeeds_after_a_restart",
    "G6_a_call_succeeds_after_refusals",
    "G6_a_call_succeeds_after_silence",
    "G6_many_callers_come_back_together",
]


async def _transact(items: Items) -> None:
    await items.storage.begin_transaction()
    await items.run("UPDATE items SET name = 'new' WHERE id = 1")
    await items.storage.commit()


async def _first_calls_succeed(items: Items) -> None:
    """The first read, the first write and the first transaction, without a try before them."""
    await answers(items.ids, "the first read")
    await answers(lambda: items.add(2), "the first write")
    await answers(lambda: _transact(items), "the first transaction")
    found = await answers(lambda: items.run("SELECT name FROM items WHERE id = 1"), "a read")
    equal(found, [{"name": "new"}])


async def _after(harness: StorageHarness, outage: Outage) -> None:
    async with hurried(harness, DEADLINE, rows=[1]) as items:
        # Several connections are there, where each call has its own.
        with deadline(PREPARING):
            await asyncio.gather(*(items.ids() for _ in range(20)))

        async with outage(faults_of(harness)):
            await late({f"read {number}": items.ids for number in range(20)})

        await _first_calls_succeed(items)


@check(kind="fault")
async def G6_a_call_succeeds_after_silence(harness: StorageHarness) -> None:
    """The network carries again: the first call, after twenty that timed out, succeeds in 1 s."""
    await _after(harness, silent)


@check(kind="fault", feature="server_faults")
async def G6_a_call_succeeds_after_a_freeze(harness: StorageHarness) -> None:
    """The server goes on: the first call, after twenty that timed out, succeeds in 1 s."""
    await _after(harness, frozen)


async def _after_failures(harness: StorageHarness, outage: Outage) -> None:
    async with hurried(harness, DEADLINE, rows=[1]) as items:
        async with outage(faults_of(harness)):
            await fail_for_a_while(lambda: items.add(9), "a write without a server")

        await _first_calls_succeed(items)


@check(kind="fault")
async def G6_a_call_succeeds_after_refusals(harness: StorageHarness) -> None:
    """The server accepts again: the first call connects at once, however often it was refused."""
    await _after_failures(harness, refused)


@check(kind="fault", feature="server_faults")
async def G6_a_call_succeeds_after_a_restart(harness: StorageHarness) -> None:
    """The server was killed and runs again: the first call succeeds in 1 s."""
    await _after_failures(harness, killed)


@check(kind="fault")
async def G6_many_callers_come_back_together(harness: StorageHarness) -> None:
    """Fifty first calls at once all succeed in 1 s: they share what is being connected."""
    async with hurried(harness, DEADLINE, rows=[1]) as items:
        equal(await come_back_together(harness, items.ids, "read"), [[1]] * 50)
