"""What breaks while a Redis cache connects was never applied."""

from __future__ import annotations

import asyncio

import pytest

from infrastructure.caching.redis import RedisCache
from infrastructure.interfaces import ConnectionError


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
async def test_a_connection_that_is_reset_at_once_applied_nothing(scheme) -> None:
    """In the handshake of TLS, or in that of the server."""

    async def reset(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with await asyncio.start_server(reset, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]

        with pytest.raises(ConnectionError, match=f"connect to 127.0.0.1:{port}") as caught:
            await RedisCache(f"{scheme}://127.0.0.1:{port}", deadline=1.0).connect()

    assert caught.value.outcome == "not_applied"
