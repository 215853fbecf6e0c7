"""The pooled mode begins a scan again when the servers change in the midst of it."""

from __future__ import annotations

import pytest

from infrastructure.caching.redis import RedisCache
from infrastructure.interfaces.exceptions import ConnectionError

from ...servers.endpoint import Endpoint
from ...servers.server import RedisServer

_ALL = 3000
"""Keys: so many that they take several pages."""


class Interrupted:
    """Takes pages, and does something after the first one."""

    def __init__(self, server: Endpoint, *, times: int) -> None:
        self.pages = 0
        self._server = server
        self._times = times

    def take(self, _page: list[bytes]) -> None:
        """Count a page; end all connections to the server."""
        self.pages += 1

        if self._times > 0:
            self._times -= 1

            with self._server.control() as control:
                control.client_kill_filter(_type="normal", skipme=True)


async def test_a_lost_connection_begins_it_again(private_valkey: RedisServer) -> None:
    """A cursor of a server that may have been restarted means nothing there."""
    async with RedisCache(private_valkey.url, mode="pooled") as cache:
        await cache.set_many({f"key{n}": n for n in range(_ALL)})
        interrupted = Interrupted(private_valkey, times=1)
        assert not await cache._calls.mode.scan(b"*", interrupted.take)
        assert await cache._calls.mode.scan(b"*", interrupted.take)
        assert interrupted.pages > 4
        assert len(await cache.scan_keys("*")) == _ALL


async def test_it_ends_when_the_server_stays_away(private_valkey: RedisServer) -> None:
    """Where the connections break again and again it gives up with an error."""
    async with RedisCache(private_valkey.url, mode="pooled") as cache:
        await cache.set_many({f"key{n}": n for n in range(_ALL)})
        interrupted = Interrupted(private_valkey, times=100)
        scan = cache._calls.mode.scan

        async def interrupting(match: bytes, take: object) -> bool:
            return await scan(match, interrupted.take)

        cache._calls.mode.scan = interrupting

        with pytest.raises(ConnectionError, match="changed during the scan"):
            await cache.scan_keys("*")
