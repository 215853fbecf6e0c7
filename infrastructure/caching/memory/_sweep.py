"""Removes expired entries while a cache is connected, in steps of about a millisecond."""

from __future__ import annotations

import time
import weakref
from functools import partial

from ..._core.clock import Clock, Timer
from ._store import NEVER, Store, nothing

__all__ = ["STEP", "Sweep"]

STEP = 0.001
"""Seconds that one step may hold the loop."""

_BETWEEN_STEPS = 0.05
_BETWEEN_ROUNDS = 1.0


class Sweep:
    """Visits shard after shard, then waits for the next entry that expires."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._timer: Timer | None = None
        self._due = NEVER
        self._shard = 0

    def start(self) -> None:
        """Watch the store from now on."""
        self._store.on_sooner = self._on_sooner
        self._shard = 0
        self._on_sooner()

    def stop(self) -> None:
        """Let go of the timer."""
        if self._timer is not None:
            self._timer.cancel()

        self.forget()

    def forget(self) -> None:
        """Forget the timer of a loop that is gone."""
        self._timer = None
        self._due = NEVER
        self._store.on_sooner = nothing

    def _on_sooner(self) -> None:
        """Plan a round for the entry that expires first, unless one begins before."""
        due = max(self._store.soonest, self._clock.monotonic() + _BETWEEN_ROUNDS)

        if not self._shard and due < self._due:
            self._plan(due)

    def _plan(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()

        self._due = due
        # Weak: a timer must not keep a store alive that no cache holds any more.
        step = partial(Sweep._step_of, weakref.ref(self))
        self._timer = self._clock.call_later(due - self._clock.monotonic(), step)

    @staticmethod
    def _step_of(sweep: weakref.ref[Sweep]) -> None:
        if (alive := sweep()) is not None:
            alive._step()

    def _step(self) -> None:
        self._timer, self._due = None, NEVER
        shards = self._store.shards
        until = time.perf_counter() + STEP

        if not self._shard:
            self._store.soonest = NEVER

        while self._shard < len(shards):
            self._visit(self._shard)
            self._shard += 1

            if time.perf_counter() >= until and self._shard < len(shards):
                self._plan(self._clock.monotonic() + _BETWEEN_STEPS)
                return

        self._shard = 0
        self._on_sooner()

    def _visit(self, index: int) -> None:
        store = self._store
        now = self._clock.monotonic()
        soonest = store.soonest
        expired: list[str] = []

        for key, entry in store.shards[index].items():
            if entry.expires <= now:
                expired.append(key)
            elif entry.expires < soonest:
                soonest = entry.expires

        store.soonest = soonest

        for key in expired:
            store.drop(key)
