"""The harness of the Redis cache on a server that may be stopped: what a URL's is not."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from infrastructure.conformance.harnesses.redis import RedisHarness

from .own_server import OwnFaults

__all__ = ["OwnPooledHarness", "OwnRedisHarness"]


class OwnRedisHarness(RedisHarness):
    """Everything is tried on it."""

    missing: Mapping[str, str] = MappingProxyType({})
    query = ""

    def __init__(self) -> None:
        super().__init__(f"redis://host{self.query}")
        self.faults = OwnFaults()


class OwnPooledHarness(OwnRedisHarness):
    """Each call has a connection of redis-py's."""

    query = "?mode=pooled"
