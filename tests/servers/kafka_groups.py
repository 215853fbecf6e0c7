"""What a broker tells of a group of consumers."""

from __future__ import annotations

from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions
from confluent_kafka.admin import AdminClient

__all__ = ["committed", "described"]

_PATIENCE = 10.0
"""Seconds that the broker has to answer."""

# Where a broker answers after the driver's own patience, librdkafka 2.16 ends the process: that
# of the future ends first.
_NEVER = 3600.0


def described(admin: AdminClient, group: str) -> Any:
    """Return its description: state, members and what they have.

    Raises ``TimeoutError`` where no answer came, and ``KafkaException`` where it was a refusal.
    """
    return admin.describe_consumer_groups([group], request_timeout=_NEVER)[group].result(_PATIENCE)


def committed(admin: AdminClient, group: str) -> dict[tuple[str, int], int]:
    """Return the offsets that are committed, by topic and partition; raises what ``described`` does."""
    asked = [ConsumerGroupTopicPartitions(group)]
    told = admin.list_consumer_group_offsets(asked, request_timeout=_NEVER)[group].result(_PATIENCE)
    return {(each.topic, each.partition): each.offset for each in told.topic_partitions}
