"""How long does one get take while requests come at random, 14,000 a second?

An open loop: requests arrive by a Poisson process and do not wait for each other, as those of a
web server do. Each is a task of its own, and its latency counts from the instant at which it was
due. The arrivals are the same for all. Who cannot keep up has a growing queue, and it shows; a
request that fails counts as one of 5 seconds. coredis, aiocache and cashews are not here: they
do fewer than 14,000 a second when 50 tasks do nothing else.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from ._question import OURS, Contender, Question, Work
from ._redis import PEERS, Opener, ours, server
from ._values import PLAIN

__all__ = ["FAILED", "QUESTIONS", "latencies"]

_RATE = 14_000
_SECONDS = 1
_KEYS = [f"item:{number}" for number in range(1000)]
_PEERS = ("redis-py", "redis-py, 10 connections", "valkey-glide")

FAILED = 5.0
"""Seconds for which a request that failed counts."""


async def latencies(call: Callable[[str], Awaitable[object]], dues: Sequence[float]) -> list[float]:
    """Call once at each of ``dues``, in seconds from now; return how late the answers were."""
    found: list[float] = []
    tasks: set[asyncio.Task[None]] = set()
    began = time.perf_counter()

    async def one(key: str, due: float) -> None:
        try:
            await call(key)
        except Exception:  # noqa: BLE001 - each peer has errors of its own
            found.append(FAILED)
        else:
            found.append(time.perf_counter() - began - due)

    for number, due in enumerate(dues):
        # Not sleep(due): the loop's timers are a millisecond coarse.
        while time.perf_counter() - began < due:  # noqa: ASYNC110 - nothing else has the time
            await asyncio.sleep(0)

        task = asyncio.create_task(one(_KEYS[number % len(_KEYS)], due))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    await asyncio.gather(*tasks)
    return found


def _dues(requests: int) -> list[float]:
    arrivals = random.Random(requests)
    due = 0.0
    return [due := due + arrivals.expovariate(_RATE) for _ in range(requests)]


def _contender(name: str, opener: Opener, quantile: float) -> Contender:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Work]:
        async with server() as port, opener(port) as calls:
            for key in _KEYS:
                await calls.set(key, PLAIN)

            assert await calls.get(_KEYS[0]) == PLAIN

            async def run(requests: int) -> float:
                found = sorted(await latencies(calls.get, _dues(requests)))
                return found[int(len(found) * quantile)]

            yield Work(run=run)

    return Contender(name=name, open=opened)


def _question(quantile: float, targets: dict[str, float]) -> Question:
    openers = {OURS: ours(), **{name: PEERS[name] for name in _PEERS}}
    return Question(
        name=f"redis-open-loop-p{quantile * 100:.0f}",
        asks=f"latency of RedisCache.get that {quantile:.0%} keep, {_RATE:,} requests a second",
        contenders=tuple(_contender(name, opener, quantile) for name, opener in openers.items()),
        operations=_RATE * _SECONDS,
        targets=targets,
        latency=True,
    )


# A p99 of 0.4 times redis-py's is 2.5 times as fast.
QUESTIONS = (_question(0.5, {}), _question(0.99, {"redis-py": 2.5}))
