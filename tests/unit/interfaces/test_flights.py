"""One factory a key: who joins, who leaves, and when it ends."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Any

import pytest

from infrastructure.interfaces import OperationError, TimeoutError
from infrastructure.interfaces._flights import Flight, Flights


class Making:
    """A factory that the test holds."""

    def __init__(self) -> None:
        self.flights: list[Flight] = []
        self.go = asyncio.Event()
        self.cancelled = 0

    async def __call__(self, flight: Flight) -> Any:
        self.flights.append(flight)

        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

        return len(self.flights)


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_all_who_wait_share_one_call() -> None:
    """Afterwards the next one makes anew."""
    flights, making = Flights(), Making()
    callers = [asyncio.create_task(flights.run("a", making, math.inf)) for _ in range(3)]
    await turns()
    assert len(flights.tasks) == 1
    making.go.set()
    assert await asyncio.gather(*callers) == [1, 1, 1]
    assert not flights.tasks
    assert await flights.run("a", making, math.inf) == 2


async def test_a_waiter_ends_at_its_own_time() -> None:
    """The factory goes on for those who have more, and ends with the last of them."""
    flights, making = Flights(), Making()
    now = time.monotonic()
    short = asyncio.create_task(flights.run("a", making, now + 0.01))
    longer = asyncio.create_task(flights.run("a", making, now + 0.5))

    with pytest.raises(
        TimeoutError, match="not made and stored when the deadline passed"
    ) as caught:
        await short

    assert caught.value.operation == "get_or_set"
    assert making.cancelled == 0

    with pytest.raises(TimeoutError):
        await longer

    await turns()
    assert making.cancelled == 1
    assert not flights.tasks


async def test_a_factory_that_outstays_its_time_is_joined_by_nobody() -> None:
    """It may resist its end: its value is nobody's, and is told not to be stored."""
    flights, making = Flights(), Making()
    resisted = asyncio.Event()

    async def stubborn(flight: Flight) -> str:
        try:
            await making(flight)
        except asyncio.CancelledError:
            await resisted.wait()

        return "late"

    for superseded_before in (False, True):
        early = asyncio.create_task(flights.run("a", stubborn, time.monotonic() + 0.01))
        await turns()

        if superseded_before:
            flights.supersede("a")

        with pytest.raises(TimeoutError):
            await early

        await turns()
        assert making.flights[-1].superseded

    making.go.set()
    assert await flights.run("a", making, math.inf) == 3
    resisted.set()
    await turns()
    assert not flights.tasks


async def test_a_waiter_without_limit_keeps_it_alive() -> None:
    """It takes the limit off; a shorter one does not set it again."""
    flights, making = Flights(), Making()
    first = asyncio.create_task(flights.run("a", making, time.monotonic() + 0.01))
    ever = asyncio.create_task(flights.run("a", making, math.inf))
    late = asyncio.create_task(flights.run("a", making, time.monotonic() - 1))
    await asyncio.wait({first, late})
    making.go.set()
    assert await ever == 1

    for caller in (first, late):
        assert isinstance(caller.exception(), TimeoutError)


async def test_a_cancelled_factory_is_an_error_for_its_waiters() -> None:
    """One that may be tried again."""
    flights, making = Flights(), Making()
    caller = asyncio.create_task(flights.run("a", making, math.inf))
    await turns()
    (task,) = flights.tasks
    task.cancel()

    with pytest.raises(OperationError, match="the factory was cancelled; call again") as caught:
        await caller

    assert caught.value.retryable is True


async def test_a_factory_that_was_cancelled_before_its_first_step_is_gone_too() -> None:
    """No flight stays behind that nobody can land."""
    flights, making = Flights(), Making()
    caller = asyncio.create_task(flights.run("a", making, math.inf))
    await asyncio.sleep(0)
    (task,) = flights.tasks
    task.cancel()

    with pytest.raises(OperationError):
        await caller

    assert making.flights == []
    making.go.set()
    assert await flights.run("a", making, math.inf) == 1


async def test_a_superseded_flight_is_joined_by_nobody() -> None:
    """It lands for its waiters, and takes no later flight of the key along."""
    flights, making = Flights(), Making()
    flights.supersede("a")
    early = asyncio.create_task(flights.run("a", making, math.inf))
    await turns()
    flights.supersede("b")
    flights.supersede("a")
    late = asyncio.create_task(flights.run("a", making, math.inf))
    await turns()
    assert [flight.superseded for flight in making.flights] == [True, False]
    assert len(flights.tasks) == 2
    making.flights[0].task.cancel()
    await asyncio.wait({early})
    joined = asyncio.create_task(flights.run("a", making, math.inf))
    await turns()
    making.go.set()
    assert await late == await joined == 2


async def test_landing_waits_for_those_that_run() -> None:
    """Those that end in time are left alone; with none it is over at once."""
    flights, making = Flights(), Making()
    await flights.land(5)
    caller = asyncio.create_task(flights.run("a", making, math.inf))
    await turns()
    landing = asyncio.create_task(flights.land(5))
    await turns()
    assert not landing.done()
    making.go.set()
    await landing
    assert await caller == 1
    assert making.cancelled == 0


async def test_landing_ends_those_that_are_late() -> None:
    """They have ended when it returns."""
    flights, making = Flights(), Making()
    caller = asyncio.create_task(flights.run("a", making, math.inf))
    await turns()
    await flights.land(0.01)
    assert making.cancelled == 1
    assert not flights.tasks

    with pytest.raises(OperationError):
        await caller
