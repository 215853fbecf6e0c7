"""Topics that end, groups and brokers that are left and found again, publishers that give up."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from infrastructure.conformance._stopwatch import Stopwatch
from infrastructure.interfaces import ConfigurationError, ConnectionError
from infrastructure.messaging._batches import BatchSize
from infrastructure.messaging._delivery import DeliveryEngine
from infrastructure.messaging._options import DeliveryOptions
from infrastructure.messaging._record import Partition
from infrastructure.messaging._registrations import Registration
from infrastructure.messaging.memory import MemoryMessaging
from infrastructure.messaging.memory._member import Member
from infrastructure.messaging.memory._topic import Topic
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


class SlowLog:
    """A log that makes a dead-letter topic when it is told to, as a server far away does."""

    def __init__(self, member: Member, may_make: asyncio.Event) -> None:
        self._member = member
        self._may_make = may_make

    def __getattr__(self, name: str) -> Any:
        return getattr(self._member, name)

    async def ensure_topic(self, name: str, origin: str) -> None:
        await self._may_make.wait()
        await self._member.ensure_topic(name, origin)


class SlowMessaging(MemoryMessaging):
    """Subscribes as slowly as a client of a server."""

    may_make: asyncio.Event

    def _make_engine(self, member: Member) -> DeliveryEngine:
        return DeliveryEngine(SlowLog(member, self.may_make), group="g", owner="slow")


async def test_what_is_unsubscribed_while_it_is_subscribed_is_not_added() -> None:
    """Nor is what was cancelled; the next subscribe works."""
    messaging, got = SlowMessaging(), []
    messaging.may_make = asyncio.Event()

    async def handler(payload: Any) -> None:
        got.append(payload)

    async with messaging:
        ended = asyncio.create_task(messaging.subscribe("t", handler))
        await settle()
        await messaging.unsubscribe("t")
        cancelled = asyncio.create_task(messaging.subscribe("t", handler))
        await settle()
        cancelled.cancel()
        messaging.may_make.set()
        await asyncio.wait({ended, cancelled})
        await messaging.publish("t", "nobody's")
        await messaging.subscribe("t", handler)
        await messaging.publish("t", "the handler's")
        await settle()

    assert got == ["the handler's"]


class RefusingMessaging(MemoryMessaging):
    """May make no dead-letter topic but the usual."""

    async def _prepare(self, topic: str, *registrations: Registration) -> None:
        if any(each.options.dead_letter_topic for each in registrations):
            msg = "not that one"
            raise ConfigurationError(msg)

        await super()._prepare(topic, *registrations)


async def test_a_subscription_that_fails_leaves_nothing() -> None:
    """A topic that ends meanwhile has ended then: what is published is for who subscribes to it next."""
    got: list[Any] = []
    go = asyncio.Event()

    async def slow(payload: Any) -> None:
        await go.wait()

    async def handler(payload: Any) -> None:
        got.append(payload)

    async with RefusingMessaging() as messaging:
        await messaging.subscribe("t", slow)
        await messaging.publish("t", "slow one's")
        await settle()
        ending = asyncio.create_task(messaging.unsubscribe("t"))
        await settle()

        with pytest.raises(ConfigurationError):
            await messaging.subscribe("t", handler, dead_letter_topic="other")

        go.set()
        await ending
        assert messaging._registered == {}
        await messaging.subscribe("t", handler)
        await messaging.publish("t", "the handler's")
        await settle()

    assert got == ["the handler's"]


@pytest.mark.slow
async def test_many_publishers_may_give_up_at_a_time() -> None:
    """In any order: each leaves the line without a look at all the others."""
    log = Topic("t", source="", max_log=1, retain=0)
    log.add_group("g")
    log.append(None, 0, None, None, 8)
    blocked: set[asyncio.Future[None]] = set()
    waiting = [asyncio.create_task(log.wait_for_room(blocked)) for _ in range(20_000)]
    await settle(2)
    assert len(blocked) == 20_000

    for task in reversed(waiting):
        task.cancel()

    watch = Stopwatch()
    await asyncio.wait(waiting)
    assert watch.taken < 2.0


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
