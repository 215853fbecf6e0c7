"""Makes the value of a key once over all processes, under a lease."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from ..._core.tasks import Tasks, logger
from ...interfaces._flights import Flight
from ...interfaces.exceptions import InfrastructureError, TimeoutError
from ._calls import Calls
from ._commands import Commands
from ._leases import Held, Lease, Made

__all__ = ["Maker"]

Factory = Callable[[], Awaitable[Any]]


class Maker:
    """Makes values in ``calls``; ``encode`` turns them into what is stored.

    ``seconds``  of a lease without a sign of life.
    """

    def __init__(
        self,
        calls: Calls,
        commands: Commands,
        tasks: Tasks,
        encode: Callable[[Any], bytes],
        seconds: float,
    ) -> None:
        self._calls = calls
        self._commands = commands
        self._tasks = tasks
        self._encode = encode
        self._seconds = seconds
        self._looking: set[str] = set()

    async def get(self, key: str, factory: Factory, ttl: int | None, expires: float) -> Any:
        """Return the value that is stored, or the one that ``factory`` makes, by ``expires``."""
        data = await self._look(key)

        if data is None:
            make = partial(self._make, key, factory, ttl)
            data = await self._calls.flights.run(key, make, expires)

        return self._calls.value("get_or_set", self._commands.prefix + key, data)

    async def _look(self, key: str) -> bytes | None:
        """Return what is stored, unless somebody here is looking already: then there is a flight.

        A thousand callers of a key ask the server once, not a thousand times.
        """
        if key in self._calls.flights or key in self._looking:
            return None

        self._looking.add(key)

        try:
            look = self._commands.get("get_or_set", self._commands.prefix + key)
            data: bytes | None = await self._calls.ask(look)
        finally:
            self._looking.discard(key)

        return data

    async def _make(self, key: str, factory: Factory, ttl: int | None, flight: Flight) -> bytes:
        """Return the value in bytes: the one that is there, or what ``factory`` made."""
        mode, name = self._calls.mode, self._commands.prefix + key
        lock = self._commands.lock(key)
        lease = Lease(mode.run, name, lock, self._seconds)

        while (found := await self._take(lease)) is not None:
            if isinstance(found, Made):
                return found.data

            await mode.change(name, lock, found.seconds)

        return await self._hold(lease, factory, ttl, flight)

    async def _take(self, lease: Lease) -> Made | Held | None:
        try:
            return await lease.take()
        except (asyncio.CancelledError, TimeoutError):
            # The answer that nobody waits for any more may be that it is ours.
            self._tasks.start(self._give_back(lease), f"give back {lease.name[:40]!r}")
            raise

    async def _hold(self, lease: Lease, factory: Factory, ttl: int | None, flight: Flight) -> bytes:
        renewing = self._tasks.start(self._renew(lease), f"renew {lease.name[:40]!r}")
        given_back = False

        try:
            data = self._encode(await factory())
            renewing.cancel()

            if not flight.superseded and ttl != 0:
                await lease.store(data, ttl)
                given_back = True

            return data
        finally:
            renewing.cancel()

            if not given_back:
                self._tasks.start(self._give_back(lease), f"give back {lease.name[:40]!r}")

    async def _renew(self, lease: Lease) -> None:
        """Keep the lease until it is lost or the value is made."""
        held = True

        while held:
            await asyncio.sleep(lease.seconds / 3)

            try:
                held = await lease.renew()
            except InfrastructureError as exc:
                # It may still be there; what is stored under a lapsed one is refused anyway.
                logger.warning("get_or_set: the lease of a value was not renewed: %s", exc)

    async def _give_back(self, lease: Lease) -> None:
        try:
            await lease.give_back()
        except InfrastructureError as exc:
            logger.warning(
                "get_or_set: a lease was not given back and lasts %g s: %s", lease.seconds, exc
            )
