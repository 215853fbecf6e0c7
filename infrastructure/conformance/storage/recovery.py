"""G6: the first call after the peer is back succeeds."""

from __future__ import annotations

import asyncio
import time

from ...interfaces import ConnectionError, InfrastructureError, TimeoutError
from .._breaking import DEADLINE, Silence, answers, ends, faults_of, frozen, silent
from .._check import check
from .._expect import equal
from .._harness import StorageHarness
from ._items import Items, hurried

__all__ = [
    "G6_a_call_succeeds_after_a_freeze",
    "G6_a_call_succeeds_after_a_restart",
    "G6_a_call_succeeds_after_refusals",
    "G6_a_call_succeeds_after_silence",
    "G6_many_callers_come_back_together",
]

# Long enough for a back-off to grow to what nobody wants to wait for.
_AWAY = 0.8


async def _transact(items: Items) -> None:
    await items.storage.begin_transaction()
    await items.run("UPDATE items SET name = 'new' WHERE id = 1")
    await items.storage.commit()


async def _first_calls_succeed(items: Items) -> None:
    """The first read, the first write and the first transaction, without a try before them."""
    await answers(items.ids, "the first read")
    await answers(lambda: items.add(2), "the first write")
    await answers(lambda: _transact(items), "the first transaction")
    equal(await items.run("SELECT name FROM items WHERE id = 1"), [{"name": "new"}])


async def _after(harness: StorageHarness, silence: Silence) -> None:
    async with hurried(harness, DEADLINE) as items:
        await items.add(1)
        # Several connections are there, where each call has its own.
        await asyncio.gather(*(items.ids() for _ in range(20)))

        async with silence(faults_of(harness)):
            late = await asyncio.gather(*(ends(items.ids, DEADLINE, "a read") for _ in range(20)))
            assert all(isinstance(one, TimeoutError) for one in late), f"it gave {late!r:.200}"

        await _first_calls_succeed(items)


@check(kind="fault")
async def G6_a_call_succeeds_after_silence(harness: StorageHarness) -> None:
    """The network carries again: the first call, after twenty that timed out, succeeds in 1 s."""
    await _after(harness, silent)


@check(kind="fault", feature="server_faults")
async def G6_a_call_succeeds_after_a_freeze(harness: StorageHarness) -> None:
    """The server goes on: the first call, after twenty that timed out, succeeds in 1 s."""
    await _after(harness, frozen)


async def _fail_for_a_while(items: Items) -> None:
    """Call again and again, as users do; each is refused or times out."""
    until = time.monotonic() + _AWAY

    while time.monotonic() < until:
        error = await ends(lambda: items.add(9), DEADLINE, "a write without a server")
        refused = isinstance(error, ConnectionError | TimeoutError)
        assert refused, f"a write without a server gave {error!r}"
        await asyncio.sleep(0.01)


@check(kind="fault")
async def G6_a_call_succeeds_after_refusals(harness: StorageHarness) -> None:
    """The server accepts again: the first call connects at once, however often it was refused."""
    proxy = faults_of(harness).proxy

    async with hurried(harness, DEADLINE) as items:
        await items.add(1)
        proxy.refuse()
        proxy.reset()
        await _fail_for_a_while(items)
        proxy.heal()
        await _first_calls_succeed(items)


@check(kind="fault", feature="server_faults")
async def G6_a_call_succeeds_after_a_restart(harness: StorageHarness) -> None:
    """The server was killed and runs again: the first call succeeds in 1 s."""
    faults = faults_of(harness)

    async with hurried(harness, DEADLINE) as items:
        await items.add(1)
        await faults.kill()
        await _fail_for_a_while(items)
        await faults.start()
        await _first_calls_succeed(items)


@check(kind="fault")
async def G6_many_callers_come_back_together(harness: StorageHarness) -> None:
    """Fifty first calls at once all succeed in 1 s: they share what is being connected."""
    proxy = faults_of(harness).proxy

    async with hurried(harness, DEADLINE) as items:
        await items.add(1)
        proxy.refuse()
        proxy.reset()
        error = await ends(items.ids, DEADLINE, "a read without a server")
        assert isinstance(error, InfrastructureError), f"a read without a server gave {error!r}"
        proxy.heal()
        found = await asyncio.gather(*(answers(items.ids, "a first read") for _ in range(50)))
        equal(found, [[1]] * 50)
