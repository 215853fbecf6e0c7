"""What the brokers tell of a topic instead of its leaders, to whoever publishes or subscribes first."""

from __future__ import annotations

import asyncio

import pytest

from infrastructure import (
    ConfigurationError,
    ConnectionError,
    InfrastructureError,
    OperationError,
    TimeoutError,
)

from ...servers.kafka_mock import KafkaMock
from .._inbox import Inbox
from .._outcomes import ended
from .._watch import nothing_left
from ._cases import TOPIC, make, publish, stored

pytestmark = pytest.mark.slow

TOLD: dict[str, tuple[type[InfrastructureError], bool, str]] = {
    "LEADER_NOT_AVAILABLE": (ConnectionError, True, "LEADER_NOT_AVAILABLE"),
    "REQUEST_TIMED_OUT": (TimeoutError, True, "REQUEST_TIMED_OUT"),
    "TOPIC_AUTHORIZATION_FAILED": (ConfigurationError, False, "TOPIC_AUTHORIZATION_FAILED"),
    "TOPIC_EXCEPTION": (OperationError, False, "TOPIC_EXCEPTION"),
    "UNKNOWN_TOPIC_OR_PART": (OperationError, False, "make it, or say create_topics=True"),
}
SOON = 0.75

# Whether somebody will lead it is asked for seven tenths of a second.
ASKED_AGAIN = {"LEADER_NOT_AVAILABLE": 5.0}


async def test_who_leads_it_is_waited_for(mock: KafkaMock) -> None:
    """A broker that was away may be back without its partitions for a moment."""
    async with nothing_left(), make(mock, deadline=5) as messaging:
        mock.refuse(TOPIC, "LEADER_NOT_AVAILABLE")
        publishing = asyncio.ensure_future(publish(messaging, "first", 5))
        # One that is not there is looked for no more after 0.25 s. How often the driver has asked says
        # nothing of it: it asks by itself, too.
        await asyncio.sleep(0.4)
        mock.refuse(TOPIC, None)
        assert await publishing is None

    assert stored(mock) == ["first"]


@pytest.mark.parametrize("error", TOLD)
async def test_whoever_comes_first_is_told(mock: KafkaMock, error: str) -> None:
    """That nothing was done, and why; when it has passed all works, and is not asked again."""
    inbox, soon = Inbox(), ASKED_AGAIN.get(error, SOON)

    async with nothing_left(), make(mock, deadline=5) as messaging:
        mock.refuse(TOPIC, error)
        found = [
            await publish(messaging, "refused", soon),
            await ended(lambda: messaging.subscribe(TOPIC, inbox), soon),
        ]

        for each in found:
            cls, retryable, text = TOLD[error]
            assert type(each) is cls
            assert (each.outcome, each.retryable) == ("not_applied", retryable)
            assert text in str(each)

        mock.refuse(TOPIC, None)
        assert await publish(messaging, "after", SOON) is None
        mock.refuse(TOPIC, error)
        assert await publish(messaging, "known", SOON) is None
        mock.refuse(TOPIC, None)
        assert await ended(lambda: messaging.subscribe(TOPIC, inbox), 5) is None
        await inbox.wait_for("known")

    assert stored(mock) == ["after", "known"]
