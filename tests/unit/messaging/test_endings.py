"""Topics that end, and brokers and groups that are left and found again."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

from infrastructure.interfaces import ConnectionError
from infrastructure.messaging._batches import BatchSize
from infrastructure.messaging._options import DeliveryOptions
from infrastructure.messaging._record import Partition
from infrastructure.messaging.memory import MemoryMessaging
from infrastructure.testing.clock import settle

from .test_partitions import Blocker
from .tiny_log import ZERO, Bench

OTHER = Partition("u", 0)


async def test_a_revoked_partition_cancels_no_handler_of_a_topic_that_ends() -> None:
    """Each has the time that it was given: the grace of the one is not the drain of the other."""
    bench, revoked, ends = Bench(grace=5.0), Blocker(), Blocker()
    await bench.subscribe(revoked)
    bench.engine.subscribe("u", ends, DeliveryOptions(clock=bench.clock))
    bench.engine.assigned([ZERO, OTHER])
    bench.deliver("revoked")
    bench.deliver("ends", partition=OTHER)
    await bench.settle()
    bench.engine.end("u")
    ending = asyncio.create_task(bench.engine.ended("u", 30.0))
    revoking = asyncio.create_task(bench.engine.revoked([ZERO]))
    await bench.clock.advance(6.0)
    assert revoking.done()
    assert (revoked.cancelled, ends.cancelled) == (["revoked"], [])
    ends.go.set()
    await bench.settle()
    assert ending.done()
    assert bench.log.committed == {OTHER: 1}
    bench.engine.close()


async def test_a_partition_that_comes_while_its_topic_ends_has_no_room() -> None:
    """Nobody would handle its records; the subscription after it has it anew."""
    bench, blocker = Bench(), Blocker()
    await bench.subscribe(blocker)
    bench.engine.assigned([ZERO])
    bench.deliver(0)
    await bench.settle()
    bench.engine.end("t")
    ending = asyncio.create_task(bench.engine.ended("t", 30.0))
    await bench.subscribe(bench.handle)
    late = Partition("t", 7)
    bench.engine.assigned([late])
    assert bench.engine.room(late) == (0, bench.engine.room(late)[1])
    bench.deliver("dropped", partition=late)
    blocker.go.set()
    await bench.settle()
    await ending
    bench.engine.assigned([late])
    assert bench.engine.room(late)[0] > 0
    assert bench.handled == []
    bench.engine.close()


async def test_a_batch_that_gathers_ends_with_its_engine() -> None:
    """Its clock does not go on, and hold what was gathered, until its time has come."""
    bench = Bench()
    await bench.subscribe(bench.handle, batch=BatchSize(500, 3000.0))
    bench.engine.assigned([ZERO])
    bench.deliver(0)
    await bench.settle()
    await bench.engine.drain(30.0)
    assert [timer.callback for _, _, timer in bench.clock._timers if timer.callback] == []


async def test_a_handler_that_disconnected_cannot_connect() -> None:
    """The end waits for it; connect would have to wait for the end."""
    errors: list[Exception] = []
    done = asyncio.Event()
    messaging = MemoryMessaging()

    async def handler(_: Any) -> None:
        await messaging.disconnect()

        try:
            await messaging.connect()
        except ConnectionError as exc:
            errors.append(exc)

        done.set()

    await messaging.connect()
    await messaging.subscribe("t", handler)
    await messaging.publish("t", 1)
    await done.wait()
    assert "waits for this handler" in str(errors[0])

    async with messaging:
        await messaging.publish("t", 2)


async def test_a_member_that_comes_back_while_its_partitions_move_has_its_share() -> None:
    """What was on its way to another when it left is over: nothing is taken from it twice."""
    url = f"memory://{uuid4().hex}"
    blocker = Blocker()

    async def handler(_: Any) -> None: ...

    async with (
        MemoryMessaging(url, group_id="g") as comes_back,
        MemoryMessaging(url, group_id="g") as joins,
    ):
        await comes_back.subscribe("t", blocker, lanes=64)
        # Without key 16 messages go to one partition, then to the next.
        await comes_back.publish_many("t", range(64))
        await settle()
        leaving = asyncio.create_task(comes_back.unsubscribe("t"))
        await settle()
        await comes_back.subscribe("t", handler)
        await joins.subscribe("t", handler)
        await settle()
        blocker.go.set()
        await leaving
        await settle()
        shares = [len(each._member._assigned) for each in (comes_back, joins) if each._member]

    assert shares == [2, 2]


def test_a_disconnected_instance_may_move_to_another_loop() -> None:
    """Nobody uses the broker then, though the loop before is open: as a memory cache can."""
    first, second = asyncio.new_event_loop(), asyncio.new_event_loop()
    messaging = MemoryMessaging(f"memory://{uuid4().hex}")

    try:
        for loop in (first, second, first):
            loop.run_until_complete(messaging.connect())
            loop.run_until_complete(messaging.publish("t", 1))
            loop.run_until_complete(messaging.disconnect())
    finally:
        first.close()
        second.close()
