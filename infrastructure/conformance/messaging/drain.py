"""The end: what runs may finish, what does not finish comes again."""

from __future__ import annotations

import asyncio
from typing import Any

from ...interfaces import Message
from .._check import check
from .._expect import equal
from .._harness import MessagingHarness
from .._stopwatch import Stopwatch
from ._inbox import Gate, Inbox, cancel_inside, patience, topic

__all__ = [
    "G7_cancelled_body_skips_the_drain",
    "G7_cancelled_subscribe_leaves_the_instance_usable",
    "G7_cancelling_disconnect_forces_it",
    "M14_disconnect_leaves_no_task",
    "M14_disconnect_lets_running_handlers_finish",
    "M14_drain_ends_in_time",
    "M14_running_handler_may_publish_during_the_drain",
]


@check(feature="drain")
async def M14_disconnect_lets_running_handlers_finish(harness: MessagingHarness) -> None:
    """It returns when they ended, starts no other, and what they finished does not come again."""
    name, gate, inbox = topic("finish"), Gate(), Inbox()
    messaging = harness.make(group_id="g", lanes=1)
    await messaging.connect()
    await messaging.subscribe(name, gate)
    await messaging.publish(name, Message("running", key="k"))
    await messaging.publish(name, Message("waiting", key="k"))
    await gate.wait_until(lambda: gate.running == 1, "the handler to run")
    ending = asyncio.create_task(messaging.disconnect())

    for _ in range(20):
        await asyncio.sleep(0)

    assert not ending.done(), "disconnect returned while a handler ran"
    gate.let_go()

    async with patience(lambda: "disconnect to return"):
        await ending

    assert gate.payloads == ["running"], "the handler did not finish"

    async with harness.make(group_id="g") as successor:
        await successor.subscribe(name, inbox)
        assert (await inbox.wait(1))[0] == "waiting", "the finished message came again"


@check(feature="drain")
async def M14_disconnect_leaves_no_task(harness: MessagingHarness) -> None:
    """After it nothing of the instance runs any more, idle or not, connected twice or not."""
    name, inbox = topic("tasks"), Inbox()
    before = asyncio.all_tasks()

    async with harness.make(group_id="g") as messaging:
        await messaging.subscribe(name, inbox)
        await messaging.subscribe_batch(name, _ignore)
        await messaging.connect()

        for number in range(50):
            await messaging.publish(name, number)

        await inbox.wait(50)

    left = asyncio.all_tasks() - before
    assert not left, f"still there: {[task.get_name() for task in left]}"


async def _ignore(_: list[Any]) -> None: ...


@check(feature="drain")
async def M14_drain_ends_in_time(harness: MessagingHarness) -> None:
    """After ``drain_timeout`` a handler is cancelled, and its message comes again."""
    name, gate, inbox = topic("time"), Gate(), Inbox()
    messaging = harness.make(group_id="g", drain_timeout=0.1)

    async with messaging:
        await messaging.subscribe(name, gate)
        await messaging.publish(name, "hangs")
        await gate.wait_until(lambda: gate.running == 1, "the handler to run")
        watch = Stopwatch()

    took = watch.taken
    assert took < 1.1, f"leaving took {took:.2f} s, of which the drain may take 0.1"
    assert gate.cancelled == ["hangs"], "the handler was not cancelled"

    async with harness.make(group_id="g") as successor:
        await successor.subscribe(name, inbox)
        equal(await inbox.wait(1), ["hangs"])


@check(feature="drain")
async def M14_running_handler_may_publish_during_the_drain(harness: MessagingHarness) -> None:
    """What a handler publishes while disconnect waits for it is accepted."""
    name, results, gate, inbox = topic("work"), topic("results"), Gate(), Inbox()

    async with harness.make(group_id="other") as reader:
        await reader.subscribe(results, inbox)
        messaging = harness.make(group_id="g")
        await messaging.connect()

        async def handler(payload: Any) -> None:
            await gate(payload)
            await messaging.publish(results, "result")
            await messaging.publish_many(results, ["more"])

        await messaging.subscribe(name, handler)
        await messaging.publish(name, 1)
        await gate.wait_until(lambda: gate.running == 1, "the handler to run")
        ending = asyncio.create_task(messaging.disconnect())
        await asyncio.sleep(0)
        gate.let_go()

        async with patience(lambda: "disconnect to return"):
            await ending

        equal(set(await inbox.wait(2)), {"result", "more"})


@check(feature="cancellation")
async def G7_cancelled_body_skips_the_drain(harness: MessagingHarness) -> None:
    """Leaving ``async with`` by a cancellation takes 1 s at most and acknowledges nothing."""
    name, gate, inbox = topic("body"), Gate(), Inbox()

    async def body(inside: asyncio.Event) -> None:
        async with harness.make(group_id="g") as messaging:
            await messaging.subscribe(name, gate)
            await messaging.publish(name, "running")
            await gate.wait_until(lambda: gate.running == 1, "the handler to run")
            inside.set()
            await asyncio.Event().wait()

    took = await cancel_inside(body)
    assert took < 1.25, f"leaving took {took:.2f} s"
    assert gate.cancelled == ["running"], "the running handler was not cancelled"

    async with harness.make(group_id="g") as successor:
        await successor.subscribe(name, inbox)
        equal(await inbox.wait(1), ["running"])


@check(feature="cancellation")
async def G7_cancelling_disconnect_forces_it(harness: MessagingHarness) -> None:
    """It ends at once, the handler is cancelled, and connect works again."""
    name, gate = topic("forces"), Gate()
    messaging = harness.make(group_id="g")
    await messaging.connect()
    await messaging.subscribe(name, gate)
    await messaging.publish(name, "running")
    await gate.wait_until(lambda: gate.running == 1, "the handler to run")
    ending = asyncio.create_task(messaging.disconnect())

    for _ in range(20):
        await asyncio.sleep(0)

    ending.cancel()

    async with asyncio.timeout(5):
        await asyncio.wait({ending})
        await gate.wait_until(lambda: bool(gate.cancelled), "the handler's cancellation")

    assert ending.cancelled(), "the cancellation was swallowed"
    gate.let_go()

    async with messaging:
        await gate.wait_until(lambda: "running" in gate.payloads, "the message again")


@check(feature="cancellation")
async def G7_cancelled_subscribe_leaves_the_instance_usable(harness: MessagingHarness) -> None:
    """Wherever a subscribe is cancelled, the next one works."""
    name, inbox = topic("usable"), Inbox()

    async with harness.make(group_id="g") as messaging:
        for turns in range(3):
            task = asyncio.create_task(messaging.subscribe(name, inbox))

            for _ in range(turns):
                await asyncio.sleep(0)

            task.cancel()
            await asyncio.wait({task})

        await messaging.subscribe(name, inbox)
        await messaging.publish(name, "works")
        equal(await inbox.wait(1), ["works"])
