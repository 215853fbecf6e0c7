"""Topics: whether they are there, and how they are made."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from time import monotonic, sleep
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from ...interfaces.exceptions import ConfigurationError, InfrastructureError, OperationError
from ._lag import FROM_START, lag_of
from ._worker import Worker
from .errors import NO_TOPIC, error_of

__all__ = ["Topics"]

T = TypeVar("T")

_PATIENCE = 5.0
"""Seconds that the brokers have to answer what they are asked."""

_AGAIN = 0.02
"""Seconds after which they are asked again where the connection broke."""

_ON_DEMAND = (0.05, 0.2)
"""Seconds after which a topic is looked for again."""

_ELECTED = 0.45
"""Seconds after which one that is there is looked for once more: who leads it is being decided."""

_MADE = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""The same of one that was just made."""

# One without leaders is being made.
_MISSING = (*NO_TOPIC, KafkaError.LEADER_NOT_AVAILABLE)


class Topics:
    """Asks the brokers on a worker's thread.

    ``make``  whether a topic that is missing is made, with ``partitions`` and ``replication``;
              ``None``: the broker's own numbers.
    """

    def __init__(
        self,
        client: Callable[[], Any],
        configuration: dict[str, Any],
        worker: Worker,
        *,
        make: bool,
        partitions: int | None,
        replication: int | None,
    ) -> None:
        self._client = client
        self._configuration = configuration
        self._worker = worker
        self._make = make
        self._partitions = partitions
        self._replication = replication
        self._known: set[str] = set()
        # What was told of the topic that was looked for last, where it has no leaders.
        self._leaderless: KafkaError | None = None
        # Of many who ask for the same topic the first one asks the brokers.
        self._turn = asyncio.Lock()

    def knows(self, topic: str) -> bool:
        """Return whether a topic was there when we last looked."""
        return isinstance(topic, str) and topic in self._known

    async def ensure(self, topic: str, operation: str) -> None:
        """See that a topic is there; make it, or raise ``OperationError``."""
        if topic in self._known:
            return

        async with self._turn:
            if topic in self._known:
                return

            # Brokers that make topics on demand begin with it when they are asked.
            if not await self._is_there(topic, operation, () if self._make else _ON_DEMAND):
                if not self._make:
                    raise self._absent(topic, operation)

                await self._create(topic, self._partitions or -1, self._replication or -1)

            self._known.add(topic)

    def _absent(self, topic: str, operation: str) -> InfrastructureError:
        if self._leaderless is not None:
            # It is there, or about to be: that passes.
            return error_of(f"{operation} {topic}", self._leaderless, outcome="not_applied")

        msg = f"{operation}: there is no topic {topic}; make it, or say create_topics=True"
        return OperationError(msg, outcome="not_applied", operation=operation)

    async def _is_there(self, topic: str, operation: str, pauses: Sequence[float]) -> bool:
        if await self._partitions_of(topic, operation):
            return True

        for pause in pauses:
            await asyncio.sleep(pause)

            if await self._partitions_of(topic, operation):
                return True

        if not pauses or self._leaderless is None:
            return False

        await asyncio.sleep(_ELECTED)
        return bool(await self._partitions_of(topic, operation))

    async def ensure_dead_letters(self, name: str, origin: str) -> None:
        """See that a topic for dead letters is there, with its origin's replication."""
        if name in self._known:
            return

        async with self._turn:
            if name not in self._known:
                await self._make_dead_letters(name, origin)
                self._known.add(name)

    async def _make_dead_letters(self, name: str, origin: str) -> None:
        try:
            if not await self._partitions_of(name, "subscribe"):
                partitions = await self._partitions_of(origin, "subscribe")
                replicas = {len(each.replicas) for each in partitions.values()} or {-1}
                await self._create(name, 1, max(replicas))
        except (ConfigurationError, OperationError) as exc:
            msg = (
                f"the dead-letter topic {name} is missing and could not be made: {exc}; make "
                "it, name another one by dead_letter_topic=, or say dead_letters=False"
            )
            raise ConfigurationError(msg, operation="subscribe") from exc

    async def _partitions_of(self, topic: str, tried: str) -> dict[int, Any]:
        def ask() -> dict[int, Any]:
            try:
                found = self._look_for(topic)
            except KafkaException as exc:
                # Only asked: what was to be done has not begun.
                told: KafkaError = exc.args[0]
                raise error_of(f"{tried} {topic}", told, outcome="not_applied") from exc

            error = found.error
            is_leaderless = error is not None and error.code() == KafkaError.LEADER_NOT_AVAILABLE
            self._leaderless = error if is_leaderless else None

            if error is None:
                return dict(found.partitions)

            if error.code() in _MISSING:
                return {}

            raise error_of(f"{tried} {topic}", error, outcome="not_applied")

        return await self._worker.call(ask)

    def _look_for(self, topic: str) -> Any:
        until = monotonic() + _PATIENCE

        while True:
            left = max(0.0, until - monotonic())

            try:
                return self._client().list_topics(topic, left).topics[topic]
            except KafkaException as exc:
                # A connection that breaks under the question says nothing of the next one.
                if exc.args[0].code() != KafkaError._TRANSPORT or monotonic() > until - _AGAIN:
                    raise

                sleep(_AGAIN)

    async def _create(self, name: str, partitions: int, replication: int) -> None:
        new = NewTopic(name, num_partitions=partitions, replication_factor=replication)
        within = {"operation_timeout": _PATIENCE, "request_timeout": _PATIENCE}

        def create(manager: Any) -> None:
            try:
                manager.create_topics([new], **within)[name].result()
            except KafkaException as exc:
                if exc.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise

        await self._worker.call(lambda: self._managed(f"create topic {name}", create))
        # The client remembers that it was missing, and would refuse the first message.
        await self._is_there(name, "create topic", _MADE)

    def _managed(self, tried: str, ask: Callable[[Any], T]) -> T:
        """Ask by a manager of its own: nobody polls it, and its end waits for threads."""
        try:
            return ask(AdminClient(self._configuration))
        except KafkaException as exc:
            error: KafkaError = exc.args[0]

        # Behind it: a traceback would keep the manager, and whoever drops it would wait.
        raise error_of(tried, error, outcome="not_applied")

    async def lag(self, group: str, topics: Collection[str]) -> dict[str, int]:
        """Return how many messages wait for a group, in ``topics`` and wherever it has committed."""
        # What the group has not begun with it reads from there on.
        reset = self._configuration.get("auto.offset.reset", "earliest")

        def ask(manager: Any) -> dict[str, int]:
            return lag_of(manager, group, topics, new_from_start=reset in FROM_START)

        return await self._worker.call(lambda: self._managed(f"lag of {group}", ask))

    def forget(self, topic: str) -> None:
        """Look again the next time: a topic may have been removed."""
        self._known.discard(topic)
