"""The tasks that call handlers."""

from __future__ import annotations

import asyncio
from typing import Any

from infrastructure.interfaces import current_message, deadline
from infrastructure.messaging._subscriptions import handler_name

from .tiny_log import ZERO, Bench


def runners() -> set[asyncio.Task[Any]]:
    return {task for task in asyncio.all_tasks() if "handler" in task.get_name()}


async def test_one_task_does_for_handlers_that_never_wait() -> None:
    """A hundred messages need no second task, and no new one for the next hundred."""
    bench, tasks = Bench(), set()

    async def handler(_: Any) -> None:
        tasks.add(asyncio.current_task())

    await bench.subscribe(handler)
    bench.engine.assigned([ZERO])
    bench.deliver(*range(100))
    await bench.settle()
    bench.deliver(*range(100))
    await bench.settle()
    assert len(tasks) == 1
    bench.engine.close()


async def test_handlers_that_wait_get_as_many_tasks_as_there_are_lanes() -> None:
    """And no more; they are gone after close."""
    bench, go = Bench(), asyncio.Event()

    async def handler(_: Any) -> None:
        await go.wait()

    await bench.subscribe(handler, lanes=3)
    bench.engine.assigned([ZERO])
    bench.deliver(*range(10))
    await bench.settle()
    assert len(runners()) == 3
    bench.engine.close()
    await bench.settle()
    assert not runners()


async def test_a_task_that_a_handler_left_something_in_is_not_used_again() -> None:
    """The next message is handled by a fresh one; a variable that was reset keeps the task."""
    bench, tasks = Bench(), []

    async def handler(payload: Any) -> None:
        tasks.append(asyncio.current_task())

        with deadline(5):
            pass

        if payload == "leaves":
            deadline(1000).__enter__()

    await bench.subscribe(handler, lanes=1)
    bench.engine.assigned([ZERO])
    bench.deliver("clean", "leaves", "next", "last")
    await bench.settle()
    assert tasks[0] is tasks[1]
    assert tasks[1] is not tasks[2]
    assert tasks[2] is tasks[3]
    assert tasks[1].done()
    bench.engine.close()


async def test_the_message_is_still_known_to_a_task_that_outlives_the_handler() -> None:
    """It keeps its own message, whatever the runner handles since."""
    bench, told, go = Bench(), [], asyncio.Event()
    children = []

    async def child() -> None:
        await go.wait()
        told.append(current_message().key)

    async def handler(_: Any) -> None:
        children.append(asyncio.create_task(child()))

    await bench.subscribe(handler, lanes=1)
    bench.engine.assigned([ZERO])
    bench.deliver(1, key="first")
    bench.deliver(2, key="second")
    await bench.settle()
    go.set()
    await asyncio.gather(*children)
    assert told == ["first", "second"]
    bench.engine.close()


async def test_a_handler_that_cancels_its_own_task_is_called_again() -> None:
    """No attempt is counted, and the lane is not lost."""
    bench, attempts = Bench(), []

    async def handler(_: Any) -> None:
        attempts.append(current_message().attempt)

        if len(attempts) == 1:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(0)

    await bench.subscribe(handler, lanes=1, attempts=1)
    bench.engine.assigned([ZERO])
    bench.deliver(1)
    await bench.clock.advance(5)
    assert attempts == [1, 1]
    assert bench.log.committed == {ZERO: 1}
    bench.engine.close()


async def test_the_loop_turns_while_handlers_never_wait() -> None:
    """A long queue does not hold the loop: the runner lets it turn every few milliseconds."""
    bench, seen = Bench(), []

    async def handler(_: Any) -> None:
        bench.handled.append(1)
        # One millisecond of the clock that the runner looks at.
        bench.clock._elapsed += 0.001

    await bench.subscribe(handler, lanes=1)
    bench.engine.assigned([ZERO])
    bench.deliver(*range(160))

    for _ in range(20):
        await asyncio.sleep(0)
        seen.append(len(bench.handled))

    assert len(set(seen)) >= 10, f"handled at each turn of the loop: {seen}"
    assert seen[-1] == 160
    bench.engine.close()


class Service:
    async def method(self, _: Any) -> None: ...

    async def __call__(self, _: Any) -> None: ...


def test_names_of_handlers() -> None:
    """Functions, methods, callable objects and partials have names that last over restarts."""
    prefix = f"{__name__}.Service"
    assert handler_name(Service().method) == f"{prefix}.method"
    assert handler_name(Service()) == prefix
