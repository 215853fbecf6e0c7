"""F20: malformed names, keys, headers and payloads are refused unsent, odd ones survive."""

from __future__ import annotations

import math
from typing import Any

import pytest

from infrastructure import Message, ValidationError, current_message
from infrastructure.messaging.kafka import KafkaMessaging
from infrastructure.testing import ChaosProxy

from .._watch import ARRIVAL, until

BAD_TOPICS: list[Any] = ["", ".", "..", "a b", "a/b", "é", "\0", "a" * 250, b"t", None, 7]
ODD_KEYS = ["\0", "\r\n", " ", "سلام\u200cدنیا", "e\u0301", "\u00e9", "\U0001f600", "\ufeff"]
ODD_VALUES: list[Any] = [
    *["\0", b"\0\xff\r\n", "", b"", math.nan, math.inf, -0.0, 10**400, None, True],
    *[{"\0": [None]}, {None: None}, (), [[], ()], "\ufeffسلام"],
]


def nested(depth: int) -> list[Any]:
    """Return so many lists in each other."""
    value: list[Any] = []

    for _ in range(depth):
        value = [value]

    return value


def refused() -> list[Any]:
    """Return messages that nobody can send."""
    own: list[Any] = []
    own.append(own)
    return [
        *["\ud800", object(), {1, object()}, nested(10_000), own],
        *[Message("x", key=""), Message("x", key="\ud800"), Message("x", headers={"a": "\ud800"})],
        *[Message("x", headers={"\ud800": "a"}), Message("x", headers={"": "a"})],
        Message("x", headers={"a\0b": "a"}),
    ]


async def test_F20_what_is_malformed_is_refused_unsent(
    messaging: KafkaMessaging, proxy: ChaosProxy, topic: str
) -> None:
    """ValidationError, alone and in a batch; the next message goes as before."""
    before = proxy.bytes_to_server

    for name in BAD_TOPICS:
        with pytest.raises(ValidationError):
            await messaging.publish(name, "x")

        with pytest.raises(ValidationError):
            await messaging.publish_many(name, ["x"])

    for message in refused():
        with pytest.raises(ValidationError):
            await messaging.publish(topic, message)

        with pytest.raises(ValidationError) as caught:
            await messaging.publish_many(topic, [message])

        assert caught.value.row_index == 0

    # A client without work asks for the metadata.
    assert proxy.bytes_to_server - before < 1000
    await messaging.publish(topic, "after")


async def test_F20_what_is_odd_comes_back(messaging: KafkaMessaging, topic: str) -> None:
    """Keys, header names and texts, and values, each as it was and of its type."""
    found: list[tuple[str | None, dict[str, Any], Any]] = []

    async def take(payload: Any) -> None:
        message = current_message()
        found.append((message.key, dict(message.headers), payload))

    await messaging.subscribe(topic, take)
    sent = [
        *[Message(number, key=key) for number, key in enumerate(ODD_KEYS)],
        *[Message(text, headers={text.strip("\0") or "NUL": text}) for text in ODD_KEYS],
        *[Message(value) for value in ODD_VALUES],
    ]
    await messaging.publish_many(topic, sent)
    await until(lambda: len(found) == len(sent) + 1, lambda: len(found), ARRIVAL)
    told = sorted(repr(each) for each in found)
    wanted = [(message.key, dict(message.headers), message.payload) for message in sent]
    assert told == sorted(repr(each) for each in [(None, {}, "before"), *wanted])
