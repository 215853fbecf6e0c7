"""Makes the value of a key once over all processes, under a lease."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from ..._core.tasks import Tasks, logger
from ...interfaces._flights import Flight
from ...interfaces.exceptions import InfrastructureError
from ._leases import Lease, Made
from ._mode import Mode

__all__ = ["Maker"]

Factory = Callable[[], Awaitable[Any]]


class Maker:
    """Makes values; ``encode`` turns them into what is stored."""

    def __init__(
        self, mode: Mode, tasks: Tasks, encode: Callable[[Any], bytes], seconds: float
    ) -> None:
        self._mode = mode
        self._tasks = tasks
        self._encode = encode
        self._seconds = seconds

    async def make(
        self, name: str, lock: bytes, factory: Factory, ttl: int | None, flight: Flight
    ) -> bytes:
        """Return the value in bytes: the one that is there, or what ``factory`` made."""
        lease = Lease(self._mode.run, name, lock, self._seconds)

        while (found := await lease.take()) is not None:
            if isinstance(found, Made):
                return found.data

            await self._mode.change(name, lock, found.seconds)

        return await self._hold(lease, factory, ttl, flight)

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
