"""The harness of the cache on Redis and Valkey."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from uuid import uuid4

from ..._core.urls import parse_url
from ...caching.redis import RedisCache
from .._faults import FaultHarness
from .._harness import CachingHarness

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
        self._url, prefix = _split(url)
        self._prefix = f"{prefix}conform:{uuid4().hex}:"
        parts = parse_url(url)

        if parts.options.get("mode") == "pooled":
            self.missing = {**self.missing, "steady_connections": _CLOSED}

        if parts.scheme == "redis":
            host, port = parts.hosts[0]
            self.faults: FaultHarness | None = FaultHarness((host, port or 6379))

    def make(self, **options: Any) -> RedisCache:
        """Return a cache under this check's prefix."""
        return RedisCache(self._address(), prefix=self._prefix, **options)

    async def close(self) -> None:
        """Remove the keys of the check."""
        async with self.make() as cache:
            await cache.delete_many(await cache.scan_keys("*"))

    def _address(self) -> str:
        """Return the URL, with the proxy in the place of the server once it is open."""
        if self.faults is None or not self.faults.is_open:
            return self._url

        parts, proxy = urlsplit(self._url), self.faults.proxy
        account, at, _ = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{account}{at}{proxy.host}:{proxy.port}"))


def _split(url: str) -> tuple[str, str]:
    """Return ``url`` without its option ``prefix``, and that."""
    base, _, query = url.partition("?")
    options = parse_qsl(query, keep_blank_values=True)
    rest = urlencode([(name, value) for name, value in options if name != "prefix"])
    return f"{base}?{rest}" if rest else base, dict(options).get("prefix", "")
