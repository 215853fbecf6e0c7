"""A producer whose number the brokers refuse, or do not know any more, begins anew."""

from __future__ import annotations

import pytest

from infrastructure import ConfigurationError, OperationError, TimeoutError

from ...servers.kafka_mock import KafkaMock
from .._watch import nothing_left
from ._cases import make, publish, publish_all, stored, told

pytestmark = pytest.mark.slow

PASSING = [
    "_TRANSPORT",
    "COORDINATOR_LOAD_IN_PROGRESS",
    "COORDINATOR_NOT_AVAILABLE",
    "NOT_COORDINATOR",
    "REQUEST_TIMED_OUT",
    "UNKNOWN",
]
# The deadline is ten seconds: what waits for it is seen.
AT_ONCE = 1.75
SOON = 2.0
SHORT = 1.5
MANY = 20


@pytest.mark.parametrize("error", PASSING)
async def test_no_number_for_a_while(mock: KafkaMock, error: str) -> None:
    """Publishing waits until it has one, and no longer."""
    mock.answer("InitProducerId", error, 2)

    async with nothing_left(), make(mock, deadline=10) as messaging:
        assert await publish_all(messaging, range(3), AT_ONCE) == [None] * 3

    assert sorted(stored(mock)) == [0, 1, 2]


@pytest.mark.usefixtures("slow_machine")
async def test_who_may_not_have_one(mock: KafkaMock, caplog: pytest.LogCaptureFixture) -> None:
    """Each publish is told which right is missing; the log is told once; then the right is given."""
    mock.answer("InitProducerId", "CLUSTER_AUTHORIZATION_FAILED", 1000)

    async with nothing_left(), make(mock, deadline=SHORT) as messaging:
        for _ in range(2):
            failed = await publish_all(messaging, range(MANY), SHORT)
            assert {type(each) for each in failed} == {ConfigurationError}
            assert {each.outcome for each in failed} == {"not_applied"}
            assert all("CLUSTER_AUTHORIZATION_FAILED" in str(each) for each in failed)

        assert len(told(caplog)) == 1
        mock.heal()
        assert await publish(messaging, "after", SHORT) is None

    assert stored(mock) == ["after"]


async def test_no_number_at_all(mock: KafkaMock) -> None:
    """A time-out, and no hanging disconnect."""
    mock.answer("InitProducerId", "COORDINATOR_LOAD_IN_PROGRESS", 1000)

    async with nothing_left(), make(mock, deadline=0.5) as messaging:
        failed = await publish(messaging, "late", 0.5)
        assert type(failed) is TimeoutError

    assert stored(mock) == []


async def test_out_of_step_for_long(mock: KafkaMock, caplog: pytest.LogCaptureFixture) -> None:
    """All who wait are told that nobody knows; each time it begins anew; then all is well."""
    async with nothing_left(), make(mock, deadline=SOON) as messaging:
        assert await publish(messaging, "before", SOON) is None
        mock.answer("Produce", "OUT_OF_ORDER_SEQUENCE_NUMBER", 1000)

        for _ in range(3):
            failed = await publish_all(messaging, range(MANY), SOON)
            assert {type(each) for each in failed} == {OperationError}
            assert {(each.outcome, each.retryable) for each in failed} == {("unknown", True)}

        assert len(told(caplog)) == 1
        mock.heal()
        assert await publish(messaging, "after", SOON) is None

    assert stored(mock) == ["before", "after"]
