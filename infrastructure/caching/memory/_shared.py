"""What the caches of one name share: the entries, the values being made, and one event loop."""

from __future__ import annotations

import asyncio
import os
import weakref
from typing import Any

from ..._core.clock import Clock
from ...interfaces._flights import Flights
from ...interfaces.exceptions import ConfigurationError
from ._options import DEFAULTS, Options
from ._store import Store
from ._sweep import Sweep

__all__ = ["Shared", "shared_by"]


class Shared:
    """One store and who uses it; it lives as long as a cache holds it."""

    def __init__(self, options: Options, clock: Clock) -> None:
        self.options = options
        self.clock = clock
        self.store = Store(options.max_entries, options.max_bytes, clock.monotonic)
        self.flights = Flights()
        self.sweep = Sweep(self.store, clock)
        self._users: weakref.WeakSet[Any] = weakref.WeakSet()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = 0

    def join(self, user: object) -> None:
        """Note that ``user`` is connected, in the running loop; others must be in the same."""
        loop = asyncio.get_running_loop()

        if self._loop is not loop:
            if self._users and not self._is_orphan():
                msg = (
                    f"memory://{self.options.name} is in use in another event loop that is "
                    "still open; a shared memory cache serves one loop at a time"
                )
                raise ConfigurationError(msg, operation="connect")

            self._forget()
            self._loop, self._pid = loop, os.getpid()

        self._users.add(user)
        self.sweep.start()

    def leave(self, user: object) -> None:
        """Note that ``user`` is not connected any more; the last one ends what is under way."""
        self._users.discard(user)

        if self._users:
            return

        self.sweep.stop()

        for task in self.flights.tasks:
            task.cancel()

    def abandon(self, user: object) -> None:
        """As ``leave``, where loop and tasks are gone and must not be touched."""
        self._users.discard(user)

        if self._is_orphan():
            self._forget()

    async def finish(self, user: object) -> None:
        """Wait for the values that are being made, when nobody but ``user`` is connected."""
        if set(self._users) <= {user} and (tasks := self.flights.tasks):
            await asyncio.wait(tasks)

    def _is_orphan(self) -> bool:
        """Return whether the loop that served the caches is closed or a parent process's."""
        return self._loop is None or self._loop.is_closed() or self._pid != os.getpid()

    def _forget(self) -> None:
        self._users.clear()
        self._loop = None
        self.sweep.forget()
        self.flights = Flights()


_by_name: weakref.WeakValueDictionary[str, Shared] = weakref.WeakValueDictionary()


def shared_by(options: Options, clock: Clock, default_clock: Clock) -> Shared:
    """Return what the caches named as in ``options`` share; a private one where no name is."""
    shared = _by_name.get(options.name) if options.name else None

    if shared is None:
        shared = Shared(options, clock)

        if options.name:
            _by_name[options.name] = shared

        return shared

    for limit in ("max_entries", "max_bytes"):
        wanted, first = getattr(options, limit), getattr(shared.options, limit)

        if wanted not in (DEFAULTS[limit], first):
            msg = f"memory://{options.name} was opened with {limit}={first}, not {wanted}"
            raise ConfigurationError(msg)

    if clock is not default_clock and clock is not shared.clock:
        msg = f"memory://{options.name} was opened with another clock="
        raise ConfigurationError(msg)

    return shared
