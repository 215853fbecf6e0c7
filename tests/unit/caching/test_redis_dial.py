"""While a Redis cache connects: what breaks was never applied, and a block may give it time."""

from __future__ import annotations

import asyncio

import pytest

import infrastructure
from infrastructure.caching.redis import RedisCache
from infrastructure.interfaces import ConnectionError, TimeoutError
from infrastructure.testing import ChaosProxy

from ...servers.serving import serving
from .speaker import speaking
from .test_redis_cluster import two_nodes

DELAY = 0.04


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
async def test_a_connection_that_is_reset_at_once_applied_nothing(scheme) -> None:
    """In the handshake of TLS, or in that of the server."""

    async def reset(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with serving(reset) as (_, port):
        with pytest.raises(ConnectionError, match=f"connect to 127.0.0.1:{port}") as caught:
            await RedisCache(f"{scheme}://127.0.0.1:{port}", deadline=1.0).connect()

    assert caught.value.outcome == "not_applied"
    assert ("say rediss://" in str(caught.value)) is (scheme == "redis")


async def test_a_block_gives_a_slow_server_time() -> None:
    """The default of one call, shorter than its round trip, does not end the handshake inside."""
    async with (
        speaking(lambda _command: b"$2\r\n\x92\x01\r\n") as server,
        ChaosProxy(server.address) as proxy,
    ):
        proxy.delay(DELAY)

        with infrastructure.deadline(5):
            async with RedisCache(f"redis://{proxy.host}:{proxy.port}", deadline=DELAY) as cache:
                assert await cache.get("k") == 1


async def test_a_block_gives_a_slow_cluster_time() -> None:
    """Nor the question for the slots."""
    async with two_nodes() as (_, speakers, _url), ChaosProxy(speakers[0].address) as proxy:
        proxy.delay(DELAY)
        url = f"redis+cluster://{proxy.host}:{proxy.port}"

        with infrastructure.deadline(5):
            async with RedisCache(url, deadline=DELAY) as cache:
                assert await cache.get("k") == 1


@pytest.mark.parametrize(
    ("scheme", "advice"), [("rediss", "speak TLS.*redis://"), ("redis", "is the server alive")]
)
async def test_a_connect_that_nobody_answers_says_where_it_was(scheme, advice) -> None:
    """The servers and what to look at are in the text."""
    silent = asyncio.Event()

    async def wait(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await silent.wait()
        writer.transport.abort()

    async with serving(wait) as (_, port):
        text = (
            f"connect: the deadline passed before RedisCache {scheme}://127.0.0.1:{port}.*{advice}"
        )

        with pytest.raises(TimeoutError, match=text):
            await RedisCache(f"{scheme}://127.0.0.1:{port}", deadline=0.05).connect()

        silent.set()
