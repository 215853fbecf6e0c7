"""F2: idle connections are reset or closed, as by a firewall or a server that cleans up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from infrastructure.storage.postgres import PostgresStorage
from infrastructure.testing import ChaosProxy

from .._timing import HEALED, within
from .._watch import until
from ._server import Watched
from ._storages import CALLS, Call, warmed

pytestmark = pytest.mark.slow

Break = Callable[[ChaosProxy], None]
BREAKS: dict[str, Break] = {"reset": ChaosProxy.reset, "closed": ChaosProxy.cut}


async def _many(storage: PostgresStorage) -> None:
    """Have all connections open."""
    await warmed(storage)
    await asyncio.gather(*(storage.execute("SELECT pg_sleep(0.01)") for _ in range(10)))


@pytest.mark.parametrize("end", BREAKS.values(), ids=BREAKS)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_F2_the_next_call_succeeds(
    storage: PostgresStorage, proxy: ChaosProxy, call: Call, end: Break
) -> None:
    """Silently, whatever it is, whether the loss was noticed before or not: nothing was sent."""
    await _many(storage)
    expected = await call(storage)
    opened = proxy.accepted
    end(proxy)

    with within(HEALED):
        assert await call(storage) == expected

    end(proxy)
    await until(lambda: proxy.open == 0, lambda: proxy)

    with within(HEALED):
        assert await call(storage) == expected

    # Each time one of each kind at most.
    assert proxy.accepted <= opened + 4


@pytest.mark.parametrize("end", BREAKS.values(), ids=BREAKS)
async def test_F2_many_callers_share_the_new_connections(
    storage: PostgresStorage, proxy: ChaosProxy, end: Break
) -> None:
    """A hundred at once open no more than there may be, and none fails."""
    await _many(storage)
    opened = proxy.accepted
    end(proxy)
    found = await asyncio.gather(
        *(storage.execute("SELECT $1::bigint AS n", [n]) for n in range(100))
    )
    assert found == [[{"n": n}] for n in range(100)]
    assert proxy.accepted <= opened + 11


async def test_F2_an_administrator_ends_the_idle_sessions(
    storage: PostgresStorage, database: Watched
) -> None:
    """57P01 between two statements: the next one is sent on another connection."""
    await _many(storage)

    with database.observer() as observer:
        observer.ask(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await until(lambda: not observer.connections, observer.sessions)

    for call in CALLS.values():
        with within(HEALED):
            await call(storage)
