"""Makes the caches of the fault tests, and lists the calls that they are asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from infrastructure.caching.redis import RedisCache

__all__ = [
    "CALLS",
    "DEADLINE",
    "READS",
    "WRITES",
    "Call",
    "Make",
    "Note",
    "Place",
    "made",
    "make_cache",
]

DEADLINE = 0.4
"""Seconds that a call of these caches may take."""


class Place(Protocol):
    """Where a server answers: itself, or a proxy before it."""

    @property
    def host(self) -> str: ...

    @property
    def port(self) -> int: ...


Make = Callable[..., RedisCache]
"""Takes a ``Place`` and the options of ``RedisCache``."""

Note = Callable[[str, object], None]
"""pytest's ``record_property``: a figure for the report of ``make soak``."""

Call = Callable[[RedisCache], Awaitable[Any]]


def make_cache(place: Place, *, deadline: float = DEADLINE, **options: Any) -> RedisCache:
    """Return an unconnected cache."""
    return RedisCache(f"redis://{place.host}:{place.port}", deadline=deadline, **options)


async def made() -> str:
    """Make the value of a ``get_or_set``."""
    return "made"


async def _expires(cache: RedisCache) -> bool:
    return (await cache.ttl("key") or 0) > 0


READS: Mapping[str, Call] = {
    "get": lambda cache: cache.get("key"),
    "exists": lambda cache: cache.exists("key"),
    "ttl": _expires,
    "get_many": lambda cache: cache.get_many(["key", "other"]),
    "scan_keys": lambda cache: cache.scan_keys("*"),
}
"""What may be repeated."""

WRITES: Mapping[str, Call] = {
    "set": lambda cache: cache.set("key", "written"),
    "set with a ttl": lambda cache: cache.set("key", "written", ttl=60),
    "set of a large value": lambda cache: cache.set("large", "w" * 100_000),
    "delete": lambda cache: cache.delete("key"),
    "set_many": lambda cache: cache.set_many({"key": "written"}),
    "delete_many": lambda cache: cache.delete_many(["key"]),
}
"""What may not: each is one command of the server."""

CALLS: Mapping[str, Call] = {
    **READS,
    **WRITES,
    "get_or_set": lambda cache: cache.get_or_set("absent", made),
}
