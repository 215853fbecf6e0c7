"""F24: a fork, another event loop, another thread: refused at once, and the parent's membership stays."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from infrastructure import ConfigurationError
from infrastructure.messaging.kafka import KafkaMessaging

from ...servers.kafka_endpoint import KafkaEndpoint
from ...servers.waiting import until
from ._making import PATIENCE, Collector, Make

pytestmark = pytest.mark.slow

FORKING = Path(__file__).with_name("forking.py")


async def works(messaging: KafkaMessaging, topic: str, handler: Collector) -> None:
    """Expect that what is published is handled."""
    before = len(handler.ended)
    await messaging.publish_many(topic, range(before, before + 100))
    await until(lambda: handler.ended == list(range(before + 100)), PATIENCE)


async def test_F24_a_forked_child(kafka: KafkaEndpoint, kafka_topic: str) -> None:
    """It is refused until it connects by itself; then both work, and neither warns of anything."""
    command = [sys.executable, "-W", "error", str(FORKING), kafka.url, kafka_topic]
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "child: right\nparent: right\n"


async def test_F24_another_loop_in_another_thread(kafka_topic: str, make: Make) -> None:
    """Every method is refused there; here the group goes on."""
    handler = Collector()

    async with make(order="partition") as messaging:
        await messaging.subscribe(kafka_topic, handler)
        await works(messaging, kafka_topic, handler)

        async def use() -> None:
            for call in (
                messaging.publish(kafka_topic, 1),
                messaging.publish_many(kafka_topic, [1]),
                messaging.subscribe(kafka_topic, Collector()),
                messaging.subscribe_batch(kafka_topic, Collector()),
                messaging.unsubscribe(kafka_topic),
                messaging.lag(),
                messaging.connect(),
                messaging.disconnect(),
            ):
                with pytest.raises(ConfigurationError, match="event loop"):
                    await call

        await asyncio.to_thread(asyncio.run, use())
        await works(messaging, kafka_topic, handler)


async def test_F24_two_loops_with_a_member_each(
    kafka: KafkaEndpoint, make: Make, group: str
) -> None:
    """At the same time, in two groups: each has all the messages."""
    here, there = Collector(), Collector()

    async with kafka.topic() as topic:

        async def use() -> None:
            async with make(group_id=f"{group}-other", order="partition") as other:
                await other.subscribe(topic, there)
                await until(lambda: there.ended == list(range(100)), PATIENCE)

        task = asyncio.create_task(asyncio.to_thread(asyncio.run, use()))

        async with make(order="partition") as messaging:
            await messaging.subscribe(topic, here)
            await works(messaging, topic, here)

        await task


def test_F24_a_loop_after_a_closed_loop(kafka: KafkaEndpoint, make: Make) -> None:
    """One whose loop was closed under it connects afresh in the next one, and has its handlers still."""
    messaging, handler = make(), Collector()

    async def use(topic: str, *, again: bool) -> None:
        if again:
            with pytest.raises(ConfigurationError, match="connect"):
                await messaging.publish(topic, 0)
        else:
            await messaging.subscribe(topic, handler)

        await messaging.connect()
        await messaging.publish(topic, again)
        await until(lambda: again in handler.ended, PATIENCE)

        if again:
            await messaging.disconnect()

    async def both() -> str:
        async with kafka.topic() as name:
            await asyncio.to_thread(asyncio.run, use(name, again=False))
            await asyncio.to_thread(asyncio.run, use(name, again=True))
            return name

    assert asyncio.run(both())
