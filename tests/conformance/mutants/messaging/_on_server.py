"""What a mistake is planted into that only a broker shows: the messaging over Apache Kafka."""

from __future__ import annotations

from functools import partial

from ...kafka_on_own_server import OwnKafkaHarness
from ...kafka_on_server import OnServer
from .._mutant import Mutant

__all__ = ["LOST", "REBALANCE", "on_own_server", "on_server"]

REBALANCE = 8.0
"""Seconds of patience with a group that assigns its partitions anew."""

LOST = 8.0
"""Seconds of patience with a broker that is back: a group waits for a lost member until its session is over."""

on_server = partial(
    Mutant,
    interface="messaging",
    harness=OnServer,
    patience=4.0,
    limit=60.0,
    on_brokers=True,
)
"""A mistake in the messaging over Kafka."""

on_own_server = partial(on_server, harness=OwnKafkaHarness, patience=LOST)
"""One that only shows when the broker or the way to it is broken."""
