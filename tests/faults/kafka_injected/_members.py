"""One member of a group that is published to while its requests fail, and what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager

from infrastructure.messaging.kafka import KafkaMessaging

from ...servers import shared
from ...servers.kafka_mock import KafkaMock
from .._inbox import Inbox
from .._timing import SLACK, within
from .._watch import nothing_left
from ..kafka._messagings import CLOSING
from ._cases import TOPIC, make, stored

__all__ = ["COUNT", "all_handled", "at_once", "joined", "publish_slowly"]

COUNT = 8
"""Messages of a case."""

JOINED = 7.0
"""Seconds in which a group is joined that refuses once: the driver waits seconds before it asks again."""


async def at_once(
    cases: list[tuple[str, str]], run: Callable[[KafkaMock, str, str], Awaitable[None]]
) -> None:
    """Run cases at the same time, each with a broker of its own: most of them wait for the driver."""
    with ExitStack() as stack:
        brokers = [
            stack.enter_context(shared.kafka_mocks().broker([TOPIC, f"{TOPIC}.dlq"])) for _ in cases
        ]
        runs = [run(mock, *case) for mock, case in zip(brokers, cases, strict=True)]

        async with nothing_left():
            ends = await asyncio.gather(*runs, return_exceptions=True)

        failed = {case: end for case, end in zip(cases, ends, strict=True) if end is not None}
        assert not failed
        assert [stored(mock, f"{TOPIC}.dlq") for mock in brokers] == [[] for _ in cases]


@asynccontextmanager
async def joined(mock: KafkaMock, inbox: Inbox, group: str) -> AsyncIterator[KafkaMessaging]:
    """Give a member that has joined; it leaves in time."""
    messaging = make(mock, group_id=group, deadline=5)
    await messaging.connect()

    try:
        with within(JOINED + SLACK):
            await messaging.subscribe(TOPIC, inbox)

        yield messaging
    finally:
        with within(CLOSING + SLACK):
            await messaging.disconnect()


async def publish_slowly(messaging: KafkaMessaging) -> None:
    """Publish all messages of a case, over the time of several heartbeats and commits."""
    for number in range(COUNT):
        await messaging.publish(TOPIC, number)
        await asyncio.sleep(0.1)


async def all_handled(mock: KafkaMock, inbox: Inbox, group: str) -> None:
    """Check that each message was handled, by this member or by the next one."""
    mock.heal()

    async with joined(mock, inbox, group) as messaging:
        await messaging.publish(TOPIC, "last")
        await inbox.wait_for("last")

    assert {*inbox.payloads} == {*range(COUNT), "last"}
