"""Makes the messagings of these tests, and handlers that tell what they got."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from infrastructure import current_message
from infrastructure.messaging.kafka import KafkaMessaging

from ...servers.kafka_server import KafkaServer

__all__ = ["PATIENCE", "Collector", "Make", "Note", "Start", "committed", "held", "make_messaging"]

PATIENCE = 20.0
"""Seconds in which a group has settled, and what it was sent is handled."""

Make = Callable[..., KafkaMessaging]
"""Takes the options of ``KafkaMessaging``."""

Start = Callable[[KafkaServer], Awaitable[KafkaServer]]
"""The fixture ``start_kafka``."""

Note = Callable[[str, object], None]
"""pytest's ``record_property``: a figure for the report of ``make soak``."""


def make_messaging(url: str, group: str | None, **options: Any) -> KafkaMessaging:
    """Return a member of a group, its options those given or quick ones."""
    usual = {"group_id": group, "session_timeout": 6, "backoff": (0.02, 0.1)}
    return KafkaMessaging(url, **{**usual, **options})


def held(messaging: KafkaMessaging) -> dict[tuple[str, int], int]:
    """Return how many messages are held of each partition that is owned."""
    engine = messaging._engine
    assert engine is not None
    return {
        (window.partition.topic, window.partition.number): window.messages
        for window in engine._windows.of()
    }


def committed(messaging: KafkaMessaging) -> dict[tuple[str, int], int | None]:
    """Return how far the group is with each partition that is owned, as far as it was told."""
    engine = messaging._engine
    assert engine is not None
    return {
        (window.partition.topic, window.partition.number): window.committed
        for window in engine._windows.of()
    }


class Collector:
    """A handler that keeps what it got; calls with payloads in ``held`` wait until ``go`` is set.

    ``begun``     payloads as their calls began, ``ended`` as they ended, ``cancelled`` the others.
    ``attempts``  the attempts of the calls.
    """

    def __init__(self, held: Callable[[Any], bool] = lambda _: False) -> None:
        self.begun: list[Any] = []
        self.ended: list[Any] = []
        self.cancelled: list[Any] = []
        self.attempts: list[int] = []
        self.go = asyncio.Event()
        self._held = held

    async def __call__(self, payload: Any) -> None:
        self.begun.append(payload)
        self.attempts.append(current_message().attempt)

        try:
            if self._held(payload):
                await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled.append(payload)
            raise

        self.ended.append(payload)
