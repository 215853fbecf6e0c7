"""F30: a server that refuses everything gets no more than it was asked, however many callers there are."""

from __future__ import annotations

import asyncio
import time

import pytest

from infrastructure.caching.redis import RedisCache
from infrastructure.interfaces.exceptions import (
    ConnectionError,
    InfrastructureError,
    OperationError,
    TimeoutError,
)

from ...servers.endpoint import Endpoint
from ...servers.ports import free_port
from ...servers.server import RedisServer
from ...servers.serving import serving
from ...unit.caching.speaker import HELLO, speaking
from ._through import through

CALLERS = 200


async def outcomes(cache: RedisCache, seconds: float = 0.0) -> int:
    """Let the callers read and write, again and again for a while; return how many calls failed."""
    failed = 0
    end = time.monotonic() + seconds

    async def call(number: int) -> None:
        nonlocal failed

        while True:
            try:
                await (cache.get(f"{number}") if number % 2 else cache.set(f"{number}", 1))
            except InfrastructureError:
                failed += 1

            if time.monotonic() >= end:
                return

    await asyncio.gather(*map(call, range(CALLERS)))
    return failed


@pytest.mark.parametrize("refusal", ["ERR no", "OOM no", "NOPERM no", "READONLY no", "BUSY no"])
async def test_a_server_that_refuses_all(refusal: str) -> None:
    """Each call is sent once, over the one connection."""
    async with speaking(lambda _command: b"-%s\r\n" % refusal.encode()) as server:
        async with RedisCache(server.url) as cache:
            assert await outcomes(cache) == CALLERS

        assert (server.connected, len(server.heard)) == (1, CALLERS)


@pytest.mark.slow
async def test_a_server_that_says_that_it_passes() -> None:
    """LOADING for ever: writes are sent once, reads twenty times a second until they give up."""
    seconds = 2.0

    async with speaking(lambda _command: b"-LOADING wait\r\n") as server:
        async with RedisCache(server.url, deadline=seconds) as cache:
            assert await outcomes(cache) == CALLERS

        writes = [command for command in server.heard if command[0] == b"SET"]
        reads = [command for command in server.heard if command[0] == b"GET"]
        assert len(writes) == CALLERS / 2
        assert CALLERS / 2 < len(reads) <= CALLERS / 2 * (20 * seconds + 2)
        assert server.connected == 1


@pytest.mark.slow
async def test_a_server_that_takes_no_connection(private_valkey: RedisServer) -> None:
    """It hangs up on each: callers share attempts, at most fifty a second, growing rarer."""
    async with through(private_valkey, deadline=2) as (cache, proxy):
        proxy.redirect((private_valkey.host, free_port()))
        proxy.reset()
        before = proxy.accepted
        began = time.monotonic()
        failed = await outcomes(cache, 0.5)
        took = time.monotonic() - began
        assert failed >= CALLERS
        assert proxy.accepted - before <= took * 50 + 2


@pytest.mark.slow
async def test_a_server_that_hangs_up_after_the_handshake() -> None:
    """It gets no more than one that hangs up before: at most fifty attempts a second."""
    connected = 0

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connected
        connected += 1
        await reader.read(65536)
        writer.write(HELLO + b"+OK\r\n" * 2)

    async with serving(greet) as (host, port):
        began = time.monotonic()

        with pytest.raises((ConnectionError, TimeoutError)):
            async with RedisCache(f"redis://{host}:{port}", deadline=0.5) as cache:
                await cache.get("k")

        assert connected <= (time.monotonic() - began) * 50 + 2


@pytest.mark.slow
async def test_a_read_that_breaks_each_link() -> None:
    """It is tried again ever more rarely: with each link the writes of all others are lost."""

    def answer(command: list[bytes]) -> bytes:
        return b"?no reply\r\n" if command[1] == b"bad" else b"+OK\r\n"

    async with speaking(answer) as server:
        async with RedisCache(server.url, deadline=1) as cache:
            with pytest.raises(TimeoutError):
                await cache.get("bad")

            await cache.set("good", 1)

        assert 3 <= server.connected <= 12


async def test_a_wrong_password_is_no_storm(redis_acl: RedisServer) -> None:
    """Callers of one `connect` share its one attempt."""
    cache = RedisCache(redis_acl.url.replace("l0velace", "wrong"))

    with redis_acl.counters() as counters:
        before = counters.read()
        results = await asyncio.gather(
            *(cache.connect() for _ in range(CALLERS)), return_exceptions=True
        )
        assert all(isinstance(result, InfrastructureError) for result in results)
        assert (counters.read() - before).connections == 1


async def test_a_factory_that_fails_is_called_once_a_flight(valkey: Endpoint) -> None:
    """Its error reaches all who wait; nobody calls it again for them."""
    calls = 0

    async def fail() -> None:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0.01)
        raise OperationError("the source is down")

    async with through(valkey) as (cache, _):
        results = await asyncio.gather(
            *(cache.get_or_set("k", fail) for _ in range(CALLERS)), return_exceptions=True
        )

    assert calls == 1
    assert {str(result) for result in results} == {"the source is down"}
