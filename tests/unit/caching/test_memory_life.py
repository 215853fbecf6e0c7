"""A memory cache over loops, processes, disconnects and long batches."""

from __future__ import annotations

import asyncio
import os
import uuid

import pytest

from infrastructure.caching.memory import MemoryCache
from infrastructure.interfaces import (
    ConfigurationError,
    ConnectionError,
    TimeoutError,
)


@pytest.fixture
def url() -> str:
    return f"memory://{uuid.uuid4().hex}"


async def keys(cache: MemoryCache) -> set[str]:
    return set(await cache.scan_keys("*"))


async def _large() -> str:
    return "x" * 3_000_000


class TestLife:
    """Connecting, forking, being cut off in the middle."""

    async def test_repr_shows_the_state(self, url) -> None:
        """And the name, nothing that is stored."""
        cache = MemoryCache(url)

        async with cache:
            assert repr(cache) == f"<MemoryCache {url} connected>"

        assert repr(cache) == f"<MemoryCache {url} closed>"

    async def test_a_key_of_a_subclass_is_stored_as_plain_text(self) -> None:
        """What scan_keys returns is str itself, whatever the subclass says of its text."""

        class Key(str):
            __slots__ = ()

            def __str__(self) -> str:
                return "another text"

        async with MemoryCache() as cache:
            await cache.set(Key("a"), 1)
            (key,) = await cache.scan_keys("*")
            assert type(key) is str
            assert await cache.get("a") == 1

    def test_it_outlives_its_loop(self) -> None:
        """Left connected in a loop that was closed, it is connected afresh in the next one."""
        cache = MemoryCache()

        async def use(expected: int | None) -> None:
            await cache.connect()
            assert await cache.get("a") == expected
            await cache.set("a", 1, 60)

        asyncio.run(use(None))
        asyncio.run(use(1))

    def test_a_forked_child_connects_afresh(self) -> None:
        """Use without connect is refused there; connect starts afresh, with a copy of the data."""

        async def parent() -> int:
            cache = MemoryCache()
            await cache.connect()
            await cache.set("a", 1, 60)

            if (pid := os.fork()) == 0:
                _end_child(cache)

            assert await cache.get("a") == 1
            await cache.disconnect()
            return pid

        pid = asyncio.run(parent())
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0

    async def test_a_batch_is_cut_off_by_disconnect(self) -> None:
        """The keys that were not reached are named, the outcome is unknown."""
        many = [f"{number}" for number in range(1000)]
        cache = MemoryCache()

        async with cache:
            await cache.set_many(dict.fromkeys(many, 1))
            batch = asyncio.create_task(cache.delete_many(many))

            # Four steps look at the keys, the fifth is the first that removes.
            for _ in range(5):
                await asyncio.sleep(0)

        with pytest.raises(ConnectionError) as caught:
            await batch

        assert caught.value.outcome == "unknown"
        assert caught.value.failed_keys == tuple(many[256:])

    async def test_the_default_deadline_bounds_a_batch(self) -> None:
        """Where no block is open the option counts, and the text says how far it came."""
        async with MemoryCache() as cache:
            cache._deadline = 0.000_001

            with pytest.raises(TimeoutError, match="after 256 of 1000 keys") as caught:
                await cache.get_many(map(str, range(1000)))

        assert len(caught.value.failed_keys) == 744

    async def test_a_scan_lets_others_run_and_notices_disconnect(self, monkeypatch) -> None:
        """It gives way every millisecond; cut off, it says so."""
        monkeypatch.setattr("infrastructure.caching.memory._scan.STEP", 0.0)
        cache = MemoryCache()

        async with cache:
            await cache.set_many({f"{number}": number for number in range(1000)})
            scan = asyncio.create_task(cache.scan_keys("*"))
            await asyncio.sleep(0)
            await cache.set("0", 1, 60)

        with pytest.raises(ConnectionError, match="scan_keys"):
            await scan

    async def test_disconnect_waits_for_a_factory_that_ends(self) -> None:
        """What is in flight finishes when it can."""
        go = asyncio.Event()
        cache = MemoryCache()

        async def factory() -> int:
            await go.wait()
            return 1

        await cache.connect()
        waiter = asyncio.create_task(cache.get_or_set("a", factory))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        closing = asyncio.create_task(cache.disconnect())
        await asyncio.sleep(0)
        go.set()
        await closing
        assert await waiter == 1

    async def test_a_flight_that_landed_just_before_is_a_hit(self) -> None:
        """The key is looked for again before the factory is called."""
        async with MemoryCache() as cache:
            waiter = asyncio.create_task(cache.get_or_set("a", _large))
            await asyncio.sleep(0)
            # Behind the flights' back: as if another flight had stored it.
            cache._store.put("a", cache._store.freeze("a", 5), float("inf"))
            assert await waiter == 5

    async def test_a_made_value_with_ttl_zero_is_not_stored(self) -> None:
        """It is already expired when it is there."""
        async with MemoryCache() as cache:
            assert len(await cache.get_or_set("a", _large, 0)) == 3_000_000
            assert not await cache.exists("a")


def _end_child(cache: MemoryCache) -> None:
    """Run in the forked child: exit with 0 when all is as promised, never return."""
    code = 1

    try:
        asyncio._set_running_loop(None)
        code = asyncio.run(_in_child(cache))
    finally:
        os._exit(code)


async def _in_child(cache: MemoryCache) -> int:
    try:
        await cache.get("a")
    except ConfigurationError as exc:
        if "another process" not in str(exc):
            return 2
    else:
        return 3

    async with cache:
        return 0 if await cache.get("a") == 1 else 4
