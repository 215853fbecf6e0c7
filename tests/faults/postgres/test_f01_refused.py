"""F1: nobody listens, or no more."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from infrastructure import ConnectionError, TimeoutError
from infrastructure.storage.postgres import PostgresStorage
from infrastructure.testing import ChaosProxy

from .._outcomes import all_ended, ended
from .._timing import HEALED, healed, within
from .._watch import until
from ._storages import CALLS, DEADLINE, READS, Make

pytestmark = pytest.mark.slow


async def test_F1_a_server_that_is_gone_for_a_moment(
    storage: PostgresStorage, proxy: ChaosProxy
) -> None:
    """Every call is told so, and the next one works, whatever it is."""
    for _ in range(2):
        proxy.refuse()
        proxy.reset()
        errors = await all_ended([partial(call, storage) for call in CALLS.values()], DEADLINE)
        assert {type(error) for error in errors} <= {ConnectionError, TimeoutError}
        proxy.heal()

        for call in CALLS.values():
            with healed():
                await call(storage)


async def test_F1_an_attempt_that_began_before_the_server_was_back(
    make: Make, proxy: ChaosProxy
) -> None:
    """It fails who asked for it; who came after it began is tried for anew."""
    async with make(proxy, deadline=5) as storage:
        await storage.execute("CREATE TABLE t (id BIGINT)")
        proxy.refuse()
        proxy.reset()
        await until(lambda: not proxy.open, lambda: proxy)
        # From now on one attempt at a time is enough for all.
        assert isinstance(await ended(partial(READS["read"], storage), 5), ConnectionError)
        proxy.heal()
        proxy.black_hole()
        early = asyncio.ensure_future(ended(partial(READS["read"], storage), 5))
        await until(lambda: proxy.open, lambda: proxy)
        late = asyncio.ensure_future(storage.execute("SELECT 1 AS n"))
        await asyncio.sleep(0.01)
        proxy.reset()
        proxy.heal()

        with within(HEALED):
            assert await late == [{"n": 1}]

        error = await early
        assert isinstance(error, ConnectionError)
        assert error.outcome == "not_applied"
