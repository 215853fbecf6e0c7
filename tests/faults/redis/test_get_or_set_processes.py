"""F29: one call of the factory over all processes, few commands, and somebody else when its holder dies."""

from __future__ import annotations

import asyncio
import signal

import pytest

from infrastructure.caching.redis import RedisCache
from infrastructure.conformance._stopwatch import Stopwatch

from ...servers.server import RedisServer
from .._timing import HEALED, SOAK
from ._caches import Note
from ._processes import callers
from ._through import fresh

CALLERS = 1000 if SOAK else 200
"""Callers of one key, over four processes."""


@pytest.mark.slow
@pytest.mark.soak
async def test_a_herd_makes_one_value(private_valkey: RedisServer, record_property: Note) -> None:
    """However many call in four processes: one call, one value, a few commands for each process."""
    with private_valkey.counters() as counters:
        arguments = (private_valkey.url, fresh(), "k", CALLERS // 4, 0.2)

        async with callers(4, *arguments) as processes:
            before = counters.read()

            for one in processes:
                one.go()

            results = [await one.result() for one in processes]
            commands = (counters.read() - before).commands

    assert sum(result["calls"] for result in results) == 1
    assert sum(result["callers"] for result in results) == CALLERS
    assert len({value for result in results for value in result["values"]}) == 1
    # However many call: those of a process who ask at once share the question.
    assert commands.total() < 150, commands
    record_property("callers of one key in four processes", CALLERS)
    record_property("commands for all of them", commands.total())


@pytest.mark.slow
async def test_a_killed_holder_is_replaced(private_valkey: RedisServer) -> None:
    """The others wait for the rest of its lease, and no longer; one of them makes the value."""
    prefix = fresh()
    lease = 2.0
    arguments = (private_valkey.url, prefix, "k", 1, 60, lease)

    async with callers(1, *arguments) as [holder]:
        holder.go()
        await holder.said("making")

        async with RedisCache(private_valkey.url, prefix=prefix, lease=lease) as cache:
            waiting = [asyncio.create_task(cache.get_or_set("k", _ours, 60)) for _ in range(20)]
            assert not (await asyncio.wait(waiting, timeout=0.09))[0]
            holder.process.kill()
            watch = Stopwatch()
            assert await asyncio.gather(*waiting) == ["ours"] * 20
            assert watch.taken < lease + HEALED


@pytest.mark.slow
async def test_a_frozen_holder_stores_nothing(private_valkey: RedisServer) -> None:
    """It is replaced after its lease; when it goes on, what it made goes to its caller alone."""
    prefix = fresh()
    arguments = (private_valkey.url, prefix, "k", 1, 1.0, 0.2)

    async with callers(1, *arguments) as [holder]:
        holder.go()
        await holder.said("making")
        holder.process.send_signal(signal.SIGSTOP)

        async with RedisCache(private_valkey.url, prefix=prefix, lease=0.2) as cache:
            assert await cache.get_or_set("k", _ours, 60) == "ours"
            holder.process.send_signal(signal.SIGCONT)
            result = await holder.result()
            assert (result["calls"], result["values"]) == (1, [holder.process.pid])
            assert await cache.get("k") == "ours"


async def _ours() -> str:
    return "ours"
