"""G7: a cancellation is never lost, and leaves a cache that works."""

from __future__ import annotations

import asyncio

from ...interfaces import InfrastructureError
from ...testing.cancellation import CancellationOutcome, every_cancellation
from .._check import check
from .._expect import beside, equal, raises, turns
from .._harness import CachingHarness
from ._factory import Factory, started
from .lifecycle import calls_of

__all__ = [
    "G7_a_cancelled_connect_leaves_nothing",
    "G7_a_cancelled_disconnect_is_forced",
    "G7_a_cancelled_waiter_leaves_the_factory_to_others",
    "G7_every_suspension_of_every_method_can_be_cancelled",
]


@check(feature="cancellation")
async def G7_every_suspension_of_every_method_can_be_cancelled(harness: CachingHarness) -> None:
    """Cancelled at each suspension, while it waits and when its answer is there: it comes out."""
    async with harness.make() as cache:
        await cache.set("mine", "own")

        async def still_works(outcome: CancellationOutcome) -> None:
            assert await cache.get("mine") == "own", f"a wrong answer after {outcome}"

        for name, call in calls_of(cache).items():
            for outcome in await every_cancellation(call, after=still_works):
                assert not outcome.swallowed, f"{name} lost its cancellation: {outcome}"
                assert outcome.error is None, f"{name} failed: {outcome}"

            await cache.delete("key")


@check(feature="cancellation")
async def G7_a_cancelled_connect_leaves_nothing(harness: CachingHarness) -> None:
    """Connect and disconnect, cancelled anywhere, can be called again and work."""
    cache = harness.make()

    async def back_again(outcome: CancellationOutcome) -> None:
        assert not outcome.swallowed, f"a cancellation was lost: {outcome}"
        assert outcome.error is None, f"it failed: {outcome}"
        await cache.connect()
        await cache.set("key", 1)
        await cache.disconnect()

    await every_cancellation(cache.connect, after=back_again)

    async def reconnected(outcome: CancellationOutcome) -> None:
        await back_again(outcome)
        await cache.connect()

    await cache.connect()
    await every_cancellation(cache.disconnect, after=reconnected)
    await cache.disconnect()


@check(feature="flights")
async def G7_a_cancelled_disconnect_is_forced(harness: CachingHarness) -> None:
    """What it would have waited for ends at once, and with an error."""
    cache = harness.make()
    factory = Factory("never")
    await cache.connect()
    waiter = beside(cache.get_or_set("key", factory))
    await started(factory)
    leaving = beside(cache.disconnect())
    await turns()
    leaving.cancel()
    await raises(asyncio.CancelledError, lambda: leaving, "the cancelled disconnect")

    async with asyncio.timeout(0.25):
        answers = await asyncio.gather(waiter, return_exceptions=True)

    assert isinstance(answers[0], InfrastructureError), f"the waiter got {answers[0]!r}"


@check(feature="flights")
async def G7_a_cancelled_waiter_leaves_the_factory_to_others(harness: CachingHarness) -> None:
    """A waiter that is cancelled ends at once, while the factory still runs."""
    factory = Factory("made")

    async with harness.make() as cache:
        waiter = beside(cache.get_or_set("key", factory))
        await started(factory)
        waiter.cancel()
        await turns()
        assert waiter.cancelled(), "the cancelled waiter still waits"
        await raises(asyncio.CancelledError, lambda: waiter, "the waiter")
        factory.go.set()
        equal(await cache.get_or_set("key", factory), "made")
        assert factory.calls == 1, "the factory was called again"
