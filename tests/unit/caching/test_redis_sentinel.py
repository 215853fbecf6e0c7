"""Sentinels that disagree, know nothing or are away: those of ours say what no real ones can be made to."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from infrastructure.caching.redis import RedisCache
from infrastructure.interfaces.exceptions import ConfigurationError, ConnectionError

from ...servers.ports import free_port
from ...servers.waiting import until
from .speaker import Speaker, speaking


class Told:
    """What a sentinel says: the port of the primary, and since which epoch."""

    def __init__(self, port: int, epoch: int) -> None:
        self.port, self.epoch = port, epoch
        self.refusal: bytes | None = None

    def __call__(self, command: list[bytes]) -> bytes:
        if command[0] != b"SENTINEL":
            return b"+PONG\r\n"

        if self.refusal is not None:
            return self.refusal

        if command[1] == b"MASTER":
            return b"%%1\r\n+config-epoch\r\n$%d\r\n%d\r\n" % (len(str(self.epoch)), self.epoch)

        port = str(self.port).encode()
        return b"*2\r\n$9\r\n127.0.0.1\r\n$%d\r\n%s\r\n" % (len(port), port)


def server(role: bytes, value: int) -> object:
    """Return what a server of the data answers."""

    def answer(command: list[bytes]) -> bytes:
        if command[0] == b"ROLE":
            return b"*1\r\n$%d\r\n%s\r\n" % (len(role), role)

        if command[0] == b"SET":
            return b"+OK\r\n"

        return b"$2\r\n\x92%c\r\n" % value if command[0] == b"GET" else b"+PONG\r\n"

    return answer


@asynccontextmanager
async def watched() -> AsyncIterator[tuple[list[Told], list[Speaker], str]]:
    """Give two sentinels, two servers (the second is the primary of the newer epoch), and the URL."""
    async with AsyncExitStack() as stack:
        servers = [
            await stack.enter_async_context(speaking(server(b"master", value))) for value in (1, 2)
        ]
        told = [Told(one.address[1], epoch) for epoch, one in enumerate(servers, 1)]
        sentinels = [await stack.enter_async_context(speaking(one)) for one in told]
        hosts = ",".join("{}:{}".format(*one.address) for one in sentinels)
        yield told, servers, f"redis+sentinel://{hosts}/mymaster"


async def test_the_newest_epoch_counts() -> None:
    """A sentinel that was away still names the old primary: it is overruled."""
    async with watched() as (told, servers, url), RedisCache(url) as cache:
        assert await cache.get("k") == 2
        told[0].epoch = 3
        await cache._calls.mode._topology.refresh()
        assert await cache.get("k") == 1
        assert [one.connected for one in servers] == [1, 1]


async def test_a_primary_that_is_none() -> None:
    """What the sentinels name says that it is a replica: that is a failover under way, no primary."""
    async with watched() as (told, _, url), speaking(server(b"slave", 3)) as replica:
        for one in told:
            one.port = replica.address[1]

        with pytest.raises(ConnectionError, match="replica") as caught:
            await RedisCache(url, deadline=1).connect()

        assert (caught.value.outcome, caught.value.retryable) == ("not_applied", True)


async def test_a_primary_that_is_demoted() -> None:
    """READONLY: the write is refused as it is, the sentinels are asked at once, the next one goes right."""
    async with watched() as (told, _, url):
        replies = {b"SET": b"-READONLY no\r\n", b"ROLE": b"*1\r\n$6\r\nmaster\r\n"}

        async with speaking(lambda command: replies.get(command[0], b"+PONG\r\n")) as demoted:
            told[1].port, told[1].epoch = demoted.address[1], 5

            async with RedisCache(url) as cache:
                told[0].epoch = 9

                with pytest.raises(ConnectionError, match="READONLY"):
                    await cache.set("k", 1)

                while cache._calls.mode._topology.nodes[0].address[1] == demoted.address[1]:
                    await cache._calls.mode._topology.refresh()

                assert await cache.get("k") == 1


async def test_a_service_that_nobody_knows() -> None:
    """It is a wrong name, and the text says where the right ones are."""
    async with watched() as (told, _, url):
        for one in told:
            one.refusal = b"$-1\r\n"

        with pytest.raises(ConfigurationError, match="'mymaster'; SENTINEL MASTERS"):
            await RedisCache(url).connect()


async def test_sentinels_that_forbid() -> None:
    """Their password is missing: that is told, not that they are away."""
    async with watched() as (told, _, url):
        for one in told:
            one.refusal = b"-NOAUTH Authentication required.\r\n"

        with pytest.raises(ConnectionError, match="NOAUTH"):
            await RedisCache(url).connect()


async def test_servers_that_are_no_sentinels() -> None:
    """The URL is wrong, and the text says which one is right."""
    async with watched() as (told, _, url):
        for one in told:
            one.refusal = b"-ERR unknown command 'SENTINEL', with args beginning with: 'a' 'b' \r\n"

        with pytest.raises(ConfigurationError, match=r"'SENTINEL'; .*; a server.*say redis://"):
            await RedisCache(url).connect()


async def test_sentinels_that_are_away() -> None:
    """Each is named with what it said; one that is there is enough."""
    async with watched() as (_, _servers, url):
        away = free_port()

        with pytest.raises(ConnectionError, match=f"{away}.*{away + 0}") as caught:
            await RedisCache(f"redis+sentinel://127.0.0.1:{away},127.0.0.1:{away}/m").connect()

        assert (caught.value.outcome, caught.value.retryable) == ("not_applied", True)

        async with RedisCache(url.replace("://", f"://127.0.0.1:{away},")) as cache:
            assert await cache.get("k") == 2


async def test_a_large_value() -> None:
    """It rides a second link to the primary."""
    async with watched() as (_, servers, url), RedisCache(url) as cache:
        await cache.set("k", b"x" * 100_000)
        assert await cache.get("k") == 2
        assert servers[1].connected == 2


async def test_sentinels_that_are_away_later(caplog: pytest.LogCaptureFixture) -> None:
    """Who is connected goes on: they are asked again and again, and it is told to the debug log."""
    caplog.set_level(logging.DEBUG, "infrastructure")

    async with watched() as (told, _, url), RedisCache(url) as cache:
        for one in told:
            one.refusal = b"-LOADING wait\r\n"

        topology = cache._calls.mode._topology
        topology.silent()
        await until(lambda: "the primaries were not found" in caplog.text, 2)

        with pytest.raises(ConnectionError, match="LOADING"):
            await topology.refresh()

        assert await cache.get("k") == 2
        assert not [record for record in caplog.records if record.levelno > logging.DEBUG]


async def test_disconnect_while_they_are_asked() -> None:
    """A look that waits for an answer ends with it, and so does the connect."""
    async with speaking(lambda _command: b"") as silent:
        cache = RedisCache("redis+sentinel://{}:{}/m".format(*silent.address))
        connecting = asyncio.create_task(cache.connect())
        await until(lambda: len(silent.heard) == 2)
        await cache.disconnect()

        with pytest.raises(ConnectionError, match="disconnect"):
            await connecting


async def test_a_look_that_is_ended() -> None:
    """Who shares it gets an error that says so; nobody is cancelled but by himself."""
    async with watched() as (told, _, url), RedisCache(url) as cache:
        for one in told:
            one.refusal = b""

        looking = asyncio.create_task(cache._calls.mode._topology.refresh())
        await asyncio.sleep(0.01)
        cache._calls.mode._topology.close()

        with pytest.raises(ConnectionError, match=r"disconnect\(\) was called"):
            await looking
