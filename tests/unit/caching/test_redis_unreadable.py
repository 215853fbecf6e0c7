"""A value that another program, or another codec, has stored: the error says under which name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from infrastructure import OperationError
from infrastructure.caching.redis import RedisCache

from ...servers.endpoint import Endpoint

READS: dict[str, Callable[[RedisCache], Awaitable[Any]]] = {
    "get": lambda cache: cache.get("key"),
    "get_many": lambda cache: cache.get_many(["key"]),
    "get_or_set": lambda cache: cache.get_or_set("key", lambda: cache.get("other")),
}


@pytest.mark.parametrize("near", [0, 10])
@pytest.mark.parametrize("operation", READS)
async def test_it_is_named(valkey: Endpoint, operation: str, near: int) -> None:
    """With the prefix, as the server has it; and never taken for a miss."""
    with valkey.control() as control:
        control.set("unreadable:key", b"{no json")

    async with RedisCache(
        valkey.url, prefix="unreadable:", codec="json", near_entries=near
    ) as cache:
        with pytest.raises(OperationError, match="under 'unreadable:key' cannot be read") as caught:
            await READS[operation](cache)

        assert caught.value.outcome in ("not_applied", "unknown")
        assert isinstance(caught.value.__cause__, OperationError)
        await cache.delete("key")
