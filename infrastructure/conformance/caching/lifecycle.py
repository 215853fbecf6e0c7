"""G3, G4 and G8: connecting, disconnecting, and who may use a cache when."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from ...interfaces import (
    CachingInterface,
    ConfigurationError,
    ConnectionError,
    InfrastructureError,
)
from .._check import check
from .._expect import beside, equal, exactly, raises, turns
from .._harness import CachingHarness
from ._factory import Factory, soon, started
from ._passing import Passing

__all__ = [
    "G3_a_handle_that_leaves_ends_no_factory_of_another",
    "G3_async_with_disconnects_after_an_error",
    "G3_connect_and_disconnect_are_idempotent",
    "G3_connect_waits_for_a_disconnect_under_way",
    "G3_connect_works_again_after_disconnect",
    "G3_disconnect_ends_a_connect_under_way",
    "G3_disconnect_ends_a_get_or_set_under_way",
    "G3_instances_reach_the_same_data",
    "G3_lifecycles_and_disconnects_coalesce",
    "G4_every_method_names_itself_when_not_connected",
    "G8_another_event_loop_is_refused",
    "G8_connect_starts_afresh_when_its_loop_is_closed",
    "calls_of",
]


def calls_of(cache: CachingInterface) -> dict[str, Callable[[], Awaitable[Any]]]:
    """Return a harmless call of every method that needs a connection."""
    return {
        "get": lambda: cache.get("key"),
        "set": lambda: cache.set("key", 1),
        "delete": lambda: cache.delete("key"),
        "exists": lambda: cache.exists("key"),
        "ttl": lambda: cache.ttl("key"),
        "scan_keys": lambda: cache.scan_keys("*"),
        "get_many": lambda: cache.get_many(["key"]),
        "set_many": lambda: cache.set_many({"key": 1}),
        "delete_many": lambda: cache.delete_many(["key"]),
        "get_or_set": lambda: cache.get_or_set("key", Factory(1, waits=False)),
    }


async def _refuses_all(cache: CachingInterface, when: str) -> None:
    # What a mixin calls first is the backend's own: it may name that.
    inherited = ("get_many", "set_many", "delete_many", "get_or_set")

    for name, call in calls_of(cache).items():
        error = await raises(ConnectionError, call, f"{name} {when}")
        assert name in inherited or name in str(error), f"{name} {when} is not named: {error}"
        assert error.outcome in (None, "not_applied"), f"{name} {when}: outcome={error.outcome!r}"


@check()
async def G4_every_method_names_itself_when_not_connected(harness: CachingHarness) -> None:
    """Before connect and after disconnect: ConnectionError with the method's name."""
    cache = harness.make()
    await _refuses_all(cache, "before connect")
    await cache.connect()
    await cache.disconnect()
    await _refuses_all(cache, "after disconnect")


@check()
async def G3_connect_and_disconnect_are_idempotent(harness: CachingHarness) -> None:
    """Twice is once; disconnect before connect does nothing."""
    cache = harness.make()
    await cache.disconnect()
    await cache.connect()
    await cache.connect()
    await cache.set("key", 1)
    await cache.connect()
    assert await cache.get("key") == 1, "a second connect lost the data"
    await cache.disconnect()
    await cache.disconnect()


@check()
async def G3_connect_works_again_after_disconnect(harness: CachingHarness) -> None:
    """As often as one likes; what was stored is still there."""
    cache = harness.make()

    for number in range(3):
        async with cache:
            equal(await cache.get("key"), number or None)
            await cache.set("key", number + 1)


@check()
async def G3_async_with_disconnects_after_an_error(harness: CachingHarness) -> None:
    """The body's error comes out as it is, and the cache is disconnected."""
    cache = harness.make()

    async def body() -> None:
        async with cache:
            raise LookupError("the body's own")

    await raises(LookupError, body, "async with")
    await raises(ConnectionError, lambda: cache.get("key"), "get after async with")


@check(feature="lifecycle")
async def G3_lifecycles_and_disconnects_coalesce(harness: CachingHarness) -> None:
    """Ten connects at once share one attempt, ten disconnects too; cancelling one is its own affair."""
    cache = harness.make()
    connects = [beside(cache.connect()) for _ in range(10)]
    await asyncio.sleep(0)
    connects[0].cancel()
    results = await asyncio.gather(*connects, return_exceptions=True)
    assert all(one is None for one in results[1:]), f"connect gave {results!r}"
    await cache.set("key", 1)
    results = await asyncio.gather(*(cache.disconnect() for _ in range(10)), return_exceptions=True)
    assert results == [None] * 10, f"disconnect gave {results!r}"
    await raises(ConnectionError, lambda: cache.get("key"), "get after disconnect")


@check(feature="lifecycle")
async def G3_connect_waits_for_a_disconnect_under_way(harness: CachingHarness) -> None:
    """Who connects while another task disconnects is connected afterwards."""
    cache = harness.make()
    await cache.connect()
    leaving = beside(cache.disconnect())
    await asyncio.sleep(0)
    await soon(cache.connect())
    await soon(leaving)
    await cache.set("key", 1)
    equal(await cache.get("key"), 1)
    await cache.disconnect()


@check(feature="lifecycle")
async def G3_disconnect_ends_a_connect_under_way(harness: CachingHarness) -> None:
    """Who connects gets an error or came first; either way it is closed, and connects again."""
    cache = harness.make()
    connecting = beside(cache.connect())
    await asyncio.sleep(0)
    await soon(cache.disconnect())
    (answer,) = await soon(asyncio.gather(connecting, return_exceptions=True))
    assert answer is None or isinstance(answer, ConnectionError), f"connect gave {answer!r}"
    await raises(ConnectionError, lambda: cache.get("key"), "get after disconnect")

    async with cache:
        exactly(await cache.get("key"), None)


@check(feature="flights")
async def G3_disconnect_ends_a_get_or_set_under_way(harness: CachingHarness) -> None:
    """It does not hang on a factory that never returns; the waiter gets an error, the next a call."""
    cache = harness.make()
    factory = Factory("never")

    async with cache:
        waiter = beside(cache.get_or_set("key", factory))
        await started(factory)

    (answer,) = await soon(asyncio.gather(waiter, return_exceptions=True))
    assert isinstance(answer, InfrastructureError), f"the waiter got {answer!r}"

    async with cache:
        equal(await cache.get_or_set("key", Factory("made", waits=False)), "made")


@check(feature="shared_handles")
async def G3_instances_reach_the_same_data(harness: CachingHarness) -> None:
    """What one instance stores another reads, removes and lists; one may leave."""
    async with harness.make() as one:
        async with harness.make() as two:
            passing = Passing(harness)
            await one.set("key", [1], 60)
            equal(await two.get("key"), [1])
            passing.left(await two.ttl("key"), 60)
            equal(await two.scan_keys("k*"), ["key"])

        await one.set("other", 2)
        assert await one.get("key") == [1], "the data left with the other instance"
        await two.connect()
        exactly(await two.delete("other"), True)
        await two.disconnect()
        exactly(await one.exists("other"), False)


@check(feature="shared_handles")
async def G3_a_handle_that_leaves_ends_no_factory_of_another(harness: CachingHarness) -> None:
    """What one instance waits for goes on when another disconnects, that waited for it too."""
    factory = Factory("made")

    async with harness.make() as one:
        async with harness.make() as two:
            first = beside(one.get_or_set("key", factory))
            await started(factory)
            second = beside(two.get_or_set("key", factory))
            await turns()
            second.cancel()

        factory.go.set()
        equal(await first, "made")


@check(feature="loop_owner")
async def G8_connect_starts_afresh_when_its_loop_is_closed(harness: CachingHarness) -> None:
    """A cache that was connected in a loop that is gone connects in this one and works."""
    cache = harness.make()
    await asyncio.to_thread(asyncio.run, cache.connect())
    await raises(ConfigurationError, lambda: cache.get("key"), "get without a new connect")

    async with cache:
        await cache.set("key", 1)
        equal(await cache.get("key"), 1)


@check(feature="loop_owner")
async def G8_another_event_loop_is_refused(harness: CachingHarness) -> None:
    """Use, connect and disconnect from there: ConfigurationError at once; at home it works on."""
    async with harness.make() as cache:
        await cache.set("key", 1)
        ends = {"connect": cache.connect, "disconnect": cache.disconnect}

        async def elsewhere() -> None:
            for name, call in {**calls_of(cache), **ends}.items():
                await raises(ConfigurationError, call, f"{name} in another event loop")

        await asyncio.to_thread(asyncio.run, elsewhere())
        equal(await cache.get("key"), 1)
