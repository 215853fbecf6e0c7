"""Joins a group, forks in the middle of its work, and sees what parent and child can do then.

usage: forking.py URL TOPIC
"""

from __future__ import annotations

import asyncio
import os
import sys
import warnings
from functools import partial
from typing import Any

from infrastructure.interfaces.exceptions import ConfigurationError
from infrastructure.messaging.kafka import KafkaMessaging


class Handler:
    """Keeps what it got."""

    def __init__(self) -> None:
        self.got: list[Any] = []

    async def __call__(self, payload: Any) -> None:
        self.got.append(payload)

    async def wait_for(self, payload: Any) -> None:
        """Return when it has come."""
        async with asyncio.timeout(20):
            while payload not in self.got:  # noqa: ASYNC110 - as simple as it gets
                await asyncio.sleep(0.01)


async def works(messaging: KafkaMessaging, topic: str, handler: Handler, who: str) -> None:
    """Expect that what it publishes is handled, in order."""
    await messaging.publish_many(topic, [f"{who} {number}" for number in range(100)])
    await handler.wait_for(f"{who} 99")


async def child(messaging: KafkaMessaging, url: str, topic: str) -> None:
    """Be refused, work with one of its own, connect, work, leave."""
    for call in (
        partial(messaging.publish, topic, "stolen"),
        partial(messaging.subscribe, topic, Handler()),
        partial(messaging.unsubscribe, topic),
    ):
        try:
            await call()
        except ConfigurationError:
            continue

        sys.exit("the child used its parent's connection")

    handler = Handler()

    async with KafkaMessaging(url, group_id=f"{topic}-child") as own:
        await own.subscribe(topic, handler)
        await works(own, topic, handler, "own")

    await messaging.connect()
    await messaging.publish(topic, "child")
    await messaging.disconnect()
    print("child: right", flush=True)


async def parent(url: str, topic: str) -> None:
    """Fork while messages are on their way."""
    handler = Handler()

    async with KafkaMessaging(url, group_id=f"{topic}-parent") as messaging:
        await messaging.subscribe(topic, handler)
        await works(messaging, topic, handler, "before")
        under_way = [asyncio.create_task(messaging.publish(topic, n)) for n in range(5)]
        await asyncio.sleep(0)

        with warnings.catch_warnings():
            # From Python 3.12 on: there are threads.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()

        if pid == 0:
            code = 1

            try:
                asyncio.run(child(messaging, url, topic))
                code = 0
            finally:
                sys.stderr.flush()
                os._exit(code)

        _, status = await asyncio.to_thread(os.waitpid, pid, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        await asyncio.gather(*under_way)
        await works(messaging, topic, handler, "after")
        await handler.wait_for("child")
        assert all(handler.got.count(each) == 1 for each in [*range(5), "child"])
        assert "stolen" not in handler.got
        print("parent: right")


if __name__ == "__main__":
    asyncio.run(parent(*sys.argv[1:]))
