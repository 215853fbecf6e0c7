"""Errors of a produce request that may pass: they are waited for, and the message is stored once."""

from __future__ import annotations

import pytest

from infrastructure import Message, TimeoutError, deadline

from ...servers.kafka_mock import KafkaMock
from .._timing import HEALED, SLACK, within
from .._watch import nothing_left
from ._cases import TOPIC, make, publish, publish_all, stored

pytestmark = pytest.mark.slow

PASSING = [
    "_TRANSPORT",
    "BROKER_NOT_AVAILABLE",
    "COORDINATOR_NOT_AVAILABLE",
    "INVALID_MSG",
    "KAFKA_STORAGE_ERROR",
    "LEADER_NOT_AVAILABLE",
    "NOT_COORDINATOR",
    "NOT_ENOUGH_REPLICAS",
    "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
    "NOT_LEADER_FOR_PARTITION",
    "REQUEST_TIMED_OUT",
    "UNKNOWN_TOPIC_OR_PART",
]
LASTING = ["NOT_ENOUGH_REPLICAS", "NOT_LEADER_FOR_PARTITION", "UNKNOWN_TOPIC_OR_PART"]

PATIENCE = 5.0
SHORT = 0.5


@pytest.mark.parametrize("error", PASSING)
async def test_it_is_stored_once(mock: KafkaMock, error: str) -> None:
    """All that was published meanwhile, that of one key in its order."""
    batch = [Message(number, key="k") for number in range(3, 6)]

    async with nothing_left(), make(mock, deadline=PATIENCE) as messaging:
        await messaging.publish(TOPIC, "before")
        mock.answer("Produce", error, 2)
        assert await publish_all(messaging, range(3), PATIENCE) == [None] * 3

        with within(PATIENCE + SLACK):
            await messaging.publish_many(TOPIC, batch)

        await messaging.publish(TOPIC, "after")

    found = stored(mock)
    assert sorted(found[1:4]) == [0, 1, 2]
    assert found[:1] + found[4:] == ["before", 3, 4, 5, "after"]


async def test_a_producer_that_is_not_known_any_more(mock: KafkaMock) -> None:
    """It gets a new epoch: the message that was refused is stored once, and those that follow."""
    async with nothing_left(), make(mock, deadline=PATIENCE) as messaging:
        await messaging.publish(TOPIC, "before")
        mock.answer("Produce", "UNKNOWN_PRODUCER_ID", 2)

        # One by one: in a new epoch a real broker takes no later message before the first, the mock does.
        for number in range(3):
            assert await publish(messaging, number, PATIENCE) is None

    assert stored(mock) == ["before", 0, 1, 2]


@pytest.mark.parametrize("error", LASTING)
async def test_one_that_lasts_is_a_time_out(mock: KafkaMock, error: str) -> None:
    """Whether it is stored in the end nobody knows; the next one is, at once."""
    async with nothing_left(), make(mock, deadline=PATIENCE) as messaging:
        await messaging.publish(TOPIC, "before")
        mock.answer("Produce", error, 1000)

        with deadline(SHORT):
            late = await publish(messaging, "late", SHORT)

        assert type(late) is TimeoutError
        assert (late.outcome, late.retryable) == ("unknown", True)
        mock.heal()
        # Behind it, which may be about to be tried again.
        assert await publish(messaging, "after", HEALED) is None

    assert stored(mock) in (["before", "late", "after"], ["before", "after"])


async def test_a_connection_that_breaks_under_it(mock: KafkaMock) -> None:
    """Again and again: all that was on its way is sent once more."""
    async with nothing_left(), make(mock, deadline=PATIENCE) as messaging:
        mock.answer("Produce", "_TRANSPORT", 3)
        assert await publish_all(messaging, range(200), PATIENCE) == [None] * 200

    assert sorted(stored(mock)) == list(range(200))
