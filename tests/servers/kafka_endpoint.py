"""Where a Kafka answers, and confluent-kafka's clients for it; somebody else may have started it."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from .kafka_groups import described
from .waiting import until

__all__ = ["KafkaEndpoint", "new_id"]

# A broker that is killed is no news here, and one that is back is found soon.
_USUAL: Mapping[str, Any] = {"log_level": 0, "reconnect.backoff.max.ms": 200}

# Seconds that an answer may take.
_PATIENCE = 10.0

# Seconds in which brokers that were just started make the topic of their groups.
_OPENING = 60.0

# Seconds after which a broker that is back has seen how long it was silent: two of its heartbeats.
_STEADY = 0.5


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

    messaging_options: Mapping[str, Any] = {}
    """The same for a messaging of ours."""

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

    def topics(self) -> set[str]:
        """Return the names of all topics that are there."""
        return set(self.admin().list_topics(timeout=_PATIENCE).topics)

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
        await until(lambda: _has_groups(admin), _OPENING)

    async def leads(self, topic: str) -> None:
        """Return when its brokers lead a topic, and go on to.

        One that was silent for longer than it may is perhaps taken for dead when it is back, for a moment.
        """
        admin = self.admin()
        since: float | None = None

        def steadily() -> bool:
            nonlocal since
            # Where the question fails it begins anew.
            before, since = since, None

            if _is_led(admin, topic):
                since = before or time.monotonic()

            return since is not None and time.monotonic() - since > _STEADY

        await until(steadily)

    async def _know(self, topic: str, partitions: int) -> None:
        """Return when whoever may be asked for a topic knows who leads it."""
        admin = self.admin()
        await until(lambda: _is_led(admin, topic, partitions))

    @asynccontextmanager
    async def topic(
        self, partitions: int = 1, config: Mapping[str, str] | None = None
    ) -> AsyncIterator[str]:
        """Give the name of a new topic with as many copies as the brokers are set to keep."""
        name = f"test-{secrets.token_hex(6)}"
        admin = self.admin()
        wanted = NewTopic(name, partitions, replication_factor=-1, config=dict(config or {}))
        admin.create_topics([wanted])[name].result(_PATIENCE)
        await self._know(name, partitions)

        try:
            yield name
        finally:
            # The brokers may be gone, and with them their topics.
            with suppress(KafkaException):
                admin.delete_topics([name], request_timeout=2)[name].result(_PATIENCE)


def _has_groups(admin: AdminClient) -> bool:
    try:
        return described(admin, "none") is not None
    except TimeoutError:
        return False


def _is_led(admin: AdminClient, topic: str, partitions: int = 1) -> bool:
    """Return whether it has so many partitions at least, and each of them a leader."""
    known = admin.list_topics(topic, timeout=_PATIENCE).topics[topic].partitions.values()
    return len(known) >= partitions and all(each.leader >= 0 for each in known)
