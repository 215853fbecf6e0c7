"""Messages with a key and a number, and how far a group is with them."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from confluent_kafka import TopicPartition

from infrastructure import Message
from infrastructure.messaging.kafka import KafkaMessaging

from ...servers.kafka_endpoint import KafkaEndpoint
from ...servers.kafka_groups import committed, described
from ._journal import Name

__all__ = ["Offsets", "messages", "names", "publish"]

PATIENCE = 10.0


def names(keys: int, each: Iterable[int]) -> list[Name]:
    """Return the messages of so many keys, by turns."""
    return [(f"k{key}", number) for number in each for key in range(keys)]


def messages(wanted: Iterable[Name], poison: Collection[Name] = ()) -> list[Message]:
    """Return them as they are published."""
    return [Message([*name, name in poison], key=name[0]) for name in wanted]


async def publish(url: str, topic: str, given: Iterable[Message]) -> None:
    """Publish them all, in order."""
    async with KafkaMessaging(url, deadline=60) as messaging:
        await messaging.publish_many(topic, given)


class Offsets:
    """How far a group has come with a topic, as its broker knows."""

    def __init__(self, endpoint: KafkaEndpoint, group: str, topic: str, partitions: int) -> None:
        self._admin = endpoint.admin()
        self._consumer = endpoint.consumer(f"{group}-watcher")
        self._group = group
        self._topic = topic
        self._partitions = range(partitions)

    def committed(self) -> dict[int, int]:
        """Return what is committed of each partition, 0 where nothing is."""
        known = committed(self._admin, self._group)
        return {number: max(0, known.get((self._topic, number), 0)) for number in self._partitions}

    def ends(self) -> dict[int, int]:
        """Return where each partition ends."""
        return {
            number: self._consumer.get_watermark_offsets(
                TopicPartition(self._topic, number), PATIENCE
            )[1]
            for number in self._partitions
        }

    def are_at_end(self) -> bool:
        """Return whether the group has finished everything."""
        return self.committed() == self.ends()

    def are_nobodys(self) -> bool:
        """Return whether the group has no member any more, so that nobody can commit."""
        return not described(self._admin, self._group).members

    def owners(self) -> int:
        """Return how many members have partitions."""
        members = described(self._admin, self._group).members
        return sum(bool(each.assignment.topic_partitions) for each in members)

    def close(self) -> None:
        """Ask nothing more."""
        self._consumer.close()
