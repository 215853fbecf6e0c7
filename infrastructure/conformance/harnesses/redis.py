"""The harness of the cache on Redis and Valkey."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import uuid4

from ...caching.redis import RedisCache
from .._harness import CachingHarness

__all__ = ["RedisHarness"]


class RedisHarness(CachingHarness):
    """A prefix of its own for each check; what stands under it is removed afterwards."""

    def __init__(self, url: str = "redis://localhost:6379") -> None:
        self._url, prefix = _split(url)
        self._prefix = f"{prefix}conform:{uuid4().hex}:"

    def make(self, **options: Any) -> RedisCache:
        """Return a cache under this check's prefix."""
        return RedisCache(self._url, prefix=self._prefix, **options)

    async def close(self) -> None:
        """Remove the keys of the check."""
        async with self.make() as cache:
            await cache.delete_many(await cache.scan_keys("*"))


def _split(url: str) -> tuple[str, str]:
    """Return ``url`` without its option ``prefix``, and that."""
    base, _, query = url.partition("?")
    options = parse_qsl(query, keep_blank_values=True)
    rest = urlencode([(name, value) for name, value in options if name != "prefix"])
    return f"{base}?{rest}" if rest else base, dict(options).get("prefix", "")
