"""What the cases have in common: their topic, their messaging, and what it has stored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from infrastructure.messaging.kafka import KafkaMessaging

from ...servers.kafka_mock import KafkaMock
from .._outcomes import all_ended, ended
from ..kafka._messagings import logged, make_messaging

__all__ = ["TOPIC", "make", "publish", "publish_all", "stored", "told"]

TOPIC = "orders"

_SESSION = 1.5
"""Seconds of a session: a third of what the mock waits for, whenever somebody joins once more, is left."""


def make(mock: KafkaMock, **options: Any) -> KafkaMessaging:
    """Return an unconnected messaging."""
    # The mock looks at no sequence numbers. What it takes behind a request that it refused has, to the
    # client, its acknowledgement with it: real brokers take nothing with a gap.
    single = {"max.in.flight.requests.per.connection": 1}
    given = {"librdkafka": single, "session_timeout": 6, "dead_letters": True}
    messaging = make_messaging(mock, **{**given, **options})
    # Real brokers allow no shorter ones, nor does the constructor.
    messaging._settings = replace(messaging._settings, session_timeout=_SESSION)
    return messaging


async def publish(messaging: KafkaMessaging, payload: Any, within: float) -> Any:
    """Return ``None``, or our error of a publish, which comes in time."""
    return await ended(lambda: messaging.publish(TOPIC, payload), within)


async def publish_all(messaging: KafkaMessaging, payloads: Iterable[Any], within: float) -> Any:
    """Publish each of them at once; return the same of each."""
    return await all_ended(
        [lambda payload=each: messaging.publish(TOPIC, payload) for each in payloads], within
    )


def stored(mock: KafkaMock, topic: str = TOPIC) -> list[Any]:
    """Return the payloads in the log; the broker answers as usual from now on."""
    mock.heal()
    return [payload for _, payload in logged(mock, topic)]


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what whoever runs a service has been told so far."""
    return [each.getMessage() for each in caplog.records if each.levelname != "DEBUG"]
