"""Errors of a produce request that are final: told at once, nothing stored, and the next one works."""

from __future__ import annotations

from typing import Any

import pytest

from infrastructure import (
    ConfigurationError,
    ConnectionError,
    InfrastructureError,
    OperationError,
    ValidationError,
)
from infrastructure.interfaces.exceptions import Outcome

from ...servers.kafka_mock import KafkaMock
from .._watch import nothing_left
from ._cases import make, publish, publish_all, stored

pytestmark = pytest.mark.slow

FINAL: dict[str, tuple[type[InfrastructureError], Outcome, bool]] = {
    "CLUSTER_AUTHORIZATION_FAILED": (ConfigurationError, "not_applied", False),
    "INVALID_PRODUCER_EPOCH": (OperationError, "unknown", True),
    "INVALID_RECORD": (OperationError, "not_applied", False),
    "INVALID_REQUIRED_ACKS": (OperationError, "not_applied", False),
    "INVALID_TIMESTAMP": (OperationError, "not_applied", False),
    "MSG_SIZE_TOO_LARGE": (ValidationError, "not_applied", False),
    "NETWORK_EXCEPTION": (ConnectionError, "unknown", True),
    "OUT_OF_ORDER_SEQUENCE_NUMBER": (OperationError, "unknown", True),
    "POLICY_VIOLATION": (OperationError, "not_applied", False),
    "RECORD_LIST_TOO_LARGE": (ValidationError, "not_applied", False),
    "TOPIC_AUTHORIZATION_FAILED": (ConfigurationError, "not_applied", False),
    "TOPIC_EXCEPTION": (OperationError, "not_applied", False),
    "UNKNOWN": (OperationError, "unknown", False),
    "UNSUPPORTED_COMPRESSION_TYPE": (OperationError, "not_applied", False),
    "UNSUPPORTED_FOR_MESSAGE_FORMAT": (OperationError, "not_applied", False),
}
SOME = [
    "MSG_SIZE_TOO_LARGE",
    "NETWORK_EXCEPTION",
    "OUT_OF_ORDER_SEQUENCE_NUMBER",
    "POLICY_VIOLATION",
    "TOPIC_AUTHORIZATION_FAILED",
]
# The deadline is ten seconds: what waits for it is seen.
AT_ONCE = 1.75
# More than one request.
MANY = 200

LOST = ["NOT_ENOUGH_REPLICAS_AFTER_APPEND", "REQUEST_TIMED_OUT"]
PAUSES: list[dict[str, Any]] = [{}, {"retry.backoff.max.ms": 20}, {"retry.backoff.ms": "90"}]
# What is too large or not valid at its repetition was so at first.
REFUSED = ["POLICY_VIOLATION", "TOPIC_AUTHORIZATION_FAILED"]

OF_OTHERS = ["INVALID_RECORD", "MSG_SIZE_TOO_LARGE", "RECORD_LIST_TOO_LARGE"]
"""Said of a batch for the sake of one message: it is sent again, until that one is alone."""


@pytest.mark.usefixtures("slow_machine")
@pytest.mark.parametrize("error", FINAL)
async def test_it_is_told_at_once(mock: KafkaMock, error: str) -> None:
    """With its name, its class and its outcome; whoever publishes next has nothing of it."""
    async with nothing_left(), make(mock, deadline=10) as messaging:
        assert await publish(messaging, "before", AT_ONCE) is None

        for _ in range(2 if error in OF_OTHERS else 1):
            mock.answer("Produce", error)

        failed = await publish(messaging, "failed", AT_ONCE)
        assert (type(failed), failed.outcome, failed.retryable) == FINAL[error]
        assert error in str(failed)
        assert await publish(messaging, "after", AT_ONCE) is None

    assert stored(mock) == ["before", "after"]


@pytest.mark.parametrize("pause", PAUSES)
@pytest.mark.parametrize("error", REFUSED)
@pytest.mark.parametrize("lost", LOST)
async def test_a_repetition_that_is_refused(
    mock: KafkaMock, lost: str, error: str, pause: dict[str, Any]
) -> None:
    """Nobody knows whether the message is stored by then: the first time some broker had it."""
    async with nothing_left(), make(mock, deadline=10, librdkafka=pause) as messaging:
        assert await publish(messaging, "before", AT_ONCE) is None
        mock.answer("Produce", lost)
        mock.answer("Produce", error)
        failed = await publish(messaging, "failed", AT_ONCE)
        assert (type(failed), failed.outcome) == (FINAL[error][0], "unknown")
        assert error in str(failed)
        assert await publish(messaging, "after", AT_ONCE) is None

    assert stored(mock) == ["before", "after"]


@pytest.mark.usefixtures("slow_machine")
@pytest.mark.parametrize("error", SOME)
async def test_of_many_each_is_told_the_truth(mock: KafkaMock, error: str) -> None:
    """What has not failed is stored once, what was not applied is not."""
    expected = set() if error in OF_OTHERS else {FINAL[error][0]}

    async with nothing_left(), make(mock, deadline=10) as messaging:
        assert await publish(messaging, -1, AT_ONCE) is None
        mock.answer("Produce", error)
        ends = await publish_all(messaging, range(MANY), 2.0)
        failed = {number: end for number, end in enumerate(ends) if end is not None}
        assert {type(end) for end in failed.values()} == expected

    found = stored(mock)
    assert len(set(found)) == len(found)
    refused = {number for number, end in failed.items() if end.outcome == "not_applied"}
    assert {*range(-1, MANY)} - {*failed} <= {*found} <= {*range(-1, MANY)} - refused
