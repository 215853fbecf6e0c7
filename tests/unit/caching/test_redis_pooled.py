"""The pooled mode on real servers: how it connects, whom it trusts, and what a full pool says."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from infrastructure import deadline
from infrastructure.caching.redis import RedisCache
from infrastructure.caching.redis._request import Request
from infrastructure.conformance._stopwatch import Stopwatch
from infrastructure.interfaces.exceptions import (
    ConfigurationError,
    ConnectionError,
    OperationError,
    TimeoutError,
)
from infrastructure.testing import cancel_at

from ...servers import debian_redis as debian
from ...servers.certificates import Certificates
from ...servers.endpoint import Endpoint
from ...servers.ports import free_port
from ...servers.server import RedisServer
from ...servers.waiting import until


def pooled(url: str, **options: Any) -> RedisCache:
    """Return a cache in the pooled mode."""
    return RedisCache(url, mode="pooled", **options)


class TestConnecting:
    """Who is spoken to, and as whom."""

    async def test_the_connections_are_as_asked_for(self, private_valkey: RedisServer) -> None:
        """They have the name and the database of the options, and come when they are needed."""
        with private_valkey.counters() as counters:
            async with pooled(private_valkey.url + "/3", client_name="ada") as cache:
                assert [(one["name"], one["db"]) for one in counters.clients()] == [("ada", "3")]
                await asyncio.gather(*(cache.get(f"key{n}") for n in range(40)))
                assert 1 < len(counters.clients()) <= 10

    async def test_a_refused_connect_names_the_server(self) -> None:
        """It is a ``ConnectionError``, at once."""
        port = free_port()

        with pytest.raises(ConnectionError, match=str(port)) as caught:
            await pooled(f"redis://127.0.0.1:{port}").connect()

        assert caught.value.retryable
        assert caught.value.outcome == "not_applied"
        assert caught.value.operation == "connect"

    @pytest.mark.parametrize("user", ["ada", "eve"])
    async def test_a_wrong_password_is_told(self, redis_acl: RedisServer, user: str) -> None:
        """It is a ``ConfigurationError`` that shows no password."""
        url = f"redis://{user}:s3cret-but-wrong@{redis_acl.host}:{redis_acl.port}"

        with pytest.raises(ConfigurationError, match="WRONGPASS") as caught:
            await pooled(url).connect()

        assert "s3cret" not in str(caught.value)

    async def test_a_login_that_lapses_is_told(self, redis_acl: RedisServer) -> None:
        """Without a user nothing may be done, and the connection does not pretend otherwise."""
        with pytest.raises(ConfigurationError, match="user and the password"):
            await pooled(f"redis://{redis_acl.host}:{redis_acl.port}").connect()

    async def test_a_socket_in_the_file_system(self, private_valkey: RedisServer) -> None:
        """``unix://`` works, and a missing one is a ``ConnectionError``."""
        async with pooled(f"unix://{private_valkey.socket_path}?db=2") as cache:
            await cache.set("key", "value")
            assert await cache.get("key") == "value"

        with pytest.raises(ConnectionError, match="missing"):
            await pooled("unix:///nowhere/missing.sock").connect()

    async def test_a_certificate_is_verified(
        self, redis_tls: RedisServer, certificates: Certificates
    ) -> None:
        """Its own authority is trusted; neither the system's nor another one in its place."""
        assert redis_tls.certificates is not None
        authority = str(redis_tls.certificates.authority)

        async with pooled(redis_tls.url, tls_ca_file=authority) as cache:
            assert await cache.get("key") is None

        for options in ({}, {"tls_ca_file": str(certificates.authority)}):
            with pytest.raises(ConnectionError, match="tls_ca_file"):
                await pooled(redis_tls.url, **options).connect()

    async def test_refusals_are_told_apart(self, private_valkey: RedisServer) -> None:
        """What the server says of one command ends neither the others nor the connection."""
        async with pooled(private_valkey.url, max_connections=1) as cache:
            async with private_valkey.client() as client:
                await client.rpush("list", 1)

            with private_valkey.counters() as counters:
                before = counters.read()
                await cache.set("good", 1)

                with pytest.raises(OperationError, match="WRONGTYPE") as caught:
                    await cache.get_many(["good", "list"])

                assert caught.value.failed_keys == ("list",)

                with pytest.raises(OperationError, match="another Redis type"):
                    await cache.get("list")

                assert (counters.read() - before).connections == 0

    async def test_a_damaged_connection_is_given_up(self, private_valkey: RedisServer) -> None:
        """After a reply of the wrong kind nothing more is read from it."""
        async with pooled(private_valkey.url, max_connections=1) as cache:
            await cache.set("key", "value")
            odd = Request("exists", ("GET", "key"), "key", reads=True, answer=int)

            with private_valkey.counters() as counters:
                before = counters.read()

                with pytest.raises(ConnectionError, match="damaged"):
                    await cache._calls.mode.run(odd)

                [error] = await cache._calls.mode.many([odd])
                assert isinstance(error, ConnectionError)
                assert await cache.get("key") == "value"
                assert (counters.read() - before).connections == 2


class TestAFullPool:
    """Callers wait in line, for as long as they may."""

    async def test_waiting_ends_at_the_deadline(self, private_valkey: RedisServer) -> None:
        """The error says what is full, that nothing was sent, and what to raise."""
        cache = pooled(private_valkey.url, max_connections=2, deadline=0.3)

        with deadline(10):
            await cache.connect()

        async with cache:
            private_valkey.process.freeze()
            holding = [asyncio.ensure_future(cache.get(f"key{n}")) for n in range(2)]
            await asyncio.sleep(0)

            with pytest.raises(TimeoutError, match="all 2 connections") as caught, deadline(0.1):
                await cache.set("key", 1)

            held = await asyncio.gather(*holding, return_exceptions=True)
            private_valkey.process.thaw()

        assert "max_connections=" in str(caught.value)
        assert (caught.value.outcome, caught.value.retryable) == ("not_applied", True)
        # The first was sent, the second never got a connection.
        assert [one.__class__ for one in held] == [TimeoutError] * 2
        assert "no answer came" in str(held[0])
        assert "no connection" in str(held[1])

    @pytest.mark.parametrize("n", [0, 1])
    async def test_a_cancelled_waiter_wakes_the_next(
        self, private_valkey: RedisServer, n: int
    ) -> None:
        """Who is cancelled just as he gets a connection hands it on: redis-py's pool forgets to."""
        async with pooled(private_valkey.url, max_connections=1, deadline=1) as cache:
            private_valkey.process.freeze()
            holder = asyncio.ensure_future(cache.get("holder"))
            waiter = asyncio.ensure_future(cancel_at(lambda: cache.get("waiter"), n, "ready"))
            await asyncio.sleep(0.01)
            following = asyncio.ensure_future(cache.get("following"))
            await asyncio.sleep(0.01)
            private_valkey.process.thaw()
            assert await asyncio.gather(holder, following) == [None, None]
            assert (await waiter).reached

    async def test_many_callers_share_few_connections(self, valkey: Endpoint) -> None:
        """A thousand at once are all served, each with its own value."""
        async with pooled(valkey.url, prefix="few:", max_connections=4) as cache:
            await asyncio.gather(*(cache.set(f"key{n}", n, 60) for n in range(1000)))
            got = await asyncio.gather(*(cache.get(f"key{n}") for n in range(1000)))
            assert got == list(range(1000))
            assert await cache.delete_many([f"key{n}" for n in range(1000)]) == 1000


class TestEnds:
    """What disconnect and a closed loop leave behind."""

    async def test_disconnect_ends_what_hangs(
        self,
        start_redis: Callable[[RedisServer], Awaitable[RedisServer]],
        certificates: Certificates,
    ) -> None:
        """Calls of every stage, one in the midst of TLS too, get a ``ConnectionError`` at once."""
        server = await start_redis(RedisServer(debian.program(), certificates=certificates))
        authority = str(certificates.authority)
        cache = pooled(server.url, tls_ca_file=authority, max_connections=2)
        await cache.connect()
        server.process.freeze()
        calls = [asyncio.ensure_future(cache.get(f"key{n}")) for n in range(4)]
        calls.append(asyncio.ensure_future(cache.set("key", "value")))
        await asyncio.sleep(0.05)
        ending = asyncio.ensure_future(cache.disconnect())
        await asyncio.sleep(0)
        watch = Stopwatch()
        # Else it would wait a second for an answer.
        ending.cancel()
        ends = await asyncio.gather(*calls, return_exceptions=True)
        assert watch.taken < 0.25
        server.process.thaw()

        assert [type(end) for end in ends] == [ConnectionError] * 5
        assert all("disconnect() was called" in str(end) for end in ends)

        with server.counters() as counters:
            await until(lambda: counters.read().open == 0)

    async def test_disconnect_waits_for_an_answer(self, valkey: Endpoint) -> None:
        """What is under way is finished."""
        cache = pooled(valkey.url)
        await cache.connect()
        calls = [asyncio.ensure_future(cache.get(f"key{n}")) for n in range(20)]
        await asyncio.sleep(0)
        await cache.disconnect()
        assert await asyncio.gather(*calls) == [None] * 20

    def test_a_closed_loop_is_left_alone(self, valkey: Endpoint) -> None:
        """A cache whose loop was closed connects afresh, without a warning for the old sockets."""
        cache = pooled(valkey.url)

        async def use() -> None:
            await cache.connect()
            await cache.set("key", "value")

        async def use_again() -> None:
            async with cache:
                assert await cache.get("key") == "value"

        asyncio.run(use())
        asyncio.run(use_again())
        gc.collect()
