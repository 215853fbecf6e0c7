"""Whoever may not read is told which right is missing; once it is given, all goes on by itself."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from infrastructure import ConfigurationError, deadline
from infrastructure.messaging.kafka import KafkaMessaging

from ...servers.kafka_mock import KafkaMock
from .._inbox import Inbox
from .._timing import within
from .._watch import nothing_left
from ._cases import TOPIC, make, told

pytestmark = pytest.mark.slow

REFUSED = [
    ("FindCoordinator", "GROUP_AUTHORIZATION_FAILED"),
    ("JoinGroup", "GROUP_AUTHORIZATION_FAILED"),
    ("JoinGroup", "INCONSISTENT_GROUP_PROTOCOL"),
    ("JoinGroup", "INVALID_SESSION_TIMEOUT"),
]
SOON = 3.0
TAKEN = [
    ("Fetch", "TOPIC_AUTHORIZATION_FAILED"),
    ("ListOffsets", "TOPIC_AUTHORIZATION_FAILED"),
    ("OffsetFetch", "GROUP_AUTHORIZATION_FAILED"),
    ("OffsetFetch", "TOPIC_AUTHORIZATION_FAILED"),
]


async def allowed(messaging: KafkaMessaging, inbox: Inbox) -> None:
    """Subscribe; what was refused before may be told still."""
    with deadline(SOON):
        while True:
            try:
                await messaging.subscribe(TOPIC, inbox)
            except ConfigurationError:
                await asyncio.sleep(0)
            else:
                return


@pytest.mark.parametrize(("api", "error"), REFUSED)
async def test_joining(mock: KafkaMock, api: str, error: str) -> None:
    """Each time; what was published meanwhile is read when it works."""
    inbox = Inbox()
    mock.answer(api, error, 1000)

    async with nothing_left(), make(mock) as messaging:
        await messaging.publish(TOPIC, "early")

        for _ in range(2):
            with within(SOON), pytest.raises(ConfigurationError, match=error) as caught:
                await messaging.subscribe(TOPIC, inbox)

            assert caught.value.outcome == "unknown"

        mock.heal()

        with within(SOON):
            await allowed(messaging, inbox)

        await inbox.wait_for("early")


@pytest.mark.parametrize(("api", "error"), TAKEN)
async def test_a_right_that_is_taken(
    mock: KafkaMock, caplog: pytest.LogCaptureFixture, api: str, error: str
) -> None:
    """The log is told once; who subscribes one more handler does not wait; then it goes on."""
    first, second = Inbox(), Inbox()

    async with make(mock) as messaging:
        await messaging.publish(TOPIC, "early")
        # The driver fetches again after more than a second.
        mock.answer(api, error, 1 if api == "Fetch" else 2)

        # Whether it is told before the group has assigned the topic is the driver's affair.
        with suppress(ConfigurationError):
            await messaging.subscribe(TOPIC, first)

        with within(SOON), suppress(ConfigurationError):
            await messaging.subscribe(TOPIC, second)

        await first.wait_for("early")

        with within(SOON):
            await messaging.subscribe(TOPIC, second)

        await messaging.publish(TOPIC, "late")
        await second.wait_for("late")

    assert all(error in text for text in told(caplog))
    assert len(told(caplog)) <= 1
