"""A messaging for scenarios: the topics that they name are its own, and nobody else's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Any

from infrastructure.messaging.kafka import KafkaMessaging
from infrastructure.messaging.letters import DeadLetterBox

from ._messagings import Place, fresh

__all__ = ["Apart", "make_apart"]


class Apart(KafkaMessaging):
    """Puts ``apart`` before each name: a scenario begins with empty topics, which are made on demand."""

    apart = ""

    def own(self, topic: str) -> str:
        """Return the name that a topic has on the broker."""
        return f"{self.apart}-{topic}"

    async def publish(self, topic: str, message: Any) -> None:
        await super().publish(self.own(topic), message)

    async def publish_many(self, topic: str, messages: Iterable[Any]) -> None:
        await super().publish_many(self.own(topic), messages)

    async def subscribe(
        self, topic: str, handler: Callable[[Any], Awaitable[None]], **overrides: Any
    ) -> None:
        await super().subscribe(self.own(topic), handler, **overrides)

    async def subscribe_batch(
        self,
        topic: str,
        handler: Callable[[list[Any]], Awaitable[None]],
        *args: Any,
        **options: Any,
    ) -> None:
        await super().subscribe_batch(self.own(topic), handler, *args, **options)

    async def unsubscribe(self, topic: str) -> None:
        await super().unsubscribe(self.own(topic))

    def dead_letters(
        self, topic: str, *, stored_in: str | None = None
    ) -> AbstractAsyncContextManager[DeadLetterBox]:
        stored = None if stored_in is None else self.own(stored_in)
        return super().dead_letters(self.own(topic), stored_in=stored)


def make_apart(place: Place, **options: Any) -> Apart:
    """Return an unconnected one, in a group of its own."""
    given = {"deadline": 5, "drain_timeout": 5, "dead_letters": False, "create_topics": True}
    url = f"kafka://{place.host}:{place.port}"
    messaging = Apart(url, group_id=fresh(), partitions=1, **{**given, **options})
    messaging.apart = fresh()
    return messaging
