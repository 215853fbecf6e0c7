"""Errors of a group that last until the member has left: it leaves in time, and nothing is lost."""

from __future__ import annotations

import pytest

from infrastructure import TimeoutError, deadline

from ...servers.kafka_mock import KafkaMock
from .._inbox import Inbox
from .._timing import SLACK, within
from ..kafka._messagings import CLOSING, fresh
from ._cases import TOPIC, make, told
from ._members import all_handled, at_once, joined, publish_slowly

pytestmark = pytest.mark.slow

SHORT = 0.5
JOINING = [
    ("FindCoordinator", "COORDINATOR_NOT_AVAILABLE"),
    ("JoinGroup", "REBALANCE_IN_PROGRESS"),
    ("SyncGroup", "REBALANCE_IN_PROGRESS"),
]
RUNNING = [
    ("Fetch", "UNKNOWN"),
    ("Heartbeat", "UNKNOWN_MEMBER_ID"),
    ("OffsetCommit", "GROUP_AUTHORIZATION_FAILED"),
    ("OffsetCommit", "ILLEGAL_GENERATION"),
    ("OffsetCommit", "NOT_COORDINATOR"),
    ("OffsetCommit", "UNKNOWN_TOPIC_OR_PART"),
    ("OffsetFetch", "NOT_COORDINATOR"),
]


async def test_it_cannot_join() -> None:
    """Subscribing ends by its deadline, and so does disconnect."""

    async def case(mock: KafkaMock, api: str, error: str) -> None:
        mock.answer(api, error, 1000)
        messaging = make(mock)
        await messaging.connect()

        with within(SHORT + SLACK), pytest.raises(TimeoutError), deadline(SHORT):
            await messaging.subscribe(TOPIC, Inbox())

        with within(CLOSING + SLACK):
            await messaging.disconnect()

    await at_once(JOINING, case)


async def test_it_has_joined(caplog: pytest.LogCaptureFixture) -> None:
    """The next member handles what nobody has committed; the log is told once at most of each."""

    async def case(mock: KafkaMock, api: str, error: str) -> None:
        inbox, group = Inbox(), fresh()

        # Of a member that has joined it asks no more.
        if api == "OffsetFetch":
            mock.answer(api, error, 1000)

        async with joined(mock, inbox, group) as messaging:
            mock.answer(api, error, 1000)
            await publish_slowly(messaging)

        await all_handled(mock, inbox, group)

    await at_once(RUNNING, case)
    assert len(told(caplog)) <= len(RUNNING)
