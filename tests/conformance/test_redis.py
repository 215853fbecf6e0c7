"""The Redis cache keeps every promise of a cache, on each kind of server and in each mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from infrastructure.conformance.harnesses.redis import RedisHarness
from infrastructure.conformance.pytest import conformance

from ..servers import shared


class OnServer(RedisHarness):
    """Knows its server when a check begins: none is started to count the tests."""

    def __init__(self, server: Callable[[], Any], query: str = "") -> None:
        self._server, self._query = server, query

    async def open(self) -> None:
        super().__init__(f"{self._server().url}{self._query}")


test_valkey = conformance(lambda: OnServer(shared.valkey))
test_redis_7 = conformance(lambda: OnServer(shared.debian_redis))
test_cluster = conformance(lambda: OnServer(shared.valkey_cluster))
test_sentinel = conformance(lambda: OnServer(shared.valkey_sentinel))
test_near_cache = conformance(lambda: OnServer(shared.valkey, "?near_entries=1000"))
test_near_cache_on_a_cluster = conformance(
    lambda: OnServer(shared.valkey_cluster, "?near_entries=1000")
)
test_pooled = conformance(lambda: OnServer(shared.debian_redis, "?mode=pooled"))
test_pooled_on_a_cluster = conformance(lambda: OnServer(shared.valkey_cluster, "?mode=pooled"))
test_pooled_behind_sentinels = conformance(lambda: OnServer(shared.valkey_sentinel, "?mode=pooled"))
