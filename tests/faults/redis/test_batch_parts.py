"""A batch of which a part is not answered: the error names those keys and no others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from infrastructure import deadline
from infrastructure.caching.redis import RedisCache
from infrastructure.interfaces.exceptions import InfrastructureError

from ...servers.cluster import RedisCluster

pytestmark = pytest.mark.usefixtures("either_mode")

KEYS = [f"k{number}" for number in range(600)]
WAYS: dict[str, Callable[[RedisCache], Awaitable[Any]]] = {
    "get_many": lambda cache: cache.get_many(KEYS),
    "set_many": lambda cache: cache.set_many(dict.fromkeys(KEYS, 1)),
    "delete_many": lambda cache: cache.delete_many(KEYS),
}
AT_ONCE = 256


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
async def test_a_frozen_primary(private_cluster: RedisCluster, way: str) -> None:
    """What the others answered is not among the failed keys; what was not sent any more is."""
    cache = RedisCache(private_cluster.url, deadline=1.0)

    with deadline(10.0):
        # Six links, or as many connections as keys: they are not what is looked at.
        await cache.connect()
        await cache.set_many(dict.fromkeys(KEYS, 0))

    async with cache:
        node = private_cluster.primary_of("k1")
        lost = [key for key in KEYS[:AT_ONCE] if private_cluster.primary_of(key) is node]
        node.process.freeze()

        try:
            with pytest.raises(InfrastructureError) as failed:
                await WAYS[way](cache)
        finally:
            node.process.thaw()

        assert failed.value.failed_keys == (*lost, *KEYS[AT_ONCE:])
        assert failed.value.outcome == "unknown"
        assert failed.value.retryable
