"""G3, G4, G8 and S1: connecting, disconnecting, and who may use a storage when."""

from __future__ import annotations

import asyncio

from ...interfaces import (
    ConfigurationError,
    ConnectionError,
    InfrastructureError,
    OperationError,
    StorageInterface,
)
from .._check import check
from .._expect import apart, beside, equal, raises, turns
from .._harness import StorageHarness
from ._items import Items, calls_of, items_of, unique

__all__ = [
    "G3_async_with_disconnects_after_an_error",
    "G3_connect_and_disconnect_are_idempotent",
    "G3_connect_works_again_after_disconnect",
    "G3_disconnect_ends_who_waits",
    "G3_disconnect_under_load_ends_every_call",
    "G3_instances_reach_the_same_data",
    "G3_lifecycles_and_disconnects_coalesce",
    "G4_every_method_names_itself_when_not_connected",
    "G8_another_event_loop_is_refused",
    "S1_is_connected_tells_and_never_raises",
]


async def _refuses_all(storage: StorageInterface, when: str) -> None:
    calls = calls_of(Items(storage, unique()))
    calls |= {"commit": storage.commit, "rollback": storage.rollback}

    for name, call in calls.items():
        error = await raises(ConnectionError, call, f"{name} {when}")
        assert name in str(error), f"{name} {when} is not named: {error}"
        assert error.outcome in (None, "not_applied"), f"{name} {when}: outcome={error.outcome!r}"


@check()
async def G4_every_method_names_itself_when_not_connected(harness: StorageHarness) -> None:
    """Before connect and after disconnect: ConnectionError with the method's name."""
    storage = harness.make()
    await _refuses_all(storage, "before connect")
    await storage.connect()
    await storage.disconnect()
    await _refuses_all(storage, "after disconnect")


@check()
async def G3_connect_and_disconnect_are_idempotent(harness: StorageHarness) -> None:
    """Twice is once; disconnect before connect does nothing."""
    storage = harness.make()
    await storage.disconnect()
    await storage.connect()
    items = Items(storage, unique())
    await storage.create_table(items.name, {"id": "BIGINT", "name": "TEXT"})
    await storage.connect()
    await items.add(1)
    await items.holds([1])
    await storage.disconnect()
    await storage.disconnect()


@check()
async def G3_connect_works_again_after_disconnect(harness: StorageHarness) -> None:
    """As often as one likes; what was committed is still there."""
    async with items_of(harness) as items:
        storage = items.storage

        for number in range(3):
            await items.add(number)
            await storage.disconnect()
            await storage.connect()
            await items.holds(list(range(number + 1)))


@check()
async def G3_async_with_disconnects_after_an_error(harness: StorageHarness) -> None:
    """The body's error comes out as it is, and the storage is disconnected."""
    storage = harness.make()

    async def body() -> None:
        async with storage as entered:
            assert entered is storage, "async with gave another object"
            raise LookupError("the body's own")

    await raises(LookupError, body, "async with")
    await raises(ConnectionError, lambda: storage.execute("SELECT 1 AS n"), "execute afterwards")


@check()
async def S1_is_connected_tells_and_never_raises(harness: StorageHarness) -> None:
    """False before connect and after disconnect, True between, inside a failed transaction too."""
    async with items_of(harness) as items:
        storage = items.storage
        assert await storage.is_connected() is True, "it is not True"
        await storage.begin_transaction()
        await items.fails(OperationError, "SELECT id FROM items_missing")
        assert await storage.is_connected() is True, "inside a failed transaction"
        await storage.rollback()

    assert await storage.is_connected() is False, "after disconnect"
    assert await harness.make().is_connected() is False, "before connect"


@check(feature="lifecycle")
async def G3_lifecycles_and_disconnects_coalesce(harness: StorageHarness) -> None:
    """Ten connects at once share one attempt, ten disconnects too; cancelling one is its own affair."""
    storage = harness.make()
    connects = [beside(storage.connect()) for _ in range(10)]
    await asyncio.sleep(0)
    connects[0].cancel()
    results = await asyncio.gather(*connects, return_exceptions=True)
    assert all(one is None for one in results[1:]), f"connect gave {results!r}"
    equal(await storage.execute("SELECT 1 AS n"), [{"n": 1}])
    ends = await asyncio.gather(*(storage.disconnect() for _ in range(10)), return_exceptions=True)
    assert ends == [None] * 10, f"disconnect gave {ends!r}"
    assert await storage.is_connected() is False, "it is not False"


@check(feature="lifecycle")
async def G3_disconnect_under_load_ends_every_call(harness: StorageHarness) -> None:
    """What is in flight has a result or a ConnectionError; a row is there or not, never half."""
    async with items_of(harness) as items:
        calls = [beside(items.add(number)) for number in range(50)]
        await asyncio.sleep(0)

        async with asyncio.timeout(5):
            await items.storage.disconnect()
            results = await asyncio.gather(*calls, return_exceptions=True)

        for one in results:
            assert one is None or isinstance(one, ConnectionError), f"a call got {one!r}"

        await items.storage.connect()
        there = await items.ids()
        acknowledged = [number for number, one in enumerate(results) if one is None]
        assert set(acknowledged) <= set(there), "an acknowledged row is gone"


@check(feature="joined_tasks")
async def G3_disconnect_ends_who_waits(harness: StorageHarness) -> None:
    """For a connection that transactions hold, or for the turn in one: none waits on."""
    async with items_of(harness) as items:
        inside, go = asyncio.Event(), asyncio.Event()

        async def block(number: int) -> None:
            async with items.storage.transaction():
                await items.add(number)
                inside.set()
                await go.wait()

        await items.storage.begin_transaction()
        holder = beside(block(0))
        await inside.wait()
        turn = beside(items.add(1))
        others = [apart(block(number)) for number in range(2, 5)]
        await turns()
        await items.storage.disconnect()
        _, still = await asyncio.wait({turn}, timeout=1)
        assert not still, "a statement waits for its turn in a transaction that is gone"
        go.set()

        async with asyncio.timeout(1):
            results = await asyncio.gather(holder, turn, *others, return_exceptions=True)

        for one in results:
            assert isinstance(one, InfrastructureError), f"a call got {one!r}"


@check(feature="isolation")
async def G3_instances_reach_the_same_data(harness: StorageHarness) -> None:
    """What one instance commits another sees at once; one may leave."""
    async with items_of(harness) as items:
        async with harness.make() as other:
            await items.by(other).add(1)
            await items.holds([1])
            await items.add(2)
            await items.by(other).holds([1, 2])

        await items.add(3)
        await items.holds([1, 2, 3])


@check(feature="loop_owner")
async def G8_another_event_loop_is_refused(harness: StorageHarness) -> None:
    """Use and connect from another loop: ConfigurationError at once; at home it works on."""
    async with items_of(harness) as items:

        async def elsewhere() -> None:
            calls = {**calls_of(items), "connect": items.storage.connect}

            for name, call in calls.items():
                await raises(ConfigurationError, call, f"{name} in another event loop")

            assert await items.storage.is_connected() is False, "it is not False"

        await asyncio.to_thread(asyncio.run, elsewhere())
        await items.add(1)
        await items.holds([1])
