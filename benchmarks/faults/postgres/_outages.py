"""Backends that end, a network that is silent, a server that takes no writes."""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tests.servers import postgres, unprivileged
from tests.servers.postgres_server import PostgresServer

from .._ending import Ending, ended, named
from ._stage import Stage

__all__ = ["demoted", "idle_killed", "killed", "reset", "silent", "silent_under_timeout"]

_SELECT = "SELECT 1"
_SLOW = "SELECT 1 FROM pg_sleep(0.01)"
_INSERT = "INSERT INTO pairs VALUES ($1, $2) RETURNING pair"
_TERMINATE = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
    "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
)
# Longer than the deadlines that anybody has by himself.
_LONGEST = 32.0
_PATIENCE = 15.0


async def killed(stage: Stage) -> str:
    """All backends are terminated under 20 tasks that select (10 ms each): those that fail."""
    return await _under_load(stage, lambda: stage.asked(_TERMINATE))


async def reset(stage: Stage) -> str:
    """All connections are reset under 20 tasks that select (10 ms each): those that fail."""
    return await _under_load(stage, stage.proxy.reset)


async def _under_load(stage: Stage, fault: Callable[[], object]) -> str:
    running = True
    ends: list[Ending] = []

    async def select() -> None:
        while running:
            ends.append(await ended(lambda: stage.client.run(_SLOW), 10.0))

    tasks = [asyncio.ensure_future(select()) for _ in range(20)]
    await asyncio.sleep(0.3)
    fault()
    before = len(ends)
    await asyncio.sleep(1.5)
    running = False
    await asyncio.gather(*tasks)
    errors = [end.error for end in ends if end.error]
    late = sum(end.error is not None for end in ends[before + 100 :])
    slowest = max(end.seconds for end in ends)
    return (
        f"{len(errors)} of {len(ends)}{named(errors)}, {late} of them after the first hundred; "
        f"the slowest took {slowest:.2g} s"
    )


async def idle_killed(stage: Stage) -> str:
    """All backends are terminated while nobody uses them: of the next 20 selects, those that fail."""
    await asyncio.gather(*(stage.client.run(_SELECT) for _ in range(20)))
    stage.asked(_TERMINATE)
    await asyncio.sleep(0.3)
    ends = [await ended(lambda: stage.client.run(_SELECT), 10.0) for _ in range(20)]
    errors = [end.error for end in ends if end.error]
    return (
        f"{len(errors)} fail{named(errors)}; the slowest took {max(e.seconds for e in ends):.2g} s"
    )


async def silent(stage: Stage) -> str:
    """Nothing is answered: a select, with the client's own deadline."""
    stage.proxy.black_hole()
    end = await ended(lambda: stage.client.run(_SELECT), _LONGEST)
    stage.proxy.heal()
    return f"{end}; after healing {await ended(lambda: stage.client.run(_SELECT), 10.0)}"


async def silent_under_timeout(stage: Stage) -> str:
    """Nothing is answered: 20 selects at once, each under asyncio.timeout(0.5)."""

    async def select() -> None:
        async with asyncio.timeout(0.5):
            await stage.client.run(_SELECT)

    stage.proxy.black_hole()
    ends = await asyncio.gather(*(ended(select, _PATIENCE) for _ in range(20)))
    timed_out = sum(type(end.error) is builtins.TimeoutError for end in ends)
    slowest = max(end.seconds for end in ends)
    stage.proxy.heal()
    after = await ended(lambda: stage.client.run(_SELECT), 10.0)
    return f"{timed_out} time out, the slowest took {_told(slowest)}; after healing {after}"


def _told(seconds: float) -> str:
    return f"{seconds:.2g} s" if seconds < _PATIENCE else f"more than {_PATIENCE:g} s"


async def demoted(stage: Stage) -> str:
    """The address leads to a standby for a moment, then to the primary again: 40 inserts after that, those that fail."""
    async with _standby() as standby:
        stage.proxy.redirect((standby.host, standby.port))
        stage.proxy.reset()

        # Connections to the standby are made; these selects may fail.
        for _ in range(3):
            selects = (ended(lambda: stage.client.run(_SELECT), 5.0) for _ in range(20))
            await asyncio.gather(*selects)

        stage.proxy.redirect((stage.server.host, stage.server.port))
        ends = [
            await ended(lambda number=number: stage.client.run(_INSERT, number, 1), 5.0)  # type: ignore[misc]
            for number in range(1, 41)
        ]
        errors = [end.error for end in ends if end.error]
        last = ends[-1]
        return f"{len(errors)} fail{named(errors)}; the last one {last}"


@asynccontextmanager
async def _standby() -> AsyncIterator[PostgresServer]:
    """Run a server in recovery, with the same table, that waits for a primary for ever."""
    async with PostgresServer(postgres.program()) as server:
        with server.control() as control:
            control.execute("CREATE TABLE pairs (pair bigint NOT NULL, half int NOT NULL)")

        await server.stop()
        signal = server.folder / "data" / "standby.signal"
        signal.touch()
        unprivileged.hand_over(signal)
        await server.start()
        yield server
