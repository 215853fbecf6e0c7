"""The runner takes turns, and looks for stalls in passes of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from ._loading import benchmark

question = benchmark("_question")
rounds = benchmark("_rounds")
beacon = benchmark("_beacon")
open_loop = benchmark("redis_open_loop")


def contender(name: str, log: list[str], operations: int | None = None) -> Any:
    """Return one that notes what is done to it."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Any]:
        async def run(count: int) -> None:
            log.append(f"{name} {count}")

        async def reset() -> None:
            log.append(f"{name} reset")

        yield question.Work(run=run, reset=reset)
        log.append(f"{name} closed")

    return question.Contender(name=name, open=opened, operations=operations)


async def test_every_round_begins_with_another() -> None:
    """A, B, then B, A: after a warm-up of a quarter, and a reset before each run."""
    log: list[str] = []
    asked = question.Question(
        name="q",
        asks="?",
        contenders=(contender("ours", log), contender("b", log, 4)),
        operations=8,
        targets={"b": 2.0},
    )

    (found,) = await rounds.answer(asked, 2, lambda _: None)

    runs = [entry for entry in log if "reset" not in entry]
    assert runs[:2] == ["ours 2", "b 1"]
    assert runs[2:6] == ["ours 8", "b 4", "b 4", "ours 8"]
    assert log.count("ours reset") == log.count("b reset") == 3
    assert sorted(runs[6:]) == ["b closed", "ours closed"]
    assert (found.question, found.peer, found.target) == ("q", "b", 2.0)


async def test_a_latency_is_what_the_run_tells() -> None:
    """Where the question asks for a latency, the clock of the runner does not count."""

    def told(name: str, seconds: float) -> Any:
        @asynccontextmanager
        async def opened() -> AsyncIterator[Any]:
            async def run(_: int) -> float:
                return seconds

            yield question.Work(run=run)

        return question.Contender(name=name, open=opened)

    asked = question.Question(
        name="q",
        asks="?",
        contenders=(told("ours", 0.5), told("b", 2.0)),
        operations=8,
        latency=True,
    )

    (found,) = await rounds.answer(asked, 2, lambda _: None)

    assert (found.ratio.median, found.ours, found.theirs) == (4.0, 2.0, 0.5)


async def test_requests_of_an_open_loop_do_not_wait() -> None:
    """Each begins when it is due, however long others take; one that fails counts as very late."""
    late = asyncio.Event()
    begun: list[str] = []

    async def call(key: str) -> None:
        begun.append(key)

        if len(begun) == 1:
            await late.wait()
        elif len(begun) == 2:
            raise ValueError(key)
        else:
            late.set()

    found = await open_loop.latencies(call, [0.0, 0.001, 0.002])

    assert len(begun) == 3
    assert sum(latency == open_loop.FAILED for latency in found) == 1
    assert min(found) < open_loop.FAILED


async def test_stalls_are_looked_for_a_turn_at_a_time() -> None:
    """Only ours runs, so many operations a turn, once for each pass."""
    log: list[str] = []
    asked = question.Question(
        name="q",
        asks="?",
        contenders=(contender("b", log), contender("ours", log)),
        operations=6,
        turn=2,
        passes=2,
    )

    stall = await beacon.longest_stall(asked)

    assert log == [*["ours reset", *["ours 2"] * 3] * 2, "ours closed"]
    assert stall.question == "q"
    assert stall.wall > 0


async def test_a_beacon_sees_who_holds_the_loop() -> None:
    """Work between two turns is in the longest gap, also when the block ends with it."""
    async with beacon.beaming() as seen:
        sum(range(100_000))

    assert seen.longest >= seen.longest_busy * 0.9
    assert seen.longest_busy > 0.0001
