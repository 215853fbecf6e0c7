"""Another member with the same name: the consumer ends, loudly, and the rest is somebody else's."""

from __future__ import annotations

import pytest

from infrastructure import OperationError

from ...servers.kafka_mock import KafkaMock
from .._inbox import Inbox
from .._timing import SLACK, within
from .._watch import ARRIVAL, until
from ..kafka._messagings import CLOSING, fresh
from ._cases import TOPIC, make, stored, told
from ._members import all_handled, publish_slowly

pytestmark = pytest.mark.slow

NAMED = "another member has the same group_instance_id="
SOON = 1.0


@pytest.mark.parametrize("api", ["JoinGroup", "SyncGroup"])
async def test_while_it_joins(mock: KafkaMock, caplog: pytest.LogCaptureFixture, api: str) -> None:
    """Each subscribe is told so, until the next connect."""
    mock.answer(api, "FENCED_INSTANCE_ID")
    # To connect again waits for the session of the one before.
    messaging = make(mock, group_instance_id="one", deadline=5)
    inbox = Inbox()

    async with messaging:
        for _ in range(2):
            with within(SOON), pytest.raises(OperationError, match=NAMED) as caught:
                await messaging.subscribe(TOPIC, inbox)

            assert caught.value.outcome == "not_applied"

    assert [NAMED in text for text in told(caplog)] == [True]

    async with messaging:
        await messaging.publish(TOPIC, 1)
        await inbox.wait_for(1)


@pytest.mark.parametrize("api", ["Heartbeat", "OffsetCommit"])
async def test_while_it_reads(mock: KafkaMock, caplog: pytest.LogCaptureFixture, api: str) -> None:
    """Nothing more is handled or committed by it, and publishing works; then the next one reads on."""
    inbox, group = Inbox(), fresh()
    messaging = make(mock, group_id=group, group_instance_id="one")

    async with messaging:
        await messaging.subscribe(TOPIC, inbox)
        mock.answer(api, "FENCED_INSTANCE_ID")
        await publish_slowly(messaging)

        def is_told() -> bool:
            return any(NAMED in text for text in told(caplog))

        await until(is_told, lambda: told(caplog), ARRIVAL)
        handled = len(inbox.payloads)
        await messaging.publish(TOPIC, 0)
        assert len(inbox.payloads) == handled

        with within(CLOSING + SLACK):
            await messaging.disconnect()

    await all_handled(mock, inbox, group)
    assert stored(mock, f"{TOPIC}.dlq") == []
