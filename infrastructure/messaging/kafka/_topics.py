"""Topics: whether they are there, and how they are made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec
from confluent_kafka.cimpl import NewTopic

from ..._core.errors import translated
from ...interfaces.exceptions import ConfigurationError, OperationError
from ._worker import Worker
from .errors import ERRORS, error_of

__all__ = ["Topics"]

_PATIENCE = 5.0
"""Seconds that the brokers have to answer what they are asked."""

_FORBIDDEN = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED)


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
        self._admin: Any = None
        self._known: set[str] = set()

    def knows(self, topic: str) -> bool:
        """Return whether a topic was there when we last looked."""
        return topic in self._known

    async def ensure(self, topic: str, operation: str) -> None:
        """See that a topic is there; make it, or raise ``OperationError``."""
        if topic in self._known:
            return

        if not await self._partitions_of(topic, operation):
            if not self._make:
                msg = f"{operation}: there is no topic {topic}; make it, or say create_topics=True"
                raise OperationError(msg, outcome="not_applied", operation=operation)

            await self._create(topic, self._partitions or -1, self._replication or -1)

        self._known.add(topic)

    async def ensure_dead_letters(self, name: str, origin: str) -> None:
        """See that a topic for dead letters is there, with its origin's replication."""
        if name in self._known:
            return

        if not await self._partitions_of(name, "subscribe"):
            partitions = await self._partitions_of(origin, "subscribe")
            replicas = {len(each.replicas) for each in partitions.values()} or {-1}

            try:
                await self._create(name, 1, max(replicas))
            except (ConfigurationError, OperationError) as exc:
                msg = (
                    f"the dead-letter topic {name} is missing and could not be made: {exc}; make "
                    "it, name another one by dead_letter_topic=, or say dead_letters=False"
                )
                raise ConfigurationError(msg, operation="subscribe") from exc

        self._known.add(name)

    async def _partitions_of(self, topic: str, tried: str) -> dict[int, Any]:
        def ask() -> dict[int, Any]:
            with translated(ERRORS, f"{tried} {topic}"):
                found = self._client().list_topics(topic, _PATIENCE).topics[topic]

            error = found.error

            if error is None:
                return dict(found.partitions)

            if error.code() in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC):
                return {}

            raise error_of(f"{tried} {topic}", error, outcome="not_applied")

        return await self._worker.call(ask)

    async def _create(self, name: str, partitions: int, replication: int) -> None:
        def create() -> None:
            made = self._manager().create_topics(
                [NewTopic(name, num_partitions=partitions, replication_factor=replication)],
                operation_timeout=_PATIENCE,
                request_timeout=_PATIENCE,
            )

            try:
                made[name].result()
            except KafkaException as exc:
                if exc.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise error_of(
                        f"create topic {name}", exc.args[0], outcome="not_applied"
                    ) from exc

        await self._worker.call(create)

    def _manager(self) -> Any:
        if self._admin is None:
            self._admin = AdminClient(self._configuration)

        return self._admin

    async def lag(self, group: str) -> dict[str, int]:
        """Return for each topic that a group has committed how many messages wait for it."""

        def ask() -> dict[str, int]:
            asked = [ConsumerGroupTopicPartitions(group)]

            with translated(ERRORS, f"lag of {group}"):
                answer = self._manager().list_consumer_group_offsets(asked)[group].result(_PATIENCE)
                committed = {(each.topic, each.partition): each for each in answer.topic_partitions}
                newest: Any = OffsetSpec
                latest = {each: newest.latest() for each in committed.values()}
                ends = self._manager().list_offsets(latest) if latest else {}
                waiting: dict[str, int] = {}

                for each, end in ends.items():
                    offset = committed[each.topic, each.partition].offset
                    left = max(0, end.result(_PATIENCE).offset - max(0, offset))
                    waiting[each.topic] = waiting.get(each.topic, 0) + left

            return waiting

        return await self._worker.call(ask)

    def forget(self, topic: str) -> None:
        """Look again the next time: a topic may have been removed."""
        self._known.discard(topic)
