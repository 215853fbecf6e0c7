"""F4: the server's process is stopped and goes on later: what was sent meanwhile is done once at most."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from infrastructure import TimeoutError, deadline
from infrastructure.caching.redis import RedisCache

from ...servers.server import RedisServer
from .._outcomes import all_ended
from .._timing import PATIENT, SOAK, healed, within
from .._watch import until
from ._caches import DEADLINE, Note

pytestmark = pytest.mark.slow

FROZEN = 10.0 if SOAK else 0.05
"""Seconds for which the server stands still when the calls have ended."""


@pytest.fixture
async def frozen(cache: RedisCache, private_valkey: RedisServer) -> RedisServer:
    """Freeze the server behind the connected cache."""
    with deadline(PATIENT):
        await cache.set_many({f"old {n}": n for n in range(50)})

    private_valkey.process.freeze()
    return private_valkey


@pytest.mark.soak
async def test_F4_a_write_is_done_once_at_most(
    cache: RedisCache, frozen: RedisServer, record_property: Note
) -> None:
    """A hundred writes: the server counts no more than those whose outcome is unknown."""
    sets = [partial(cache.set, f"new {n}", f"value {n}") for n in range(50)]
    deletes = [partial(cache.delete, f"old {n}") for n in range(50)]
    errors = await all_ended([*sets, *deletes], DEADLINE)
    assert {type(error) for error in errors} == {TimeoutError}
    unknown = [error.outcome == "unknown" for error in errors]
    assert any(unknown)
    await asyncio.sleep(FROZEN)
    frozen.process.thaw()

    with healed():
        await cache.get("first")

    with frozen.counters() as counters:
        done = counters.read().commands
        assert done["set"] <= 50 + sum(unknown[:50])
        # Each takes away the lease on its key too.
        assert done["unlink"] <= 2 * sum(unknown[50:])

    with deadline(PATIENT):
        found = await cache.get_many(f"new {n}" for n in range(50))

    assert found.items() <= {f"new {n}": f"value {n}" for n in range(50) if unknown[n]}.items()
    record_property("seconds frozen", FROZEN)
    record_property("writes of unknown outcome", sum(unknown))
    record_property("sets that were done", done["set"] - 50)
    kept = {f"old {n}" for n in range(50) if not unknown[50 + n]}

    with deadline(PATIENT):
        assert (await cache.get_many(kept)).keys() == kept


async def test_F4_a_late_reply_goes_to_nobody_else(cache: RedisCache, frozen: RedisServer) -> None:
    """Who asks after it goes on gets his own value, while the late ones come in before it."""
    with deadline(0.05):
        await all_ended([partial(cache.get, f"old {n}") for n in range(50)], 0.05)

    with deadline(PATIENT):
        asked = [asyncio.ensure_future(cache.get(f"old {n}")) for n in reversed(range(50))]

    await asyncio.sleep(0)
    frozen.process.thaw()
    assert await asyncio.gather(*asked) == [*reversed(range(50))]


async def test_F4_timed_out_calls_leave_no_connections(
    cache: RedisCache, frozen: RedisServer, connections: int
) -> None:
    """After 250 of them there is no more than there may be."""
    for _ in range(10):
        with deadline(0.02):
            ends = await all_ended([partial(cache.get, f"k{n}") for n in range(25)], 0.02)

        assert {type(end) for end in ends} == {TimeoutError}

    frozen.process.thaw()

    with healed():
        assert await cache.get("old 1") == 1

    with frozen.counters() as counters:
        await until(lambda: counters.read().open <= connections, counters.clients)


async def test_F4_a_disconnect_does_not_wait_for_it(cache: RedisCache, frozen: RedisServer) -> None:
    """It ends within its second; ``connect`` works again when the server does."""
    asked = asyncio.ensure_future(cache.set("key", "value"))
    await asyncio.sleep(0)

    with within(1.25):
        await cache.disconnect()

    assert isinstance((await asyncio.gather(asked, return_exceptions=True))[0], OSError)
    frozen.process.thaw()

    with healed():
        await cache.connect()
        await cache.get("key")
