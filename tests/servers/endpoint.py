"""Where a Redis answers, and redis-py's clients for it; somebody else may have started it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from infrastructure.testing.redis import RedisCounters

__all__ = ["Endpoint"]

# One connection, nothing is tried twice, and no test waits long for a frozen server.
_SETTINGS: Mapping[str, Any] = {
    "decode_responses": True,
    "protocol": 2,
    "single_connection_client": True,
    "socket_timeout": 5,
}


class Endpoint:
    """The server at ``url``; ``secure`` are redis-py's options that its certificates need."""

    def __init__(self, url: str, secure: Mapping[str, str] | None = None) -> None:
        parts = urlsplit(url)
        self.url = url
        self.host = parts.hostname or "localhost"
        self.port = parts.port or 6379
        self._secure = dict(secure or {})

    def __repr__(self) -> str:
        return f"<{type(self).__name__} on {self.host}:{self.port}>"

    def client(self, **options: Any) -> redis.asyncio.Redis:
        """Return redis-py's client, to be used in an ``async with`` block."""
        settings = {**_SETTINGS, "retry": AsyncRetry(NoBackoff(), 0), **self._secure, **options}
        return redis.asyncio.Redis.from_url(self.url, **settings)

    def control(self, **options: Any) -> redis.Redis:
        """Return its blocking client, for which no event loop is needed."""
        settings = {**_SETTINGS, "retry": Retry(NoBackoff(), 0), **self._secure, **options}
        return redis.Redis.from_url(self.url, **settings)

    def counters(self) -> RedisCounters:
        """Return what the server counts, to be used in a ``with`` block."""
        return RedisCounters(self.url, **self._secure)
