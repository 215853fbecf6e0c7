"""G7: however many calls are given up, no answer goes to somebody else and no connection is lost."""

from __future__ import annotations

import asyncio
import random
from functools import partial
from typing import Any

from ...interfaces import CachingInterface, InfrastructureError, deadline
from .._breaking import DEADLINE, PATIENT, PREPARING, answers, ends, faults_of, until
from .._check import check
from .._fault_checks.storms import AT_ONCE, Storm, give_up_together
from .._harness import CachingHarness
from .._outages import silent
from ._works import hurried

__all__ = [
    "G7_calls_that_timed_out_open_no_connection",
    "G7_cancelled_calls_at_random_leave_every_answer_its_own",
    "G7_cancelled_calls_leave_no_connection",
    "G7_late_answers_go_to_nobody_else",
]

_KEYS = [f"key {number}" for number in range(50)]
_LATE = 250


async def _own(cache: CachingInterface, seed: int) -> None:
    """Assert that every key has its own value, asked all at once and one by one."""
    at_once = await asyncio.gather(
        *(answers(partial(cache.get, k), "get", PREPARING) for k in _KEYS)
    )

    for key, found in zip(_KEYS, at_once, strict=True):
        _its_own(key, found, seed)

    for key in _KEYS[:5]:
        _its_own(key, await answers(partial(cache.get, key), "get", PREPARING), seed)


def _its_own(key: str, found: Any, seed: int) -> None:
    whose = found[0] if isinstance(found, tuple) and found else found
    assert whose == key, f"get({key!r}) gave the answer of another: {found!r:.100} (seed {seed})"


async def _stored(cache: CachingInterface) -> None:
    await asyncio.gather(*(answers(partial(cache.set, k, (k, 0)), "set", PREPARING) for k in _KEYS))


@check(kind="fault")
async def G7_late_answers_go_to_nobody_else(harness: CachingHarness) -> None:
    """Calls time out while answers are on their way: what comes late is dropped."""
    faults = faults_of(harness)
    dice = random.Random(faults.seed)  # noqa: S311 - it is to be repeated

    async def in_a_hurry(key: str) -> None:
        with deadline(dice.uniform(0.001, 0.06)):
            found = await ends(lambda: cache.get(key), 0.06, "a hurried get")

        if not isinstance(found, InfrastructureError):
            _its_own(key, found, faults.seed)

    async with harness.make(deadline=PATIENT) as cache:
        await _stored(cache)

        for _ in range(5):
            faults.proxy.delay(0.03, "to_client")
            await asyncio.gather(*(in_a_hurry(dice.choice(_KEYS)) for _ in range(AT_ONCE)))
            faults.proxy.heal()
            await _own(cache, faults.seed)


async def _any_call(cache: CachingInterface, seed: int, dice: random.Random, number: int) -> None:
    """Make a call of some kind, and look at its answer."""
    key = dice.choice(_KEYS)
    kind = dice.choice(("get", "get_many", "set", "exists"))

    if kind == "get":
        _its_own(key, await cache.get(key), seed)
    elif kind == "get_many":
        for name, found in (await cache.get_many([key, _KEYS[0]])).items():
            _its_own(name, found, seed)
    elif kind == "set":
        await cache.set(key, (key, number))
    else:
        there = await cache.exists(key)
        assert there is True, f"exists gave {there!r} (seed {seed})"


@check(kind="fault")
async def G7_cancelled_calls_at_random_leave_every_answer_its_own(harness: CachingHarness) -> None:
    """Hundreds of calls, cancelled at any moment: no foreign answer, no lost cancellation."""
    faults = faults_of(harness)

    async with harness.make(deadline=5.0) as cache:
        await _stored(cache)
        storm = Storm(faults, partial(_any_call, cache, faults.seed), 0.004)

        for _ in range(0, faults.storm, AT_ONCE):
            await storm.round()
            await _own(cache, faults.seed)


@check(kind="fault")
async def G7_cancelled_calls_leave_no_connection(harness: CachingHarness) -> None:
    """Cancelled while they wait for an answer, hundreds: no more connections than before."""
    faults = faults_of(harness)

    async with harness.make(deadline=5.0) as cache:
        await _stored(cache)
        await _own(cache, faults.seed)
        before = await faults.connections()

        for _ in range(5):
            await give_up_together(faults, [partial(cache.get, key) for key in _KEYS])
            await _own(cache, faults.seed)

        async def as_before() -> bool:
            return await faults.connections() <= before

        await until(as_before, f"there were {before} connections, and there are more")


@check(kind="fault", feature="steady_connections")
async def G7_calls_that_timed_out_open_no_connection(harness: CachingHarness) -> None:
    """250 reads that time out, and the calls after them: the connections are those of before."""
    faults = faults_of(harness)

    async with hurried(harness) as cache:
        await _stored(cache)
        await _own(cache, faults.seed)
        before = faults.proxy.accepted

        async with silent(faults):
            calls = [lambda: cache.get("key 0") for _ in range(_LATE)]
            await asyncio.gather(*(ends(call, DEADLINE, "get") for call in calls))

        await _own(cache, faults.seed)
        opened = faults.proxy.accepted - before
        assert opened == 0, f"{_LATE} reads that timed out opened {opened} connections"
