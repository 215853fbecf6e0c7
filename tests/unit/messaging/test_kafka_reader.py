"""What was fetched waits for room, and its partition is paused where that lasts."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from infrastructure.messaging._record import Partition, Record
from infrastructure.messaging.kafka._reader import Reader

from .test_partitions import Blocker
from .tiny_log import ONE, ZERO, Bench


class Calls:
    """Keeps what the driver's thread is asked for."""

    def __init__(self) -> None:
        self.made: list[tuple[str, int]] = []
        self.share = 1.0

    def fetch_less(self, share: float) -> None:
        self.share = share

    def pause(self, partition: Partition) -> None:
        self.made.append(("pause", partition.number))

    def resume(self, partition: Partition) -> None:
        self.made.append(("resume", partition.number))


class Desk:
    """A reader between such a thread and an engine with room for four messages."""

    def __init__(self, **options: Any) -> None:
        self.bench = Bench()
        self.blocker = Blocker()
        self.calls = Calls()
        self.reader = Reader(self.bench.engine, self.calls)  # type: ignore[arg-type]
        self.options = {"window": 4, **options}
        self.count = 0

    async def begin(self, *partitions: Partition) -> None:
        await self.bench.subscribe(self.blocker, **self.options)
        # Where the engine's log would hand it on.
        self.bench.log.pause = self.reader.pause  # type: ignore[method-assign]
        self.bench.log.resume = self.reader.resume  # type: ignore[method-assign]
        self.assign(*partitions)

    def assign(self, *partitions: Partition) -> None:
        for partition in partitions:
            self.reader.assign(partition)

        self.bench.engine.assigned(partitions)

    def take(self, count: int, partition: Partition = ZERO, size: int = 1) -> None:
        """Have so many records fetched."""
        first, self.count = self.count, self.count + count
        numbers = range(first, self.count)
        self.reader.take(
            partition,
            [Record(partition, each, None, each, None, 0.0, None, size) for each in numbers],
        )

    async def pass_patience(self) -> None:
        """Let the time pass for which a window may be full."""
        await asyncio.sleep(0.06)
        await self.bench.settle()


@pytest.fixture
async def desk() -> Desk:
    """Return one on the loop of the test."""
    return Desk()


async def test_what_has_no_room_is_held(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes in its order as soon as there is room; so short a time pauses nothing."""
    monkeypatch.setattr("infrastructure.messaging.kafka._reader._PATIENCE", 60)
    await desk.begin(ZERO)
    desk.take(3)
    desk.take(4)
    desk.take(3)
    await desk.bench.settle()
    assert desk.blocker.entered == [0, 1, 2, 3]
    desk.blocker.go.set()

    while len(desk.blocker.entered) < 10:
        await desk.bench.settle()

    assert desk.blocker.entered == list(range(10))
    assert desk.calls.made == []
    desk.bench.engine.close()


async def test_a_partition_that_stays_full_is_paused(desk: Desk) -> None:
    """It alone, once, and resumed when there is room again."""
    await desk.begin(ZERO, ONE)
    desk.take(3)
    await desk.pass_patience()
    assert desk.calls.made == [("pause", 0)]
    desk.take(1, ONE)
    desk.take(2)
    await desk.pass_patience()
    assert desk.calls.made == [("pause", 0)]
    desk.blocker.go.set()
    await desk.pass_patience()
    assert desk.calls.made == [("pause", 0), ("resume", 0)]
    assert sorted(desk.blocker.entered) == list(range(6))
    desk.bench.engine.close()


async def test_what_is_for_other_handlers_takes_no_room(desk: Desk) -> None:
    """Replayed for another group it is done at once: nobody would look again at what is behind it."""
    await desk.begin(ZERO)
    headers = {"infrastructure-replay-group": "another"}
    desk.reader.take(
        ZERO,
        [
            Record(ZERO, each, None, each, headers if each < 5 else None, 0.0, None, 1)
            for each in range(12)
        ],
    )
    desk.blocker.go.set()

    while len(desk.blocker.entered) < 7:
        await desk.bench.settle()

    assert desk.blocker.entered == list(range(5, 12))
    desk.bench.engine.close()


async def test_many_that_are_held_are_enough(desk: Desk) -> None:
    """Their partition is paused at once, also where no window is full."""
    await desk.begin(ZERO)
    desk.take(4)
    desk.take(999)
    assert desk.calls.made == []
    desk.take(1)
    assert desk.calls.made == [("pause", 0)]
    desk.blocker.go.set()

    while len(desk.blocker.entered) < 1004:
        await desk.bench.settle()

    assert desk.calls.made[-1] == ("resume", 0)
    assert desk.blocker.entered == list(range(1004))
    desk.bench.engine.close()


async def test_large_ones_that_are_held_are_enough(desk: Desk) -> None:
    """Few of them fill the memory of a partition that is stopped."""
    await desk.begin(ZERO)

    for window in desk.bench.engine._windows.of():
        window.shut()

    desk.take(15, size=2**20)
    assert desk.calls.made == []
    desk.take(1, size=2**20)
    assert desk.calls.made == [("pause", 0)]
    desk.bench.engine.close()


async def test_where_there_are_many_partitions_each_holds_less(desk: Desk) -> None:
    """All of them together as much as a few would; and less is fetched at a time."""
    others = [Partition("t", number) for number in range(2, 64)]
    await desk.begin(ZERO, ONE, *others)
    assert desk.calls.share == 1 / 16

    for window in desk.bench.engine._windows.of():
        window.shut()

    desk.take(62)
    assert desk.calls.made == []
    desk.take(1)
    assert desk.calls.made == [("pause", 0)]
    desk.take(1, ONE, size=2**20)
    assert desk.calls.made == [("pause", 0), ("pause", 1)]

    for each in others:
        desk.reader.release(each)

    assert desk.calls.share == 1
    desk.bench.engine.close()


async def test_room_is_one_of_bytes_too() -> None:
    """One that is larger than the room goes when there is any."""
    desk = Desk(window=100, window_bytes=10)
    await desk.begin(ZERO)
    desk.take(4, size=4)
    await desk.bench.settle()
    assert desk.blocker.entered == [0, 1, 2]
    desk.blocker.go.set()
    await desk.pass_patience()
    assert desk.blocker.entered == [0, 1, 2, 3]
    desk.bench.engine.close()


async def test_what_is_revoked_is_dropped(desk: Desk) -> None:
    """With what is held of it; whoever gets it next must not find it paused."""
    await desk.begin(ZERO, ONE)
    assert desk.reader.assigned == [ZERO, ONE]
    desk.take(4)
    await desk.pass_patience()
    desk.reader.release(ZERO)
    assert desk.reader.assigned == [ONE]
    assert desk.calls.made == [("pause", 0), ("resume", 0)]
    desk.take(1)
    desk.reader.release(ZERO)
    desk.reader.pause(ZERO)
    desk.reader.resume(ZERO)
    desk.blocker.go.set()
    await desk.pass_patience()
    assert desk.blocker.entered == [0, 1]
    assert len(desk.calls.made) == 2
    desk.bench.engine.close()


async def test_what_comes_again_begins_afresh(desk: Desk) -> None:
    """A repetition that was on its way for the one before touches it not."""
    await desk.begin(ZERO)
    desk.take(6)
    desk.reader.resume(ZERO)
    desk.assign(ZERO)
    await desk.bench.settle()
    assert desk.blocker.entered == [0, 1, 2, 3]
    desk.reader.pause(ZERO)
    desk.reader.clear()
    await desk.pass_patience()
    assert (desk.calls.made, desk.reader.assigned) == ([], [])
    desk.bench.engine.close()
