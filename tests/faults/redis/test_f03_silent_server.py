"""F3: a black hole: connections stay, nothing is answered."""

from __future__ import annotations

from functools import partial

import pytest

from infrastructure import ConnectionError, TimeoutError, deadline
from infrastructure.caching.redis import RedisCache
from infrastructure.testing import ChaosProxy
from infrastructure.testing.proxy import Direction

from .._outcomes import all_ended, ended
from .._timing import PATIENT, SLACK, connected, healed, within
from .._watch import nothing_left
from ._caches import CALLS, DEADLINE, READS, WRITES, Make

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("direction", ["to_server", "to_client", "both"])
async def test_F3_every_call_ends_by_its_deadline(
    cache: RedisCache, proxy: ChaosProxy, direction: Direction, mode: str
) -> None:
    """A write has an unknown outcome then, a read changed nothing; the first read after healing works."""
    with deadline(PATIENT):
        await cache.set("key", "value")

    proxy.black_hole(direction)
    calls = [partial(call, cache) for call in CALLS.values()]
    errors = dict(zip(CALLS, await all_ended(calls, DEADLINE), strict=True))
    assert {type(error) for error in errors.values()} == {TimeoutError}
    # C8: a batch that failed says "unknown", whatever it was to do.
    reads = {name: errors[name].outcome for name in READS}
    assert reads.pop("get_many") == "unknown"
    assert set(reads.values()) == {"not_applied"}
    writes = {name: errors[name].outcome for name in WRITES}
    # It waits for a link of its own, which never comes: it cannot have been sent.
    assert writes.pop("set of a large value") == "not_applied"
    # So does what has no connection in the pool yet.
    assert set(writes.values()) <= {"unknown"} | ({"not_applied"} if mode == "pooled" else set())
    assert [name for name, error in errors.items() if not error.retryable] == []
    proxy.heal()

    with healed():
        await cache.get("key")


async def test_F3_the_first_call_after_healing_works_whatever_it_is(
    cache: RedisCache, proxy: ChaosProxy
) -> None:
    """Writes too: what came too late for its caller holds up nobody."""
    for call in CALLS.values():
        proxy.black_hole()

        with deadline(0.05):
            await ended(partial(call, cache), 0.05)

        proxy.heal()

        with healed():
            await call(cache)


async def test_F3_a_connect_ends_by_its_deadline(make: Make, proxy: ChaosProxy) -> None:
    """It leaves nothing, and the next one works."""
    proxy.black_hole()
    cache = make(proxy)

    async with nothing_left():
        with within(DEADLINE + SLACK), pytest.raises(TimeoutError) as caught:
            await cache.connect()

        # It holds what the client has closed.
        proxy.heal()

    assert caught.value.outcome == "not_applied"

    with healed():
        async with cache:
            assert await cache.get("key") is None


async def test_F3_a_disconnect_waits_a_second_at_most(make: Make, proxy: ChaosProxy) -> None:
    """What was under way has ended then, and nothing is left."""
    cache = make(proxy, deadline=5)

    async with nothing_left():
        await cache.connect()
        proxy.black_hole()
        under_way = [partial(call, cache) for call in CALLS.values()]
        stop = partial(_stop, cache)

        with within(1 + SLACK):
            *ends, _ = await all_ended([*under_way, stop], 1)

        proxy.heal()

    assert all(isinstance(end, ConnectionError) for end in ends), ends


async def _stop(cache: RedisCache) -> None:
    await cache.disconnect()


@pytest.mark.parametrize("direction", ["to_server", "both"])
async def test_F3_timed_out_calls_leave_no_connections(
    cache: RedisCache, proxy: ChaosProxy, direction: Direction, mode: str, connections: int
) -> None:
    """After 250 of them there is no more than there may be; a shared link serves on."""
    proxy.black_hole(direction)

    for _ in range(10):
        with deadline(0.02):
            ends = await all_ended([partial(cache.get, f"k{n}") for n in range(25)], 0.02)

        assert {type(end) for end in ends} == {TimeoutError}

    proxy.heal()

    with healed():
        assert await cache.get("key") is None

    assert proxy.open <= connections
    assert mode == "pooled" or proxy.accepted == 1


async def test_F3_a_link_whose_peer_vanished_is_replaced(
    cache: RedisCache, proxy: ChaosProxy
) -> None:
    """Its socket says nothing for ever, while the server answers others: reads work again within 8 s."""
    with deadline(PATIENT):
        await cache.set("key", "value")

    proxy.cut("to_server")

    with within(8):
        while await ended(partial(cache.get, "key"), DEADLINE) != "value":
            pass

    assert proxy.accepted == 2


async def test_F3_one_call_after_the_other_ends_by_its_deadline(
    make: Make, proxy: ChaosProxy
) -> None:
    """Those before it, which are overdue and never answered, do not keep it."""
    async with connected(make(proxy, deadline=0.05)) as cache:
        proxy.black_hole()

        for _ in range(6):
            assert type(await ended(partial(cache.get, "key"), 0.05)) is TimeoutError

        proxy.heal()
