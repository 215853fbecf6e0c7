"""F19: what is too large is refused before a byte is sent; what is large comes back whole."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from infrastructure import Message, ValidationError
from infrastructure.messaging.kafka import KafkaMessaging
from infrastructure.testing import ChaosProxy

from ...servers.kafka_server import KafkaServer
from .._inbox import Inbox
from .._timing import within
from .._watch import ARRIVAL, nothing_left, until
from ._messagings import logged, make_messaging

LIMIT = 900 * 1024
"""Bytes of a message at most, with its key and headers: ``max_message_bytes`` unless it is set."""

BESIDE = 6
"""Bytes in which the codec tells that these are bytes, and how many."""

QUIET = 1000
"""Bytes that a client without work may send meanwhile: it asks for the metadata."""

IN_TIME = 5.0
"""Seconds that small messages may take, all together."""

TOO_LARGE: dict[str, Any] = {
    "one byte more": bytes(LIMIT + 1),
    "600 MB": bytes(600 * 10**6),
    "with its key": Message(bytes(LIMIT), key="k"),
    "with a header": Message(bytes(LIMIT - 10), headers={"name": "x" * 7}),
    "a key alone": Message(b"", key="k" * (LIMIT + 1)),
}


@pytest.mark.parametrize("what", TOO_LARGE)
async def test_F19_more_than_the_limit_is_refused_unsent(
    proxy: ChaosProxy, topic: str, broker: KafkaServer, what: str
) -> None:
    """A ValidationError, of a batch with the number of the message; the connection stays."""
    async with make_messaging(proxy, codec="raw") as messaging:
        await messaging.publish(topic, b"before")
        before, accepted = proxy.bytes_to_server, proxy.accepted

        with pytest.raises(ValidationError) as caught:
            await messaging.publish(topic, TOO_LARGE[what])

        assert caught.value.outcome == "not_applied"
        assert proxy.bytes_to_server - before < QUIET

        with pytest.raises(ValidationError) as caught:
            await messaging.publish_many(topic, [b"first", TOO_LARGE[what]])

        assert caught.value.row_index == 1
        assert proxy.bytes_to_server - before < 2 * QUIET
        await messaging.publish(topic, b"after")
        assert proxy.accepted <= accepted + 1


async def test_F19_up_to_the_limit_it_comes_back(messaging: KafkaMessaging, topic: str) -> None:
    """The limit, and one byte less, whatever key and headers take of it."""
    inbox = Inbox()
    await messaging.subscribe(topic, inbox)
    values = [bytes(size - BESIDE) for size in (LIMIT - 1, LIMIT)]

    for value in values:
        await messaging.publish(topic, value)

    await messaging.publish(
        topic, Message(bytes(LIMIT - BESIDE - 11), key="kk", headers={"name": "value"})
    )
    await until(lambda: len(inbox.payloads) == 4, lambda: len(inbox.payloads), ARRIVAL)
    assert inbox.payloads == ["before", *values, bytes(LIMIT - BESIDE - 11)]


async def test_F19_large_ones_hold_up_nobody(
    proxy: ChaosProxy, broker: KafkaServer, topic: str
) -> None:
    """While fifty megabytes are on their way, small ones are acknowledged in time."""
    async with (
        nothing_left(),
        broker.topic() as other,
        make_messaging(proxy, deadline=IN_TIME) as messaging,
    ):
        await messaging.publish(topic, "before")
        await messaging.publish(other, "before")
        before = proxy.bytes_to_server
        large = [
            asyncio.ensure_future(messaging.publish(other, bytes(LIMIT - BESIDE)))
            for _ in range(50)
        ]
        await until(lambda: proxy.bytes_to_server - before > LIMIT, lambda: proxy, ARRIVAL)

        with within(IN_TIME):
            await messaging.publish(topic, 0)
            assert not all(each.done() for each in large)

            for number in range(1, 20):
                await messaging.publish(topic, number)

        ends = await asyncio.gather(*large, return_exceptions=True)
        # The deadline of a publish counts from the call.
        assert {type(end).__name__ for end in ends} <= {"NoneType", "TimeoutError"}
        assert [payload for _, payload in logged(broker, topic)] == ["before", *range(20)]
