"""The settings as librdkafka takes them, for a producer, a consumer and whoever manages topics."""

from __future__ import annotations

import logging
import math
from typing import Any

from ..._core.tasks import logger
from ._settings import Settings

__all__ = ["consumer_configuration", "manager_configuration", "producer_configuration"]

_BESIDE = 32 * 1024
"""Bytes of a record beside what a message is measured by: a dead letter's headers, the frame."""

_POLL = 300_000
"""Milliseconds between two looks for messages that librdkafka allows; never less than a session."""

_BATCH = 1_000_000
"""Bytes of a batch, which a broker takes unless it was told otherwise."""


class _Driver(logging.Logger):
    """Takes what librdkafka logs, an outage as an error every second, for those who look closely."""

    def log(self, level: int, msg: object, *args: object, **_options: Any) -> None:
        """Log it for debugging."""
        logger.debug(msg, *args)


def _common(settings: Settings) -> dict[str, Any]:
    hosts = (
        f"[{name}]:{port}" if ":" in name else f"{name}:{port}" for name, port in settings.hosts
    )
    common: dict[str, Any] = {
        "bootstrap.servers": ",".join(hosts),
        "client.id": "infrastructure",
        "security.protocol": _protocol(settings),
        "reconnect.backoff.ms": 20,
        "reconnect.backoff.max.ms": 200,
        # Else it forgets who leads what when no broker can be reached, and asks a second later.
        "metadata.recovery.strategy": "none",
        "log.connection.close": False,
        "logger": _Driver("librdkafka"),
    }

    if settings.user is not None and settings.password is not None:
        common["sasl.mechanism"] = settings.sasl_mechanism
        common["sasl.username"] = settings.user
        common["sasl.password"] = settings.password.reveal()

    files = {
        "ssl.ca.location": settings.ssl_ca,
        "ssl.certificate.location": settings.ssl_cert,
        "ssl.key.location": settings.ssl_key,
    }
    return common | {name: path for name, path in files.items() if path is not None}


def _protocol(settings: Settings) -> str:
    if settings.user is not None:
        return "SASL_SSL" if settings.tls else "SASL_PLAINTEXT"

    return "SSL" if settings.tls else "PLAINTEXT"


def producer_configuration(settings: Settings, deadline: float) -> dict[str, Any]:
    """Return the configuration of a producer whose messages are given up after ``deadline`` seconds."""
    largest = settings.delivery.max_message_bytes + _BESIDE
    return {
        **_common(settings),
        "enable.idempotence": True,
        "acks": "all",
        "linger.ms": 0,
        # A request is of one partition: messages without a key keep to one for so long.
        "sticky.partitioning.linger.ms": 5,
        "batch.size": _BATCH,
        "message.max.bytes": max(_BATCH, largest),
        "message.timeout.ms": 0 if deadline == math.inf else max(1, math.ceil(deadline * 1000)),
        "retry.backoff.ms": 50,
        # A second else: so long would the first message wait that comes after an outage.
        "retry.backoff.max.ms": 500,
        "topic.metadata.propagation.max.ms": 2000,
        **settings.librdkafka,
    }


def consumer_configuration(settings: Settings) -> dict[str, Any]:
    """Return the configuration of the consumer of a group."""
    session = round(settings.session_timeout * 1000)
    configuration = {
        **_common(settings),
        "group.id": settings.group,
        "session.timeout.ms": session,
        "heartbeat.interval.ms": min(1000, session // 4),
        "max.poll.interval.ms": max(_POLL, session),
        "partition.assignment.strategy": "cooperative-sticky",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "queued.max.messages.kbytes": 16384,
        # One answer of a broker may be so large, whatever is queued: of many partitions 50 MB, else.
        "fetch.max.bytes": 4 * 2**20,
        # A minute else: so long may a broker that is silent keep a thread which has ended.
        "socket.timeout.ms": 30_000,
        # Partitions that were added, and topics that a broker did not know yet, are seen so soon.
        "topic.metadata.refresh.interval.ms": 10_000,
        # A partition that is new, or resumed, waits until the fetch of the others has ended.
        "fetch.wait.max.ms": 50,
        # Else a full queue is looked at again after a second.
        "fetch.queue.backoff.ms": 20,
        "fetch.error.backoff.ms": 100,
        **settings.librdkafka,
    }

    if settings.group_instance_id is not None:
        configuration["group.instance.id"] = settings.group_instance_id

    return configuration


def manager_configuration(settings: Settings) -> dict[str, Any]:
    """Return the configuration of a client that makes topics and tells of groups."""
    return _common(settings) | dict(settings.librdkafka)
