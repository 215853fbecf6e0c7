"""F2: idle connections are reset or closed, as by a firewall or a server that cleans up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import pytest

from infrastructure import ConnectionError, InfrastructureError
from infrastructure.storage.postgres import PostgresStorage
from infrastructure.testing import ChaosProxy

from ...servers.postgres_endpoint import PostgresEndpoint
from .._outcomes import ended
from .._timing import healed, unhurried
from .._watch import until
from ._storages import CALLS, DEADLINE, Make, make_table, warmed

pytestmark = pytest.mark.slow

Break = Callable[[ChaosProxy], None]
BREAKS: dict[str, Break] = {"reset": ChaosProxy.reset, "closed": ChaosProxy.cut}


async def _many(storage: PostgresStorage) -> None:
    """Have all connections open."""
    await warmed(storage)
    await asyncio.gather(*(storage.execute("SELECT pg_sleep(0.01)") for _ in range(10)))


async def _gone(proxy: ChaosProxy) -> None:
    await until(lambda: proxy.open == 0, lambda: proxy)
    # The client's ends hear of it in a turn of the loop of their own.
    await asyncio.sleep(0)


@pytest.mark.parametrize("end", BREAKS.values(), ids=BREAKS)
@unhurried
async def test_F2_the_next_call_succeeds(
    storage: PostgresStorage, proxy: ChaosProxy, end: Break
) -> None:
    """Silently, whatever it is: not one byte of it had left."""
    for call in CALLS.values():
        await _many(storage)
        expected = await call(storage)
        opened = proxy.accepted
        end(proxy)
        await _gone(proxy)

        with healed():
            assert await call(storage) == expected

        # One of each kind at most.
        assert proxy.accepted <= opened + 2


@unhurried
async def test_F2_a_call_that_meets_the_loss_is_not_repeated(
    storage: PostgresStorage, proxy: ChaosProxy
) -> None:
    """It succeeds, or says that the outcome is not known; the one after it works."""
    for call in CALLS.values():
        await _many(storage)

        for _ in range(3):
            proxy.reset()
            error = await ended(partial(call, storage), DEADLINE)

            if isinstance(error, InfrastructureError):
                assert (type(error), error.outcome) == (ConnectionError, "unknown")
                assert error.retryable

            await asyncio.sleep(0)

            with healed():
                await call(storage)


@pytest.mark.parametrize("end", BREAKS.values(), ids=BREAKS)
@unhurried
async def test_F2_many_callers_share_the_new_connections(
    storage: PostgresStorage, proxy: ChaosProxy, end: Break
) -> None:
    """A hundred at once open no more than there may be, and none fails."""
    await _many(storage)
    opened = proxy.accepted
    end(proxy)
    await _gone(proxy)

    with healed():
        found = await asyncio.gather(
            *(storage.execute("SELECT $1::bigint AS n", [n]) for n in range(100))
        )

    assert found == [[{"n": n}] for n in range(100)]
    assert proxy.accepted <= opened + 10


@unhurried
async def test_F2_an_administrator_ends_the_idle_sessions(
    make: Make, database: PostgresEndpoint
) -> None:
    """57P01 while the loop does something else: the call after it is sent on a connection that lives."""
    async with make() as storage:
        await make_table(storage)

        with database.counters() as counters:
            for call in CALLS.values():
                await _many(storage)
                counters.terminate()

                with healed():
                    await call(storage)
