"""Errors of a group that pass: the member goes on by itself, and each message is handled."""

from __future__ import annotations

import pytest

from ...servers.kafka_mock import KafkaMock
from .._inbox import Inbox
from ..kafka._messagings import fresh
from ._cases import told
from ._members import all_handled, at_once, joined, publish_slowly

pytestmark = pytest.mark.slow

JOINING = [
    ("FindCoordinator", "COORDINATOR_NOT_AVAILABLE"),
    ("JoinGroup", "COORDINATOR_LOAD_IN_PROGRESS"),
    ("JoinGroup", "MEMBER_ID_REQUIRED"),
    ("JoinGroup", "NOT_COORDINATOR"),
    ("JoinGroup", "REBALANCE_IN_PROGRESS"),
    ("JoinGroup", "UNKNOWN_MEMBER_ID"),
    ("JoinGroup", "_TRANSPORT"),
    ("ListOffsets", "NOT_LEADER_FOR_PARTITION"),
    ("OffsetFetch", "COORDINATOR_LOAD_IN_PROGRESS"),
    ("OffsetFetch", "ILLEGAL_GENERATION"),
    ("OffsetFetch", "NOT_COORDINATOR"),
    ("OffsetFetch", "UNKNOWN"),
    ("OffsetFetch", "UNSTABLE_OFFSET_COMMIT"),
    ("SyncGroup", "COORDINATOR_NOT_AVAILABLE"),
    ("SyncGroup", "ILLEGAL_GENERATION"),
    ("SyncGroup", "REBALANCE_IN_PROGRESS"),
    ("SyncGroup", "UNKNOWN_MEMBER_ID"),
]
RUNNING = [
    ("Fetch", "NOT_LEADER_FOR_PARTITION"),
    ("Fetch", "OFFSET_OUT_OF_RANGE"),
    ("Fetch", "UNKNOWN"),
    ("Fetch", "UNKNOWN_TOPIC_OR_PART"),
    ("Fetch", "_TRANSPORT"),
    ("Heartbeat", "COORDINATOR_NOT_AVAILABLE"),
    ("Heartbeat", "ILLEGAL_GENERATION"),
    ("Heartbeat", "NOT_COORDINATOR"),
    ("Heartbeat", "REBALANCE_IN_PROGRESS"),
    ("Heartbeat", "UNKNOWN_MEMBER_ID"),
    ("OffsetCommit", "COORDINATOR_LOAD_IN_PROGRESS"),
    ("OffsetCommit", "GROUP_AUTHORIZATION_FAILED"),
    ("OffsetCommit", "ILLEGAL_GENERATION"),
    ("OffsetCommit", "NOT_COORDINATOR"),
    ("OffsetCommit", "REBALANCE_IN_PROGRESS"),
    ("OffsetCommit", "REQUEST_TIMED_OUT"),
    ("OffsetCommit", "UNKNOWN_MEMBER_ID"),
    ("OffsetCommit", "_TRANSPORT"),
]


async def test_while_it_joins(caplog: pytest.LogCaptureFixture) -> None:
    """They are waited for; the log is told of none."""

    async def case(mock: KafkaMock, api: str, error: str) -> None:
        inbox, group = Inbox(), fresh()
        mock.answer(api, error)

        async with joined(mock, inbox, group) as messaging:
            await publish_slowly(messaging)
            await inbox.wait_for(0)

        await all_handled(mock, inbox, group)

    await at_once(JOINING, case)
    assert told(caplog) == []


async def test_while_it_reads(caplog: pytest.LogCaptureFixture) -> None:
    """What was not committed may come again; the log is told once at most of each."""

    async def case(mock: KafkaMock, api: str, error: str) -> None:
        inbox, group = Inbox(), fresh()

        async with joined(mock, inbox, group) as messaging:
            mock.answer(api, error, 2)
            await publish_slowly(messaging)

        await all_handled(mock, inbox, group)

    await at_once(RUNNING, case)
    assert len(told(caplog)) <= len(RUNNING)
