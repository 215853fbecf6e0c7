"""F1: nobody listens, or no more."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from infrastructure import ConnectionError, TimeoutError, deadline
from infrastructure.caching.redis import RedisCache
from infrastructure.testing import ChaosProxy

from ...servers.ports import HOST, free_port
from .._outcomes import all_ended
from .._timing import PATIENT, SLACK, healed, within
from .._watch import nothing_left
from ._caches import CALLS, DEADLINE, Make


async def test_F1_a_connect_is_refused_and_leaves_nothing(make: Make) -> None:
    """``connect`` says so at once; no task and no socket stays."""
    cache = make(ChaosProxy((HOST, 1), port=free_port()))

    async with nothing_left():
        with within(SLACK), deadline(PATIENT), pytest.raises(ConnectionError) as caught:
            await cache.connect()

    assert caught.value.__cause__ is not None
    assert (caught.value.retryable, caught.value.outcome) == (True, "not_applied")
    assert caught.value.operation == "connect"


async def test_F1_a_connect_works_once_the_server_is_there(make: Make, proxy: ChaosProxy) -> None:
    """The same cache connects, after many refusals too."""
    cache = make(proxy)
    proxy.refuse()

    for _ in range(10):
        with deadline(PATIENT), pytest.raises(ConnectionError):
            await cache.connect()

    proxy.heal()

    with healed():
        async with cache:
            assert await cache.get("key") is None


@pytest.mark.slow
async def test_F1_a_server_that_is_gone_for_a_moment_is_waited_for(
    cache: RedisCache, proxy: ChaosProxy
) -> None:
    """Every call ends by its deadline, and the next one works, whatever it is."""
    for _ in range(2):
        proxy.refuse()
        proxy.reset()
        errors = await all_ended([partial(call, cache) for call in CALLS.values()], DEADLINE)
        assert {type(error) for error in errors} <= {ConnectionError, TimeoutError}
        proxy.heal()

        with healed():
            await asyncio.gather(*(call(cache) for call in CALLS.values()))


@pytest.mark.slow
async def test_F1_after_a_long_outage_the_first_call_works(
    cache: RedisCache, proxy: ChaosProxy
) -> None:
    """A call is refused at once when the server has been away for long, and waits for no back-off later."""
    proxy.refuse()
    proxy.reset()
    ended_by_deadline = 0

    while True:
        with pytest.raises((ConnectionError, TimeoutError)) as caught:
            await cache.get("key")

        if isinstance(caught.value, ConnectionError):
            break

        ended_by_deadline += 1
        assert ended_by_deadline < 20

    proxy.heal()

    with healed():
        assert await cache.get("key") is None
