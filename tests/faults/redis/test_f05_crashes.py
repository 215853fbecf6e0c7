"""F5: the server is killed and started again, under writers and readers."""

from __future__ import annotations

import asyncio
import time

import pytest

from infrastructure import InfrastructureError
from infrastructure.caching.redis import RedisCache
from infrastructure.conformance._stopwatch import Stopwatch

from ...servers import valkey
from ...servers.server import RedisServer
from .._outcomes import ended
from .._timing import HEALED, SOAK, healed, unhurried, within
from .._watch import ARRIVAL, until
from ._caches import Make, Note

pytestmark = [pytest.mark.slow, pytest.mark.soak, pytest.mark.timeout(300)]

CYCLES = 20 if SOAK else 2
DEADLINE = 1.0


class Writers:
    """Fifty tasks that write new keys until they are stopped, and note what was acknowledged."""

    def __init__(self, cache: RedisCache) -> None:
        self._cache = cache
        self._stopped = False
        self.acknowledged: dict[str, int] = {}
        self.failed = 0
        self.newest = 0.0
        self.tasks = [asyncio.ensure_future(self._write(writer)) for writer in range(50)]

    async def _write(self, writer: int) -> None:
        number = 0

        while not self._stopped:
            number += 1
            key = f"{writer}:{number}"
            end = await ended(lambda: self._cache.set(key, number), DEADLINE)  # noqa: B023

            if isinstance(end, InfrastructureError):
                self.failed += 1
            else:
                self.acknowledged[key] = number
                self.newest = time.monotonic()

    async def more(self, count: int) -> None:
        """Return when so many more were acknowledged."""
        wanted = len(self.acknowledged) + count
        # Its time is no promise: each is on the disk.
        await until(lambda: len(self.acknowledged) >= wanted, lambda: self.acknowledged, ARRIVAL)

    async def stop(self) -> None:
        """End all of them; none hangs, none died."""
        self._stopped = True

        with within(DEADLINE + HEALED):
            await asyncio.gather(*self.tasks)


async def test_F5_no_acknowledged_write_is_missing(make: Make, record_property: Note) -> None:
    """Kill after kill: whatever was acknowledged is there, nothing hangs, writes go on within 1 s."""
    slowest = 0.0

    async with (
        RedisServer(valkey.program(), durable=True) as server,
        make(server, deadline=DEADLINE) as cache,
    ):
        writers = Writers(cache)

        for _ in range(CYCLES):
            await writers.more(200)
            server.process.kill()
            await server.start()
            watch = Stopwatch()
            await writers.more(1)
            slowest = max(slowest, watch.taken)
            assert slowest <= HEALED

        await writers.stop()
        keys = list(writers.acknowledged)
        assert await cache.get_many(keys) == writers.acknowledged

    record_property("kills", CYCLES)
    record_property("acknowledged writes", len(keys))
    record_property("failed writes", writers.failed)
    record_property("first write after the port opened, slowest (s)", round(slowest, 3))


@pytest.mark.parametrize("stop", ["stop", "kill"])
async def test_F5_a_restart_fails_no_read(
    make: Make, private_valkey: RedisServer, stop: str
) -> None:
    """Readers with a warm link notice nothing but the time that it takes."""
    reads: list[int] = []
    running = True

    async def read() -> None:
        while running:
            await cache.get("key")
            assert not await cache.exists("absent")
            assert not await cache.get_many(["absent"])
            assert not await cache.scan_keys("absent")
            reads.append(1)

    async with make(private_valkey, deadline=2) as cache:
        tasks = [asyncio.ensure_future(read()) for _ in range(20)]

        for _ in range(CYCLES):
            await until(lambda: len(reads) >= 100, lambda: reads, ARRIVAL)

            if stop == "stop":
                await private_valkey.stop()
            else:
                private_valkey.process.kill()

            await private_valkey.start()
            reads.clear()

        await until(lambda: len(reads) >= 100, lambda: reads, ARRIVAL)
        running = False
        await asyncio.gather(*tasks)


@unhurried
async def test_F5_an_idle_cache_reads_at_once_from_the_new_server(
    make: Make, private_valkey: RedisServer
) -> None:
    """Nobody asked while it was away: the first read finds out, and succeeds."""
    async with make(private_valkey) as cache:
        await cache.set("key", "value")
        private_valkey.process.kill()
        await private_valkey.start()

        with healed():
            assert await cache.get("key") is None

        private_valkey.process.kill()
        await private_valkey.start()

        with healed():
            await cache.set("key", "value")
