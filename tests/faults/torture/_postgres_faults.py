"""What befalls a PostgreSQL and the way to it, drawn from a seed."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import psycopg

from infrastructure.testing import ChaosProxy

from ...servers.postgres_server import PostgresServer
from ._calls import TABLE
from ._hazards import moment
from ._plan import Moment

__all__ = ["PostgresFaults"]

_OTHERS = (
    "datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
)
_ALL = f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {_OTHERS}"
_ONE = (
    "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity "
    f"WHERE {_OTHERS} ORDER BY random() LIMIT 1)"
)


class PostgresFaults:
    """Makes the server and the network fail and heal, until ``stop``; ``events`` counts what it did."""

    def __init__(
        self, server: PostgresServer, proxy: ChaosProxy, rng: random.Random, events: Counter[str]
    ) -> None:
        self._events = events
        self._server, self._proxy, self._rng = server, proxy, rng
        self._control: psycopg.AsyncConnection[Any] | None = None
        self._thread = ThreadPoolExecutor(1)
        self._running = True
        self._kinds: dict[Callable[[], Awaitable[None]], float] = {
            self._terminate_one: 8, self._terminate_all: 1, self._cut: 2, self._reset: 2,
            self._truncate: 3, self._slow: 2, self._black_hole: 2, self._refuse: 1,
            self._freeze: 1, self._lock: 1, self._read_only: 2, self._read_only_later: 0.5,
            self._kill: 0.5,
        }  # fmt: skip

    async def run(self) -> None:
        """Go on until ``stop``; all is well afterwards."""
        try:
            while self._running:
                [fault] = self._rng.choices(list(self._kinds), list(self._kinds.values()))

                try:
                    await fault()
                    self._events[fault.__name__.strip("_").replace("_", " ")] += 1
                finally:
                    self._proxy.heal()

                await asyncio.sleep(self._rng.uniform(0, 0.06))
        finally:
            self._thread.shutdown()
            await self._leave()

    def stop(self) -> None:
        """End with what it is at."""
        self._running = False

    @asynccontextmanager
    async def in_commit(self, when: Moment) -> AsyncIterator[None]:
        """Lose what was sent inside the block, a COMMIT, or the answer to it."""
        proxy, sent = self._proxy, self._proxy.bytes_to_server
        proxy.black_hole(self._rng.choice(("to_client", "to_client", "to_server")))

        async def cut() -> None:
            while proxy.bytes_to_server == sent and self._proxy.open:  # noqa: ASYNC110 - a proxy has no event
                await asyncio.sleep(0.0005)

            await moment(when)
            self._rng.choice((proxy.cut, proxy.reset))()
            proxy.heal()

        task = asyncio.ensure_future(cut())
        task.get_loop().call_later(0.1, proxy.heal)

        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})
            proxy.heal()

    async def _ask(self, *texts: str) -> None:
        """Run statements by a connection of its own, beside the proxy."""
        if self._control is None or self._control.closed:
            # It can do what it wants while the server is read-only for others.
            options = "-c default_transaction_read_only=off -c lock_timeout=2s"
            self._control = await psycopg.AsyncConnection.connect(
                self._server.url, autocommit=True, options=options, prepare_threshold=None
            )

        for text in texts:
            await self._control.execute(text)  # type: ignore[call-overload] # ours

    async def _leave(self) -> None:
        if self._control is not None:
            await self._control.close()
            self._control = None

    async def _aside(self, work: Callable[[], None]) -> None:
        """Let a thread wait for the server's processes: the time of the calls is taken here."""
        await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _last(self, longest: float) -> None:
        await asyncio.sleep(self._rng.uniform(0.005, longest))

    async def _terminate_one(self) -> None:
        await self._ask(_ONE)

    async def _terminate_all(self) -> None:
        await self._ask(_ALL)

    async def _cut(self) -> None:
        self._proxy.cut()

    async def _reset(self) -> None:
        self._proxy.reset()

    async def _truncate(self) -> None:
        direction = self._rng.choice(("to_server", "to_client"))
        self._proxy.truncate(
            self._rng.randint(0, 2000), direction, ending=self._rng.choice(("cut", "reset"))
        )
        await self._last(0.05)

    async def _slow(self) -> None:
        self._proxy.delay(self._rng.uniform(0, 0.03), self._rng.choice(("to_server", "both")))
        self._proxy.split(self._rng.randint(1, 30))
        await self._last(0.2)

    async def _black_hole(self) -> None:
        self._proxy.black_hole(self._rng.choice(("to_server", "to_client", "both")))
        await self._last(0.6)

    async def _refuse(self) -> None:
        self._proxy.refuse()
        self._proxy.reset()
        await self._last(0.3)

    async def _freeze(self) -> None:
        await self._aside(self._server.freeze)
        await self._last(0.6)
        await self._aside(self._server.thaw)

    async def _lock(self) -> None:
        """Hold up all that is written."""
        try:
            await self._ask("BEGIN", f"LOCK TABLE {TABLE} IN EXCLUSIVE MODE")
            await self._last(0.6)
        except psycopg.errors.LockNotAvailable:
            pass
        finally:
            await self._ask("ROLLBACK")

    async def _read_only(self) -> None:
        """The server takes no writes for a while, as one that became a replica."""
        await self._ask("ALTER SYSTEM SET default_transaction_read_only = on", _RELOAD)
        await self._last(0.3)
        await self._ask("ALTER SYSTEM RESET default_transaction_read_only", _RELOAD)

    async def _read_only_later(self) -> None:
        """So do those that connect from now on, and everybody has to."""
        name = self._server.name
        await self._ask(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on', _ALL)
        await self._last(0.3)
        await self._ask(f'ALTER DATABASE "{name}" RESET default_transaction_read_only', _ALL)

    async def _kill(self) -> None:
        await self._leave()
        await self._aside(self._server.kill)
        await self._last(0.2)
        await self._server.start()


_RELOAD = "SELECT pg_reload_conf()"
