"""How many messages wait for a group, partition by partition."""

from __future__ import annotations

import builtins
from collections import Counter
from collections.abc import Collection
from typing import Any

from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin._listoffsets import OffsetSpec

__all__ = ["FROM_START", "lag_of"]

FROM_START = ("earliest", "smallest", "beginning")
"""What ``auto.offset.reset`` is where a new group gets what is there already."""

_PATIENCE = 5.0
"""Seconds that the brokers have for each answer."""

# librdkafka 2.16 ends the whole process (`eonce->refcnt > 0`) where a broker answers who coordinates
# a group after its own patience with that has ended: it may not end before the client does.
_NEVER = 3600.0


def lag_of(
    manager: Any, group: str, topics: Collection[str], *, new_from_start: bool
) -> dict[str, int]:
    """Return what waits in ``topics``, and in those of which the group has committed a partition.

    ``new_from_start``  whether all of a partition without a commit waits, or nothing.
    """
    committed = _committed(manager, group)
    partitions = _partitions(manager, {*topics, *(topic for topic, _ in committed)})

    if not partitions:
        return {}

    specs: Any = OffsetSpec
    first = _offsets(manager, partitions, specs.earliest())
    ends = _offsets(manager, partitions, specs.latest())
    waiting: Counter[str] = Counter()

    for place, end in ends.items():
        # What was removed before it was read does not wait any more.
        unread = first[place] if new_from_start else end
        begin = max(committed[place], first[place]) if place in committed else unread
        waiting[place[0]] += max(0, end - begin)

    return dict(waiting)


def _committed(manager: Any, group: str) -> dict[tuple[str, int], int]:
    asked = [ConsumerGroupTopicPartitions(group)]
    answers = manager.list_consumer_group_offsets(asked, request_timeout=_NEVER)

    try:
        found = answers[group].result(_PATIENCE).topic_partitions
    except builtins.TimeoutError:
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT)) from None

    return {(each.topic, each.partition): each.offset for each in found if each.offset >= 0}


def _partitions(manager: Any, topics: Collection[str]) -> list[TopicPartition]:
    # All topics: brokers that make them on demand would make those that are asked for by name.
    known = manager.list_topics(timeout=_PATIENCE).topics if topics else {}
    return [
        TopicPartition(name, number)
        for name in topics
        if name in known
        for number in known[name].partitions
    ]


def _offsets(
    manager: Any, partitions: list[TopicPartition], which: Any
) -> dict[tuple[str, int], int]:
    asked = dict.fromkeys(partitions, which)
    answers = manager.list_offsets(asked, request_timeout=_PATIENCE)
    return {(each.topic, each.partition): told.result().offset for each, told in answers.items()}
