"""What whoever proves brokers does with them beside messages: where they are, topics to remove."""

from __future__ import annotations

import json
import time
from collections.abc import Collection
from contextlib import suppress

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from ..._core.errors import translated
from ._configuration import manager_configuration
from ._settings import Settings
from .errors import ERRORS

__all__ = ["advertised", "remove_topics"]


def advertised(settings: Settings, within: float) -> set[str]:
    """Return the addresses that the brokers send their clients to, ``host:port``; waits for them.

    By the driver's figures: to ask, it would go where it was told, and perhaps nobody is there.
    """
    seen: list[set[str]] = [set()]

    def note(figures: str) -> None:
        brokers = json.loads(figures)["brokers"].values()
        seen.append({each["nodename"] for each in brokers if each["source"] == "learned"})

    configuration = manager_configuration(settings)
    configuration |= {"statistics.interval.ms": 50, "stats_cb": note}

    with translated(ERRORS, "a client to look with"):
        client = AdminClient(configuration)

    until = time.monotonic() + within

    # Twice: they may become known one by one.
    while (not seen[-1] or seen[-2:-1] != seen[-1:]) and time.monotonic() < until:
        client.poll(0.1)

    return seen[-1]


def remove_topics(settings: Settings, names: Collection[str], within: float) -> None:
    """Remove topics as far as they are there and that is allowed."""
    with suppress(KafkaException):
        manager = AdminClient(manager_configuration(settings))

        # Each name once: the driver crashes over one that is there twice.
        for removed in manager.delete_topics(sorted(set(names)), request_timeout=within).values():
            with suppress(KafkaException):
                removed.result()
