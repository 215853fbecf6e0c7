"""The sentinels of our own promote the replica when the primary is lost."""

from __future__ import annotations

import asyncio

import pytest
import redis
import redis.asyncio.sentinel as asyncio_sentinel

from . import debian_redis as debian
from .sentinel import RedisSentinel
from .waiting import until

pytestmark = pytest.mark.slow


def known(sentinel: RedisSentinel) -> asyncio_sentinel.Sentinel:
    """Return redis-py's view of it."""
    places = [(one.host, one.port) for one in sentinel.sentinels]
    return asyncio_sentinel.Sentinel(places)  # type: ignore[no-untyped-call]


async def test_they_name_the_primary_and_its_replica(valkey_sentinel: RedisSentinel) -> None:
    """Each of the three, and a client that asks them gets where they point."""
    primary, replica = valkey_sentinel.primary(), valkey_sentinel.replica()
    watching = known(valkey_sentinel)
    service = valkey_sentinel.service

    try:
        assert await watching.discover_master(service) == (primary.host, primary.port)
        assert await watching.discover_slaves(service) == [(replica.host, replica.port)]
    finally:
        await asyncio.gather(*(one.aclose() for one in watching.sentinels))


async def test_a_replica_has_what_the_primary_was_given(valkey_sentinel: RedisSentinel) -> None:
    """And takes nothing from anybody else."""
    with valkey_sentinel.primary().control() as primary:
        primary.set("servers:a", 1, ex=60)
        # One that was demoted just before is told so by the sentinels after ten seconds.
        await until(lambda: primary.wait(1, 100), within=20)

    with valkey_sentinel.replica().control() as replica:
        assert replica.get("servers:a") == "1"

        with pytest.raises(redis.ReadOnlyError):
            replica.set("servers:a", 2)


async def test_a_frozen_primary_is_replaced(private_sentinel: RedisSentinel) -> None:
    """By one that takes writes; thawed it is a replica to all of them."""
    before, after = private_sentinel.primary(), private_sentinel.replica()
    before.process.freeze()
    # Where each voted for another one the next vote is after 10 s.
    assert await private_sentinel.failed_over(before, within=20) is after

    with after.control() as control:
        assert control.set("a", 1)

    before.process.thaw()
    # It takes them ten seconds to tell the server itself.
    assert private_sentinel.replica() is before


async def test_debian_redis_makes_one_too() -> None:
    """With a password of the servers, and gone with its block; a killed primary is replaced."""
    async with RedisSentinel(debian.program(), password="secret") as sentinel:
        assert sentinel.url.startswith("redis+sentinel://:secret@127.0.0.1:")
        assert sentinel.url.endswith("/mymaster")
        assert "secret" not in repr(sentinel)
        before = sentinel.primary()
        before.process.kill()
        assert await sentinel.failed_over(before, within=20) is not before

    assert not any(one.process.is_running for one in (*sentinel.servers, *sentinel.sentinels))
