"""A group of consumers, as its broker sees it."""

from __future__ import annotations

from confluent_kafka import ConsumerGroupState, KafkaException, TopicPartition

from tests.servers.kafka_groups import committed, described
from tests.servers.kafka_server import KafkaServer

__all__ = ["Group"]

_PATIENCE = 10.0


class Group:
    """One of them, with one topic."""

    def __init__(self, server: KafkaServer, name: str, topic: str, partitions: int) -> None:
        self.name = name
        self._admin = server.admin()
        self._consumer = server.consumer("watcher", dict(server.control_options))
        self._places = [TopicPartition(topic, number) for number in range(partitions)]

    def assigned(self) -> dict[int, str] | None:
        """Return who has which partition; ``None`` while the group makes that out."""
        try:
            told = described(self._admin, self.name)
        except (KafkaException, TimeoutError):
            # It is made when the first one joins.
            return None

        if told.state != ConsumerGroupState.STABLE:
            return None

        return {
            place.partition: member.member_id
            for member in told.members
            for place in member.assignment.topic_partitions
        }

    def owners(self) -> int:
        """Return how many have partitions."""
        return len(set((self.assigned() or {}).values()))

    def is_at_end(self) -> bool:
        """Return whether everything is committed."""
        known = committed(self._admin, self.name)
        return all(
            known.get((place.topic, place.partition), 0)
            >= self._consumer.get_watermark_offsets(place, _PATIENCE)[1]
            for place in self._places
        )

    def close(self) -> None:
        """Ask nothing more."""
        self._consumer.close()
