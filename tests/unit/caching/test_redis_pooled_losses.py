"""The pooled mode when the server is frozen, killed or started again, and when callers give up."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from time import monotonic

import pytest

from infrastructure import deadline
from infrastructure.caching.redis import RedisCache
from infrastructure.interfaces.exceptions import ConnectionError, TimeoutError
from infrastructure.testing import every_cancellation

from ...servers.server import RedisServer
from ...servers.waiting import until

_SLACK = 0.25


def pooled(server: RedisServer, connections: int = 10) -> RedisCache:
    """Return a cache in the pooled mode."""
    return RedisCache(server.url, mode="pooled", max_connections=connections)


async def warmed(cache: RedisCache) -> None:
    """Open all its connections."""
    await asyncio.gather(*(cache.get(f"warm{n}") for n in range(100)))


class TestFrozen:
    """The server keeps its sockets and answers nobody."""

    async def test_every_call_ends_at_its_deadline(self, private_valkey: RedisServer) -> None:
        """With a truthful outcome; more calls than connections do not change that."""
        async with pooled(private_valkey) as cache:
            await warmed(cache)
            private_valkey.process.freeze()
            begun = monotonic()

            with deadline(0.1):
                ends = await asyncio.gather(
                    *(cache.get(f"key{n}") for n in range(30)),
                    cache.set("key", "x" * 2_000_000),
                    cache.get_many(["a", "b"]),
                    cache.set_many({"a": 1, "b": 2}),
                    cache.scan_keys("*"),
                    return_exceptions=True,
                )

            assert monotonic() - begun < 0.1 + _SLACK
            assert {type(end) for end in ends} == {TimeoutError}
            private_valkey.process.thaw()
            assert await cache.get("key0") is None

    async def test_a_write_is_done_once_or_not_at_all(self, private_valkey: RedisServer) -> None:
        """A removal that got no answer is not sent again: what was stored since stays."""
        async with pooled(private_valkey, 1) as cache:
            await cache.set("key", "old")
            private_valkey.process.freeze()

            with pytest.raises(TimeoutError) as caught, deadline(0.1):
                await cache.delete("key")

            private_valkey.process.thaw()
            assert caught.value.outcome == "unknown"

            with private_valkey.counters() as counters:
                await cache.get("key")
                assert counters.read().commands["unlink"] <= 2  # the key, and the lease on it

    async def test_a_late_reply_meets_nobody(self, private_valkey: RedisServer) -> None:
        """What overdue reads would have got is not given to those who come next."""
        async with pooled(private_valkey, 2) as cache:
            await cache.set_many({f"key{n}": n for n in range(20)})
            private_valkey.process.freeze()

            with deadline(0.05):
                await asyncio.gather(
                    *(cache.get(f"key{n}") for n in range(10)), return_exceptions=True
                )

            private_valkey.process.thaw()
            got = await asyncio.gather(*(cache.get(f"key{n}") for n in range(10, 20)))
            assert got == list(range(10, 20))

    async def test_no_connection_is_leaked(self, private_valkey: RedisServer) -> None:
        """After many timed-out calls no more than the pool's are open."""
        async with pooled(private_valkey, 3) as cache:
            for _ in range(3):
                private_valkey.process.freeze()

                with deadline(0.05):
                    await asyncio.gather(
                        *(cache.get("key") for _ in range(20)), return_exceptions=True
                    )

                private_valkey.process.thaw()

            await warmed(cache)

            with private_valkey.counters() as counters:
                await until(lambda: counters.read().open <= 3)


class TestRestarted:
    """The server goes and comes back."""

    async def test_reads_do_not_notice(self, private_valkey: RedisServer) -> None:
        """With all connections stale, reads of all kinds succeed while it comes back."""
        async with pooled(private_valkey) as cache:
            await warmed(cache)
            private_valkey.process.kill()
            reads = asyncio.gather(
                *(cache.get(f"key{n}") for n in range(20)),
                cache.exists("key"),
                cache.get_many(["a", "b"]),
                cache.scan_keys("*"),
                cache.set("never left", 1),
            )
            await asyncio.sleep(0.05)
            await private_valkey.start()
            *rest, keys, _ = await reads
            assert rest == [*[None] * 20, False, {}]
            assert keys in ([], ["never left"])

    async def test_reads_under_way_are_sent_again(self, private_valkey: RedisServer) -> None:
        """A read whose answer was lost with the server gets it from the next one, a write does not."""
        async with pooled(private_valkey) as cache:
            await warmed(cache)
            private_valkey.process.freeze()
            read = asyncio.ensure_future(cache.get_many(["a", "b"]))
            write = asyncio.ensure_future(cache.set("key", 1))
            writes = asyncio.ensure_future(cache.set_many({"a": 1}))
            await asyncio.sleep(0.05)
            private_valkey.process.kill()
            await private_valkey.start()

            assert await read == {}

            for lost in (write, writes):
                with pytest.raises(ConnectionError) as caught:
                    await lost

                assert caught.value.outcome == "unknown"

    async def test_an_outage_is_told(self, private_valkey: RedisServer) -> None:
        """When it stays away the errors come after two seconds, then at once."""
        async with pooled(private_valkey) as cache:
            await warmed(cache)
            private_valkey.process.kill()
            begun = monotonic()

            with pytest.raises(ConnectionError, match="connect to"):
                await asyncio.gather(*(cache.get("key") for _ in range(50)))

            assert 1.5 < monotonic() - begun < 3
            begun = monotonic()

            with pytest.raises(ConnectionError) as caught:
                await cache.set("key", 1)

            assert monotonic() - begun < _SLACK
            assert (caught.value.outcome, caught.value.operation) == ("not_applied", "set")
            await private_valkey.start()
            assert await cache.get("key") is None


class TestCancelled:
    """Callers give up at any moment."""

    async def test_no_foreign_reply_in_a_storm(self, private_valkey: RedisServer) -> None:
        """Of thousands of cancelled calls none is lost, and no other call gets its answer."""
        async with pooled(private_valkey, 4) as cache:
            await cache.set_many({f"key{n}": f"value{n}" for n in range(100)})
            seed = random.SystemRandom().getrandbits(32)
            chance = random.Random(seed)
            foreign = 0

            async def call(number: int) -> None:
                nonlocal foreign
                foreign += await cache.get(f"key{number}") != f"value{number}"

            for _ in range(100):
                tasks = [asyncio.ensure_future(call(chance.randrange(100))) for _ in range(20)]

                for task in chance.sample(tasks, 10):
                    for _ in range(chance.randrange(4)):
                        await asyncio.sleep(0)

                    task.cancel()

                async with asyncio.timeout(5):
                    await asyncio.gather(*tasks, return_exceptions=True)

            assert foreign == 0, f"seed {seed}"
            await asyncio.gather(*(call(n) for n in range(100)))
            assert foreign == 0, f"seed {seed}"

            with private_valkey.counters() as counters:
                await until(lambda: counters.read().open <= 4)

    @pytest.mark.parametrize("name", ["connect", "get", "set", "get_many", "scan_keys"])
    async def test_at_every_await(self, private_valkey: RedisServer, name: str) -> None:
        """The cancellation comes out, and the pool of one connection goes on."""
        cache = pooled(private_valkey, 1)

        async def operation() -> None:
            # A new cache each time, so that connecting is cancelled too.
            calls = {
                "connect": cache.connect,
                "get": lambda: cache.get("key"),
                "set": lambda: cache.set("key", "value"),
                "get_many": lambda: cache.get_many(["key", "other"]),
                "scan_keys": lambda: cache.scan_keys("*"),
            }
            await calls[name]()

        async def works(_outcome: object) -> None:
            await cache.connect()
            await cache.set("own", "value", 60)
            assert await cache.get("own") == "value"

            if name == "connect":
                await cache.disconnect()

        if name != "connect":
            await cache.connect()

        outcomes = await every_cancellation(operation, after=works)
        await cache.disconnect()
        assert any(outcome.reached for outcome in outcomes)
        assert not any(outcome.swallowed for outcome in outcomes)

    async def test_at_every_await_of_a_reconnect(self, private_valkey: RedisServer) -> None:
        """Also while a lost connection is made anew."""
        cache = pooled(private_valkey, 1)
        await cache.connect()

        async with private_valkey.client() as client:

            async def lose() -> None:
                with suppress(Exception):
                    await client.client_kill_filter(_type="normal", skipme=True)

            async def works(_outcome: object) -> None:
                assert await cache.get("key") is None
                await lose()

            await lose()
            outcomes = await every_cancellation(lambda: cache.get("key"), after=works)

        await cache.disconnect()
        assert sum(outcome.reached for outcome in outcomes) > 4
        assert not any(outcome.swallowed for outcome in outcomes)
