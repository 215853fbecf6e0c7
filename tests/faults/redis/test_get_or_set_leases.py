"""F29: the lease on a value: renewed, given back, fenced, and beaten by whoever sets or deletes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from infrastructure import deadline
from infrastructure.caching.redis import RedisCache
from infrastructure.interfaces.exceptions import InfrastructureError

from ...servers.cluster import RedisCluster
from ...servers.endpoint import Endpoint
from ...servers.server import RedisServer
from ...servers.waiting import until
from .._timing import healed
from ._through import fresh, through
from .test_malformed import ODD_KEYS

pytestmark = pytest.mark.usefixtures("either_mode")


class Making:
    """A factory that ends when it is told to."""

    def __init__(self, value: Any = "made") -> None:
        self.begun, self.go = asyncio.Event(), asyncio.Event()
        self.calls = 0
        self._value = value

    async def __call__(self) -> Any:
        self.calls += 1
        self.begun.set()
        await self.go.wait()

        if isinstance(self._value, BaseException):
            raise self._value

        return self._value

    def fail(self, error: BaseException) -> None:
        """Let it raise, now."""
        self._value = error
        self.go.set()


@asynccontextmanager
async def two(
    server: Endpoint, lease: float = 30.0
) -> AsyncIterator[tuple[RedisCache, RedisCache]]:
    """Give two caches on the same keys, as two processes have them."""
    prefix = fresh()

    async with (
        RedisCache(server.url, prefix=prefix, lease=lease) as one,
        RedisCache(server.url, prefix=prefix, lease=lease) as other,
    ):
        yield one, other


async def other_value() -> str:
    return "other"


@pytest.mark.slow
async def test_the_lease_is_renewed(private_valkey: RedisServer) -> None:
    """A factory that takes longer than a lease is still the only one, here and elsewhere."""
    making, never = Making(), Making()

    async with two(private_valkey, lease=1.0) as (one, other):
        with private_valkey.counters() as counters:
            held = asyncio.create_task(one.get_or_set("k", making))
            await making.begun.wait()
            waiting = asyncio.create_task(other.get_or_set("k", never))
            before = counters.read().commands["pexpire"]
            # Three renewals a lease: so many are more than one.
            await until(lambda: counters.read().commands["pexpire"] >= before + 4)

        assert not never.calls
        making.go.set()
        assert await asyncio.gather(held, waiting) == ["made", "made"]


async def test_an_error_gives_the_lease_back(valkey: Endpoint) -> None:
    """Another process makes the value at once; the error is its caller's alone."""
    failing = Making(RuntimeError("no value"))

    async with two(valkey) as (one, other):
        held = asyncio.create_task(one.get_or_set("k", failing))
        await failing.begun.wait()
        waiting = asyncio.create_task(other.get_or_set("k", other_value))
        assert not (await asyncio.wait({waiting}, timeout=0.05))[0]
        failing.go.set()

        async with asyncio.timeout(1):
            assert await waiting == "other"

        with pytest.raises(RuntimeError, match="no value"):
            await held


async def cancelled(_cache: RedisCache, making: Making) -> None:
    making.fail(asyncio.CancelledError())


async def overdue(_cache: RedisCache, _making: Making) -> None:
    """Its deadline passes soon."""


async def disconnected(cache: RedisCache, _making: Making) -> None:
    await cache.disconnect()


@pytest.mark.slow
@pytest.mark.parametrize("way", [cancelled, overdue, disconnected])
async def test_who_gives_up_gives_the_lease_back(valkey: Endpoint, way: Any) -> None:
    """A holder that is cancelled, out of time, or whose cache is closed, holds up nobody."""
    making = Making()

    async with two(valkey) as (one, other):
        with deadline(1 if way is overdue else 5):
            held = asyncio.create_task(one.get_or_set("k", making))

        begun = asyncio.create_task(making.begun.wait())
        await asyncio.wait({begun, held}, return_when=asyncio.FIRST_COMPLETED)
        assert begun.done(), "it was out of time before it began"
        waiting = asyncio.create_task(other.get_or_set("k", other_value))
        assert not (await asyncio.wait({waiting}, timeout=0.05))[0]
        await way(one, making)

        # What is left to the holder that is out of time, and one more.
        async with asyncio.timeout(2):
            assert await waiting == "other"

        with pytest.raises(InfrastructureError):
            await held


async def test_a_lapsed_holder_stores_nothing(valkey: Endpoint) -> None:
    """One whose renewals do not arrive loses its lease: its value reaches its caller only."""
    making = Making()

    async with (
        through(valkey, lease=0.15) as (one, proxy),
        RedisCache(valkey.url, prefix=one._prefix, lease=0.15) as other,
    ):
        held = asyncio.create_task(one.get_or_set("k", making))
        await making.begun.wait()
        proxy.black_hole()
        assert await other.get_or_set("k", other_value) == "other"
        making.go.set()
        await asyncio.sleep(0)
        proxy.heal()
        assert await held == "made"
        assert await other.get("k") == "other"
        assert await one.get("k") == "other"


async def test_a_lapsed_holder_brings_nothing_back(valkey: Endpoint) -> None:
    """Not after a delete either: the key stays away."""
    making = Making()

    async with (
        through(valkey, lease=0.15) as (one, proxy),
        RedisCache(valkey.url, prefix=one._prefix, lease=0.15) as other,
    ):
        held = asyncio.create_task(one.get_or_set("k", making))
        await making.begun.wait()
        proxy.black_hole()
        assert await other.get_or_set("k", other_value) == "other"
        assert await other.delete("k")
        making.go.set()
        await asyncio.sleep(0)
        proxy.heal()
        assert await held == "made"
        assert await one.get("k") is None


WAYS: dict[str, Any] = {
    "set": lambda cache: cache.set("k", "set"),
    "set with a ttl": lambda cache: cache.set("k", "set", 60),
    "set_many": lambda cache: cache.set_many({"k": "set"}),
    "set_many with a ttl": lambda cache: cache.set_many({"k": "set"}, 60),
    "large": lambda cache: cache.set("k", "set".ljust(100_000)),
    "delete": lambda cache: cache.delete("k"),
    "delete_many": lambda cache: cache.delete_many(["k"]),
    "set for no time": lambda cache: cache.set("k", "set", 0),
}
REMOVALS = ("delete", "delete_many", "set for no time")


@pytest.mark.parametrize("where", ["here", "there"])
@pytest.mark.parametrize("way", WAYS)
async def test_who_writes_meanwhile_wins(valkey: Endpoint, way: str, where: str) -> None:
    """From this process or another: the made value goes to the waiters, not to the cache."""
    making = Making()

    async with two(valkey) as (one, other):
        held = asyncio.create_task(one.get_or_set("k", making))
        await making.begun.wait()
        await WAYS[way](one if where == "here" else other)
        making.go.set()
        assert await held == "made"
        found = await other.get("k")
        assert (found and found.strip()) == (None if way in REMOVALS else "set")
        # Nothing is left that would hold up the next one.
        await other.delete("k")

        async with asyncio.timeout(1):
            assert await other.get_or_set("k", other_value) == "other"


@pytest.mark.parametrize("where", ["here", "there"])
async def test_a_value_that_is_set_and_expires(valkey: Endpoint, where: str) -> None:
    """It was newer than what is being made: once it has expired the key stays away."""
    making = Making()

    async with two(valkey) as (one, other), valkey.client() as raw:
        held = asyncio.create_task(one.get_or_set("k", making))
        await making.begun.wait()
        await (one if where == "here" else other).set("k", "set", 60)
        await raw.pexpire(one._prefix + "k", 1)
        await asyncio.sleep(0.005)
        assert not await other.exists("k")
        making.go.set()
        assert await held == "made"
        assert await other.get("k") is None


async def test_a_value_that_is_set_and_gone_again(valkey: Endpoint) -> None:
    """Set for good elsewhere, then deleted: the delete wins too."""
    making = Making()

    async with two(valkey) as (one, other):
        held = asyncio.create_task(one.get_or_set("k", making))
        await making.begun.wait()
        await other.set("k", "set")
        await other.delete("k")
        making.go.set()
        assert await held == "made"
        assert await other.get("k") is None


async def test_who_waits_gets_what_is_set(valkey: Endpoint) -> None:
    """A value that somebody sets meanwhile ends the waiting in another process at once."""
    making = Making()

    async with two(valkey) as (one, other):
        held = asyncio.create_task(one.get_or_set("k", making))
        await making.begun.wait()
        waiting = asyncio.create_task(other.get_or_set("k", other_value))
        assert not (await asyncio.wait({waiting}, timeout=0.05))[0]
        await one.set("k", "set")

        async with asyncio.timeout(1):
            assert await waiting == "set"

        making.go.set()
        assert await held == "made"


@pytest.mark.slow
async def test_keys_with_braces_on_a_cluster(valkey_cluster: RedisCluster) -> None:
    """Key and lease are in one slot, whatever braces they have, in the prefix too."""
    keys = [*ODD_KEYS, "{a", "a}", "{a}{b}", "{}{a}", "x{y}z", "{{a}}", "}a{b}", "{\0}", "{سلام}"]

    for prefix in (fresh(), f"{{{fresh()}}}", f"{{{fresh()}", f"{fresh()}}}{{"):
        async with RedisCache(valkey_cluster.url, prefix=prefix) as cache:
            for key in keys:
                assert await cache.get_or_set(key, other_value, 60) == "other"
                assert await cache.get(key) == "other"

            # Neither a key twice, nor a lease.
            assert sorted(await cache.scan_keys("*")) == sorted(keys)


@pytest.mark.slow
async def test_a_server_that_is_away_meanwhile(
    valkey: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    """A lease that is not renewed, nor given back, is told to the log; the caller gets what was made."""
    failing = Making(RuntimeError("no value"))

    async with through(valkey, lease=0.15, deadline=0.1) as (one, proxy):
        with deadline(5):
            held = asyncio.create_task(one.get_or_set("k", failing))

        await failing.begun.wait()
        proxy.black_hole()
        await until(lambda: "the lease of a value was not renewed" in caplog.text, 2)
        failing.go.set()

        with pytest.raises(RuntimeError, match="no value"):
            await held

        await until(lambda: "a lease was not given back" in caplog.text, 2)
        proxy.heal()

        # It has lapsed by itself.
        with healed():
            assert await one.get_or_set("k", other_value) == "other"
