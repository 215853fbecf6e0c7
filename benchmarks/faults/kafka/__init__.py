"""The same faults for KafkaMessaging and for what people consume and publish with."""

from __future__ import annotations

from .._part import Part
from . import _brokers as brokers, _ends as ends, _handlers as handlers, _rebalances as rebalances
from ._clients import CLIENTS
from ._stage import on_stage

__all__ = ["PART"]

PART = Part(
    title="Kafka",
    about="For all of them a session is 6 s and a new group begins with the oldest message; handlers sleep. A process "
    "that ends by an error is started again. What is safe commits when all of a batch was handled (FastStream: "
    "AckPolicy.NACK_ON_ERROR), and its producer is idempotent, with all acks; the rest is as it comes.",
    packages=("confluent-kafka", "aiokafka", "faststream"),
    clients=CLIENTS,
    stage=on_stage,
    measures={
        each.__name__: each
        for each in (
            ends.member_killed,
            ends.member_closed,
            rebalances.came_and_went,
            rebalances.slow_handler,
            handlers.poison,
            brokers.broker_killed,
            brokers.publisher_killed,
            brokers.silent_publish,
            brokers.absent_publish,
        )
    },
)
