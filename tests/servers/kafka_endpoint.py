"""Where a Kafka answers, and confluent-kafka's clients for it; somebody else may have started it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from .waiting import until

__all__ = ["KafkaEndpoint", "new_id"]

# A broker that is killed is no news here, and one that is back is found soon.
_USUAL: Mapping[str, Any] = {"log_level": 0, "reconnect.backoff.max.ms": 200}

# Seconds that an answer may take.
_PATIENCE = 10.0


def new_id() -> str:
    """Return 16 bytes as Kafka writes them; what begins with a dash would be an option."""
    return f"k{secrets.token_urlsafe(16)[1:]}"


class KafkaEndpoint:
    """The brokers at ``bootstrap``, ``host:port`` with commas between.

    ``scheme``   of its URL.
    ``account``  of its URL, ``user:password``.
    ``secure``   librdkafka's options without which it lets nobody in.
    """

    consumer_options: Mapping[str, Any] = {}
    """Options of a consumer without which the broker keeps it waiting."""

    def __init__(
        self,
        bootstrap: str,
        *,
        scheme: str = "kafka",
        account: str | None = None,
        secure: Mapping[str, str] | None = None,
    ) -> None:
        self.bootstrap = bootstrap
        self.url = f"{scheme}://{account}@{bootstrap}" if account else f"{scheme}://{bootstrap}"
        self._secure = dict(secure or {})

    def __repr__(self) -> str:
        return f"<{type(self).__name__} on {self.bootstrap}>"

    @property
    def client_options(self) -> dict[str, Any]:
        """The options of librdkafka by which a client gets in."""
        return {"bootstrap.servers": self.bootstrap, **self._secure}

    @property
    def control_options(self) -> dict[str, Any]:
        """The options of a client that only prepares a test, whatever is done to the others."""
        return self.client_options

    def admin(self, **options: Any) -> AdminClient:
        """Return its blocking client for topics and groups."""
        return AdminClient({**_USUAL, **self.control_options, **options})

    def producer(self, options: Mapping[str, Any] | None = None) -> Producer:
        """Return a producer whose messages all copies have that must be written."""
        return Producer({**_USUAL, **self.client_options, "acks": "all", **(options or {})})

    def consumer(self, group: str, options: Mapping[str, Any] | None = None) -> Consumer:
        """Return a member of ``group`` that begins with the oldest message and commits nothing."""
        usual = {"auto.offset.reset": "earliest", "enable.auto.commit": False}
        named = {"group.id": group, **usual, **self.consumer_options, **(options or {})}
        return Consumer({**_USUAL, **self.client_options, **named})

    async def open_groups(self) -> None:
        """Return when groups work: who comes first asks for a topic of theirs, and waits seconds."""
        admin = self.admin()

        # Where it is not made yet, the answer is an error.
        await until(lambda: admin.describe_consumer_groups(["none"])["none"].result(_PATIENCE))

    @asynccontextmanager
    async def topic(
        self, partitions: int = 1, config: Mapping[str, str] | None = None
    ) -> AsyncIterator[str]:
        """Give the name of a new topic with as many copies as the brokers are set to keep."""
        name = f"test-{secrets.token_hex(6)}"
        admin = self.admin()
        wanted = NewTopic(name, partitions, replication_factor=-1, config=dict(config or {}))
        admin.create_topics([wanted])[name].result(_PATIENCE)
        await until(lambda: _led(admin, name) == partitions)

        try:
            yield name
        finally:
            # The brokers may be gone, and with them their topics.
            with suppress(KafkaException):
                admin.delete_topics([name], request_timeout=2)[name].result(_PATIENCE)


def _led(admin: AdminClient, topic: str) -> int:
    """Return how many of its partitions have a leader."""
    known = admin.list_topics(topic, timeout=_PATIENCE).topics[topic].partitions.values()
    return sum(partition.leader >= 0 for partition in known)
