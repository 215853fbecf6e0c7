"""The pooled mode when it is closed while calls are between two tries."""

from __future__ import annotations

import asyncio

import pytest

from infrastructure.caching.redis import RedisCache
from infrastructure.conformance._stopwatch import Stopwatch
from infrastructure.interfaces.exceptions import ConnectionError

from ...servers.waiting import until
from .speaker import speaking


@pytest.mark.parametrize("mode", ["multiplexed", "pooled"])
async def test_who_tries_again_hears_of_the_end(mode: str) -> None:
    """A call that waits for a server to be loaded ends with `disconnect`, not at its deadline."""
    async with speaking(lambda command: _LOADING if command[0] == b"GET" else b"+OK\r\n") as server:
        host, port = server.address
        cache = RedisCache(f"redis://{host}:{port}", mode=mode)
        await cache.connect()
        reading = asyncio.create_task(cache.get("k"))
        await until(lambda: any(command[0] == b"GET" for command in server.heard))
        watch = Stopwatch()
        await cache.disconnect()

        with pytest.raises(ConnectionError, match="disconnect"):
            await reading

        assert watch.taken < 0.5


_LOADING = b"-LOADING Redis is loading the dataset in memory\r\n"
