"""The harness of the cache on Redis and Valkey."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final
from uuid import uuid4

from ..._core.urls import parse_url
from ...caching.redis import RedisCache
from .._faults import FaultHarness
from .._harness import CachingHarness
from ._urls import through, without

__all__ = ["RedisHarness"]

_NOT_OURS: Final = "the server of a URL is not ours to stop"
_CLOSED: Final = "a pooled connection whose answer was not read is closed"


class RedisHarness(CachingHarness):
    """A prefix of its own for each check; what stands under it is removed afterwards.

    Faults are tried at ``redis://`` only: a proxy before a Cluster or sentinels would stand on
    the way to the first address alone, and a certificate is not its own.
    """

    missing: Mapping[str, str] = MappingProxyType(
        {"server_faults": _NOT_OURS, "durable": _NOT_OURS}
    )

    def __init__(self, url: str = "redis://localhost:6379") -> None:
        parts = parse_url(url)
        self._url = without(url, {"prefix"})
        self._prefix = f"{parts.options.get('prefix', '')}conform:{uuid4().hex}:"

        if parts.options.get("mode") == "pooled":
            self.missing = {**self.missing, "steady_connections": _CLOSED}

        if parts.scheme == "redis":
            host, port = parts.hosts[0]
            self.faults: FaultHarness | None = FaultHarness((host, port or 6379))

    def make(self, **options: Any) -> RedisCache:
        """Return a cache under this check's prefix."""
        url = without(through(self._url, self.faults), options)
        return RedisCache(url, prefix=self._prefix, **options)

    async def close(self) -> None:
        """Remove the keys of the check."""
        async with self.make() as cache:
            await cache.delete_many(await cache.scan_keys("*"))
