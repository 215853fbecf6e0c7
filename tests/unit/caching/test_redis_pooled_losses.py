"""The pooled mode when the server is frozen, killed or started again."""

from __future__ import annotations

import asyncio
import socket

import pytest

from infrastructure import deadline
from infrastructure.caching.redis import RedisCache
from infrastructure.conformance._stopwatch import Stopwatch
from infrastructure.interfaces.exceptions import ConnectionError, TimeoutError
from infrastructure.testing import ChaosProxy

from ...servers.counters import Counters
from ...servers.server import RedisServer
from ...servers.waiting import until

_SLACK = 0.25


def pooled(server: RedisServer, connections: int = 10) -> RedisCache:
    """Return a cache in the pooled mode."""
    return RedisCache(server.url, mode="pooled", max_connections=connections, client_name="ours")


def named(counters: Counters) -> list[dict[str, str]]:
    """Return the connections of such a cache that the server has."""
    return [one for one in counters.clients() if one["name"] == "ours"]


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
            watch = Stopwatch()

            with deadline(0.1):
                ends = await asyncio.gather(
                    *(cache.get(f"key{n}") for n in range(30)),
                    cache.set("key", "x" * 2_000_000),
                    cache.get_many(["a", "b"]),
                    cache.set_many({"a": 1, "b": 2}),
                    cache.scan_keys("*"),
                    return_exceptions=True,
                )

            assert watch.taken < 0.1 + _SLACK
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

    async def test_a_write_cut_short_is_not_finished_later(
        self, private_valkey: RedisServer
    ) -> None:
        """The part of a large value that did not leave by the deadline never does."""
        async with pooled(private_valkey, 1) as cache:
            private_valkey.process.freeze()

            # Encoding it is no part of what is cut short.
            with pytest.raises(TimeoutError), deadline(0.5):
                await cache.set("key", b"x" * 15_000_000)

            private_valkey.process.thaw()

            with private_valkey.counters() as counters:
                await until(lambda: not named(counters))

            assert await cache.get("key") is None

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
                await until(lambda: 0 < len(named(counters)) <= 3)


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

    async def test_idle_connections_are_known_to_be_lost(self, private_valkey: RedisServer) -> None:
        """The next calls, a write too, wait for the server: nothing of them left."""
        async with pooled(private_valkey) as cache:
            await warmed(cache)
            private_valkey.process.kill()
            # The loop sees the ends of the connections.
            await asyncio.sleep(0.02)
            write = asyncio.ensure_future(cache.set("key", "value"))
            read = asyncio.ensure_future(cache.exists("other"))
            await asyncio.sleep(0.05)
            await private_valkey.start()
            await write
            assert not await read
            assert await cache.get("key") == "value"

    async def test_a_connect_that_hangs_is_given_up(self, private_valkey: RedisServer) -> None:
        """When one gets no answer another is made, within a second, and that one is served."""
        here = (private_valkey.host, private_valkey.port)

        with socket.create_server(("127.0.0.1", 0)) as silent:
            async with ChaosProxy(here) as proxy:
                url = f"redis://{proxy.host}:{proxy.port}"

                async with RedisCache(url, mode="pooled", max_connections=1) as cache:
                    proxy.redirect(silent.getsockname())
                    proxy.cut()
                    await asyncio.sleep(0.02)
                    watch = Stopwatch()
                    call = asyncio.ensure_future(cache.get("key"))
                    await until(lambda: proxy.accepted == 2)
                    proxy.redirect(here)
                    assert await call is None
                    assert watch.taken < 1 + _SLACK

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
            watch = Stopwatch()

            with pytest.raises(ConnectionError, match="connect to"):
                await asyncio.gather(*(cache.get("key") for _ in range(50)))

            assert watch.passed > 1.5
            assert watch.taken < 3
            watch = Stopwatch()

            with pytest.raises(ConnectionError) as caught:
                await cache.set("key", 1)

            assert watch.taken < _SLACK
            assert (caught.value.outcome, caught.value.operation) == ("not_applied", "set")
            await private_valkey.start()
            assert await cache.get("key") is None
