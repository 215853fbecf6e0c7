"""What is told, and what is done, where a server refuses, is silent, or is replaced."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from infrastructure import ConnectionError, OperationError, TimeoutError, deadline
from infrastructure.caching.redis import RedisCache
from infrastructure.conformance._stopwatch import Stopwatch
from infrastructure.interfaces import CachingInterface
from infrastructure.testing import ChaosProxy

from ...servers.endpoint import Endpoint
from .speaker import speaking

MODES = pytest.mark.parametrize("mode", ["multiplexed", "pooled"])
LOADING = b"-LOADING Redis is loading the dataset in memory\r\n"


@MODES
async def test_what_is_refused_with_a_write_is_not_sent_again(mode: str) -> None:
    """The lease on its key is not taken away then either: nobody hammers a server that is loading."""

    def answer(command: list[bytes]) -> bytes:
        return LOADING if command[0] in (b"SET", b"UNLINK") else b"+OK\r\n"

    async with speaking(answer) as server, RedisCache(server.url, mode=mode) as cache:
        before = asyncio.all_tasks()

        for _ in range(20):
            with pytest.raises(ConnectionError) as caught:
                await cache.set("key", 1, ttl=60)

            assert caught.value.outcome == "not_applied"

        # Nobody is left who would.
        assert asyncio.all_tasks() <= before
        heard = Counter(command[0] for command in server.heard)
        assert heard[b"UNLINK"] == 20


@MODES
@pytest.mark.parametrize(("stored", "outcome"), [(0, "not_applied"), (256, "unknown")])
async def test_a_batch_whose_first_part_was_stored_is_not_not_applied(
    mode: str, stored: int, outcome: str
) -> None:
    """Also where all of a later part was refused."""
    seen = 0

    def answer(command: list[bytes]) -> bytes:
        nonlocal seen

        if command[0] != b"SET":
            return b"+OK\r\n"

        seen += 1
        return b"+OK\r\n" if seen <= stored else b"-OOM command not allowed\r\n"

    async with speaking(answer) as server, RedisCache(server.url, mode=mode) as cache:
        with pytest.raises(OperationError) as caught:
            await cache.set_many({f"key {n}": n for n in range(stored + 200)})

    assert caught.value.outcome == outcome
    assert len(caught.value.failed_keys) == 200


class Stuck(CachingInterface):
    """Has the abstract methods and nothing else, and does not look at deadlines."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.gate = asyncio.Event()
        self.gate.set()

    async def connect(self) -> None: ...

    async def disconnect(self) -> None: ...

    async def get(self, key: str) -> Any:
        await self.gate.wait()
        return self.values.get(key)

    async def set(self, key: str, value: Any, ttl: int | None = None) -> None:
        await self.gate.wait()
        self.values[key] = value

    async def delete(self, key: str) -> bool:
        return self.values.pop(key, None) is not None

    async def exists(self, key: str) -> bool:
        return key in self.values

    async def ttl(self, key: str) -> int | None:
        return None

    async def scan_keys(self, pattern: str) -> list[str]:
        return []


async def test_a_near_store_that_hangs_is_left(valkey: Endpoint) -> None:
    """The server has the value: whoever asks need not wait for the store."""
    store = Stuck()

    async with RedisCache(valkey.url, near=store, prefix="stuck:") as cache:
        await cache.set("key", 1)
        assert await cache.get("key") == 1
        store.gate.clear()
        watch = Stopwatch()
        assert await cache.get("key") == 1
        assert await cache.get("other") is None
        assert watch.taken < 1


async def test_a_near_read_has_one_deadline(valkey: Endpoint) -> None:
    """Not one for the value and one for the time that it has left."""
    async with ChaosProxy((valkey.host, valkey.port)) as proxy:
        url = f"redis://{proxy.host}:{proxy.port}"

        with deadline(10):
            cache = RedisCache(url, near_entries=10, deadline=0.5)
            await cache.connect()

        async with cache:
            proxy.black_hole()
            proxy.reset()
            # Until the link is known to be gone.
            await asyncio.sleep(0.05)
            watch = Stopwatch()

            with pytest.raises(TimeoutError):
                await cache.get("key")

            assert watch.taken < 0.75


@MODES
async def test_a_made_value_may_be_stored_though_nobody_says_so(
    valkey: Endpoint, mode: str
) -> None:
    """The answer of the server was lost: the outcome is unknown."""
    async with ChaosProxy((valkey.host, valkey.port)) as proxy:
        url = f"redis://{proxy.host}:{proxy.port}"

        async def factory() -> int:
            proxy.black_hole("to_client")
            return 1

        with deadline(10):
            cache = RedisCache(url, mode=mode, deadline=1.0)
            await cache.connect()

            async with cache:
                with pytest.raises(TimeoutError) as caught:
                    await cache.get_or_set(f"lost {mode}", factory)

    assert caught.value.outcome == "unknown"
