"""F24: a fork, another event loop, another thread: refused at once, and the parent's link stays right."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from infrastructure.caching.redis import RedisCache
from infrastructure.interfaces.exceptions import ConfigurationError

from ...servers.cluster import RedisCluster
from ...servers.endpoint import Endpoint
from ...servers.sentinel import RedisSentinel
from ._through import fresh

FORKING = Path(__file__).with_name("forking.py")


async def works(cache: RedisCache, times: int = 100) -> None:
    """Expect so many right answers."""
    for number in range(times):
        await cache.set("k", number, 60)
        assert await cache.get("k") == number


def in_thread(work: object) -> BaseException | None:
    """Run an asynchronous function in a thread and a loop of its own; return its error."""
    errors: list[BaseException | None] = []

    def run() -> None:
        try:
            asyncio.run(work())
            errors.append(None)
        except BaseException as exc:  # noqa: BLE001 - it is the answer
            errors.append(exc)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return errors[0]


@pytest.mark.slow
@pytest.mark.parametrize("option", ["", "?near_entries=100"])
def test_a_forked_child(valkey: Endpoint, option: str) -> None:
    """It is refused until it connects by itself; then both work, and neither warns of anything."""
    _fork(valkey.url + option)


@pytest.mark.slow
def test_a_forked_child_of_a_cluster(valkey_cluster: RedisCluster) -> None:
    """With many links and a task that watches the nodes it is the same."""
    _fork(valkey_cluster.url)


@pytest.mark.slow
def test_a_forked_child_of_sentinels(valkey_sentinel: RedisSentinel) -> None:
    """With links to the sentinels too."""
    _fork(valkey_sentinel.url)


def _fork(url: str) -> None:
    command = [sys.executable, "-X", "dev", "-W", "error", str(FORKING), url, fresh()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "child: right\nparent: right\n"


async def test_another_loop_in_another_thread(valkey: Endpoint) -> None:
    """Every method is refused there; here the link goes on."""
    async with RedisCache(valkey.url, prefix=fresh()) as cache:

        async def use() -> None:
            for call in (cache.get("k"), cache.set("k", 1), cache.connect(), cache.disconnect()):
                with pytest.raises(ConfigurationError, match="event loop"):
                    await call

        assert in_thread(use) is None
        await works(cache)


async def test_two_loops_with_a_cache_each(valkey: Endpoint) -> None:
    """At the same time, on the same keys: each has its own link."""
    prefix = fresh()

    async def use() -> None:
        async with RedisCache(valkey.url, prefix=prefix + "a") as other:
            await works(other)

    async with RedisCache(valkey.url, prefix=prefix + "b") as cache:
        there = asyncio.create_task(asyncio.to_thread(in_thread, use))
        await works(cache)
        assert await there is None


def test_a_loop_after_a_closed_loop(valkey: Endpoint) -> None:
    """A cache whose loop was closed under it connects afresh in the next one."""
    cache = RedisCache(valkey.url, prefix=fresh(), near_entries=10)

    async def use(*, again: bool) -> None:
        if again:
            with pytest.raises(ConfigurationError, match="connect"):
                await cache.get("k")

        await cache.connect()
        await works(cache)

        if again:
            await cache.disconnect()

    asyncio.run(use(again=False))
    asyncio.run(use(again=True))
