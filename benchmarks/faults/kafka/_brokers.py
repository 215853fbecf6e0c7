"""Publishers, and brokers that die or are silent."""

from __future__ import annotations

import asyncio
import builtins
import json
from collections.abc import Awaitable

from .._ending import Ending, ended, named
from ._clients import Publish
from ._journal import Name
from ._stage import Stage

__all__ = ["absent_publish", "broker_killed", "publisher_killed", "silent_publish"]

_KILLS = 3
_LONGEST = 45.0


async def broker_killed(stage: Stage) -> str:
    """The broker is killed and started again, three times, under 20 tasks that publish and wait for each."""
    running, ends = True, dict[Name, Ending]()

    async def loop(key: str, publish: Publish) -> None:
        number = 0

        while running:
            name = (key, number)
            ends[name] = await ended(lambda: _published(publish, *name), _LONGEST)  # noqa: B023
            number += 1

    async with stage.publisher() as publish:
        tasks = [asyncio.ensure_future(loop(f"k{key}", publish)) for key in range(20)]

        for _ in range(_KILLS):
            await asyncio.sleep(1)
            stage.server.kill()
            await stage.server.start()

        await asyncio.sleep(2)
        running = False
        await asyncio.gather(*tasks)

    slowest = max(end.seconds for end in ends.values())
    return f"{_told(stage, ends)}; the slowest took {slowest:.2g} s"


def _told(stage: Stage, ends: dict[Name, Ending]) -> str:
    failed = {name: end.error for name, end in ends.items() if end.error}
    stored = stage.stored(stage.topic)
    lost = sum(name not in failed and not stored[name] for name in ends)
    twice = sum(count > 1 for count in stored.values())
    untrue = sum(
        bool(stored[name]) and getattr(error, "outcome", None) == "not_applied"
        for name, error in failed.items()
    )
    told = f", {untrue} of them though said not to be" if untrue else ""
    return (
        f"{len(ends) - len(failed)} acknowledged, {lost} of them lost; {len(failed)} failed"
        f"{named(list(failed.values()))}, {sum(bool(stored[name]) for name in failed)} of them stored{told}; "
        f"{twice} stored twice"
    )


def _published(publish: Publish, key: str, number: int) -> Awaitable[object]:
    return publish(key.encode(), json.dumps([key, number, 0, False]).encode())


async def publisher_killed(stage: Stage) -> str:
    """A process is killed while 20 tasks of it publish and wait for each."""
    child = stage.children.start("publish")
    await stage.until(lambda: len(stage.journal.events("acknowledged")) > 1000, 30)
    child.kill()
    acknowledged, stored = stage.journal.names("acknowledged"), stage.stored(stage.topic)
    lost = sum(not stored[name] for name in acknowledged)
    return f"{len(acknowledged)} acknowledged, {lost} of them lost"


async def silent_publish(stage: Stage) -> str:
    """Nothing is answered: 20 publishes at once, each under asyncio.timeout(0.5); then it is healed."""
    async with stage.publisher() as publish:
        await _published(publish, "warm", 0)
        stage.proxy.black_hole()
        ends = await _limited(publish, 0)
        stage.proxy.heal()
        return await _kept(stage, publish, ends)


async def absent_publish(stage: Stage) -> str:
    """The broker is away: ten times 20 publishes at once, each under asyncio.timeout(0.5); then it is back."""
    async with stage.publisher() as publish:
        await _published(publish, "warm", 0)
        stage.server.kill()
        await asyncio.sleep(1)
        ends = [end for number in range(10) for end in await _limited(publish, number)]
        await stage.server.start()
        return await _kept(stage, publish, ends)


async def _limited(publish: Publish, number: int) -> list[Ending]:
    async def one(key: int) -> None:
        async with asyncio.timeout(0.5):
            await _published(publish, f"k{key}", number)

    return await asyncio.gather(*(ended(lambda key=key: one(key), 15) for key in range(20)))  # type: ignore[misc]


async def _kept(stage: Stage, publish: Publish, ends: list[Ending]) -> str:
    """Return how they ended, and how many are stored when the next one is."""
    after = await ended(lambda: _published(publish, "after", 0), _LONGEST)
    # What is sent after all is sent by then.
    await asyncio.sleep(5)
    timed_out = sum(type(end.error) is builtins.TimeoutError for end in ends)
    slowest = max(end.seconds for end in ends)
    kept = sum(key not in {"warm", "after"} for key, _ in stage.stored(stage.topic))
    return (
        f"{timed_out} time out, the slowest took {slowest:.2g} s; {kept} of {len(ends)} stored all the same; "
        f"after that one more {after}"
    )
