"""Cancels an operation of a backend at every await, each time on a fresh backend, and looks."""

from __future__ import annotations

import gc
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from infrastructure import deadline
from infrastructure.testing.cancellation import CancellationOutcome, cancel_at

from ._watch import nothing_left, until

__all__ = ["WAYS", "Operation", "Scenario", "Scenarios", "Stage", "Steps", "public_methods"]

Operation = Callable[[], Awaitable[Any]]

Steps = AsyncGenerator[Operation, CancellationOutcome]
"""What a scenario is: it prepares, yields the operation, and is sent what became of it."""

WAYS: tuple[dict[str, Any], ...] = (
    {"phase": "waiting"},
    {"phase": "ready"},
    {"phase": "waiting", "repeated": True},
)
"""Before any answer, when the answer is there, and again at every await of the cleaning up."""

_MOST = 200


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """``methods`` are called by the operation, which suspends at least ``least`` times."""

    steps: Callable[[Any], Steps]
    methods: frozenset[str]
    least: int
    connected: bool

    @property
    def name(self) -> str:
        """Its name in a report."""
        return self.steps.__name__


class Scenarios(list[Scenario]):
    """The scenarios of one backend; filled by the decorator ``of``."""

    def of(
        self, *methods: str, least: int, connected: bool = True
    ) -> Callable[[Callable[[Any], Steps]], Callable[[Any], Steps]]:
        """Add the decorated generator, which calls ``methods`` on the backend that it is given."""

        def add(steps: Callable[[Any], Steps]) -> Callable[[Any], Steps]:
            names = frozenset(methods)
            self.append(Scenario(steps=steps, methods=names, least=least, connected=connected))
            return steps

        return add

    def missing(self, backend: type) -> set[str]:
        """Return the public methods of ``backend`` that no scenario calls."""
        return public_methods(backend).difference(*(each.methods for each in self))


def public_methods(backend: type) -> set[str]:
    """Return the names of all methods that users call, ``async with`` among them."""
    return {
        name
        for name, _ in inspect.getmembers(backend, inspect.isfunction)
        if not name.startswith("_") or name in ("__aenter__", "__aexit__")
    }


class Stage:
    """Where scenarios run: ``make`` gives a new backend for each cancellation.

    ``works``  uses the backend as if nothing had been.
    ``held``   tells what it still holds for operations that have ended.
    ``rest``   seconds in which that works, and what the scenario does afterwards.
    ``every``  which of the suspensions are tried, the ``first`` of them on: a server takes its time.
    """

    def __init__(
        self,
        make: Callable[[], Any],
        works: Callable[[Any], Awaitable[None]],
        held: Callable[[Any], dict[str, Any]],
        *,
        rest: float = 2.0,
        every: int = 1,
        first: int = 0,
    ) -> None:
        self._make = make
        self._works = works
        self._held = held
        self._rest = rest
        self._every = every
        self._first = first

    async def sweep(self, scenario: Scenario) -> None:
        """Cancel the scenario's operation at its suspensions, in each of ``WAYS``."""
        for way in WAYS:
            for n in range(self._first, _MOST, self._every):
                if not await self._once(scenario, n, way):
                    break
            else:
                msg = f"{scenario.name} was still suspending at its {_MOST}th suspension"
                raise AssertionError(msg)

            assert n >= scenario.least, f"{scenario.name} suspended {n} times only"

        async with nothing_left():
            # What asyncio has to complain about, it says when it collects.
            gc.collect()

    async def _once(self, scenario: Scenario, n: int, way: dict[str, Any]) -> bool:
        async with nothing_left(), self._backend(connected=scenario.connected) as backend:
            steps = scenario.steps(backend)
            operation = await anext(steps)
            called = backend.start_noting()
            outcome = await cancel_at(operation, n, **way)
            missed = {name for name in scenario.methods - called if not name.startswith("_")}
            assert outcome.reached or not missed, f"{scenario.name} does not call {missed}"
            assert not outcome.swallowed, f"the cancellation did not come out: {outcome}"
            assert outcome.error is None, f"it fails by itself: {outcome}"
            await self._check(steps, outcome)
            await self._at_rest(backend)

            with deadline(self._rest):
                await self._works(backend)

            await self._at_rest(backend)

        return outcome.reached

    async def _at_rest(self, backend: Any) -> None:
        await until(lambda: not any(self._held(backend).values()), lambda: self._held(backend))

    async def _check(self, steps: Steps, outcome: CancellationOutcome) -> None:
        with deadline(self._rest):
            try:
                await steps.asend(outcome)
            except StopAsyncIteration:
                return

        msg = "a scenario yields once"
        raise AssertionError(msg)

    @asynccontextmanager
    async def _backend(self, *, connected: bool) -> AsyncIterator[Any]:
        backend = noting(self._make())

        if connected:
            await backend.connect()

        try:
            yield backend
        finally:
            await backend.disconnect()


def noting(backend: Any) -> Any:
    """Return the same backend, which notes the names of the methods that are called on it."""
    called: set[str] = set()

    class Noting(type(backend)):  # type: ignore[misc]
        def __getattribute__(self, name: str) -> Any:
            called.add(name)
            return super().__getattribute__(name)

        def start_noting(self) -> set[str]:
            called.clear()
            return called

    backend.__class__ = Noting
    return backend
