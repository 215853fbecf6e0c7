"""KafkaMessaging: publish and subscribe over Apache Kafka."""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from threading import get_ident
from typing import Any, Unpack

from confluent_kafka import KafkaException

from ..._core.codec import codec_of
from ..._core.deadline import Limit, expiry, open_instant, refuse_when_expired
from ..._core.errors import translated
from ..._core.names import check_topic
from ..._core.outage import OutageLog
from ..._core.tasks import logger
from ...interfaces._several import at_position, several
from ...interfaces.exceptions import ConfigurationError, InfrastructureError
from .._batches import BatchSize
from .._delivery import DeliveryEngine
from .._messaging import EngineMessaging
from .._options import DeliveryKeywords
from .._payloads import Packer
from .._registrations import Registration
from .._subscriptions import Handler
from ..lag import LagReporter
from ..letters import DeadLetterBox, DeadLetterOffice
from ._answers import all_sent, given_up
from ._configuration import consumer_configuration, manager_configuration, producer_configuration
from ._letters import KafkaLetters
from ._member import Member
from ._publisher import Publisher
from ._records import Reading, headers_of
from ._settings import OWN, check_files, read_settings
from ._topics import Topics
from ._worker import Worker
from .errors import ERRORS, error_of

__all__ = ["KafkaMessaging"]

_LOOK = 0.05
"""Seconds between two looks at what hinders a connection."""

# Clients of a parent process: nobody here may touch them.
_FOREIGN: list[Any] = []

_TURN = 1000
"""Messages of ``publish_many`` that are sent before the event loop turns."""


class KafkaMessaging(EngineMessaging, DeadLetterOffice, LagReporter):
    """Messaging over Apache Kafka 2.4 or newer: what is acknowledged is on all replicas in sync.

    ``url``        ``kafka://h1:9092,h2:9092?group_id=orders``, ``kafka+ssl://user:password@host``.
    ``group_id``   instances of one group compete; without one nothing can be subscribed.
    ``group_instance_id``  a static member: it keeps its partitions over a restart.
    ``session_timeout``    seconds after which the group takes a silent member for dead.
    ``create_topics``      topics that are missing are made, with ``partitions`` and
                   ``replication``; ``None``: as many as the brokers are set to.
    ``sasl_mechanism``     ``"PLAIN"``, ``"SCRAM-SHA-256"`` or ``"SCRAM-SHA-512"``.
    ``ssl_ca``, ``ssl_cert``, ``ssl_key``  files of the authority, and of a client's certificate.
    ``librdkafka``  further options of librdkafka, by their names; in the URL
                   ``librdkafka.compression.type=zstd``.
    ``deadline``   seconds for each call; 10 unless set otherwise.

    The rest is how messages are handed to handlers: see ``DeliveryOptions``.
    """

    def __init__(
        self,
        url: str,
        *,
        group_id: str | None = None,
        group_instance_id: str | None = None,
        session_timeout: float = 12.0,
        create_topics: bool = False,
        partitions: int | None = None,
        replication: int | None = None,
        sasl_mechanism: str | None = None,
        ssl_ca: str | None = None,
        ssl_cert: str | None = None,
        ssl_key: str | None = None,
        librdkafka: Mapping[str, Any] | None = None,
        deadline: float | None = None,
        **delivery: Unpack[DeliveryKeywords],
    ) -> None:
        given = {name: value for name, value in locals().items() if name in OWN}
        self._settings = settings = read_settings(KafkaMessaging, url, **given, **delivery)
        super().__init__(settings.delivery, deadline=settings.deadline)
        self._pack = Packer(self._options).pack
        self._publisher: Publisher | None = None
        self._member: Member | None = None
        self._topics: Topics | None = None
        self._worker: Worker | None = None
        self._joined: set[str] = set()
        # Topics whose partitions the driver is giving up: named again meanwhile it would keep them.
        self._leaving: dict[str, asyncio.Future[None]] = {}

    def _describe(self) -> str:
        return f"KafkaMessaging {self._settings.where}"

    async def publish(self, topic: str, message: Any) -> None:
        """Publish; returns when all replicas in sync have it."""
        publisher = self._checked("publish")
        key, payload, headers, encoding, _ = self._pack(message)
        expires = expiry(self._deadline)

        if self._topics is None or not self._topics.knows(topic):
            await self._ensure(topic, "publish", expires)

        await publisher.send(topic, key, payload, headers_of(encoding, headers), expires)

    def _checked(self, operation: str) -> Publisher:
        """Return the publisher; raise unless ``operation`` may run here and now."""
        # As in _check, but a handler may publish while disconnect waits for it.
        if (self._thread != get_ident() or not self._is_running()) and not self._finishing():
            self._refuse(operation)

        publisher = self._publisher

        if open_instant() is not None:
            refuse_when_expired(operation)

        if publisher is None:
            self._refuse(operation)

        return publisher

    async def _ensure(self, topic: str, operation: str, expires: float) -> None:
        check_topic(topic)
        assert self._topics is not None

        async with Limit(operation, expires=expires):
            await self._topics.ensure(topic, operation)

    async def publish_many(self, topic: str, messages: Iterable[Any]) -> None:
        """Publish each of ``messages`` in order; see ``MessagingInterface``."""
        publisher = self._checked("publish_many")
        expires = expiry(self._deadline)
        sent: list[asyncio.Future[None]] = []

        try:
            await self._ensure(topic, "publish_many", expires)
            await self._send_each(publisher, topic, messages, expires, sent)
        except asyncio.CancelledError:
            given_up(sent)
            raise
        except BaseException:
            await all_sent(sent)
            raise

        await all_sent(sent)

    async def _send_each(
        self,
        publisher: Publisher,
        topic: str,
        messages: Iterable[Any],
        expires: float,
        sent: list[asyncio.Future[None]],
    ) -> None:
        # One for all: those of another one would not wait for these.
        sender = publisher.within(expires, topic)

        for position, message in enumerate(several(messages, "messages")):
            try:
                key, payload, headers, encoding, _ = self._pack(message)
            except InfrastructureError as exc:
                at_position(exc, position)
                raise

            carried = headers_of(encoding, headers)
            sent.append(sender.send(topic, key, payload, carried, expires, is_ordered=True))

            if not len(sent) % _TURN:
                await asyncio.sleep(0)
                self._checked("publish_many")

    @asynccontextmanager
    async def dead_letters(
        self, topic: str, *, stored_in: str | None = None
    ) -> AsyncGenerator[DeadLetterBox, None]:
        """Open the dead letters of ``topic``; see ``DeadLetterOffice``."""
        publisher = self._checked("dead_letters")
        check_topic(topic)
        place = check_topic(stored_in or self._options.dead_letter_topic or f"{topic}.dlq")
        configuration = consumer_configuration(self._settings)
        worker = Worker("kafka dead letters")

        async def ready(expires: float) -> None:
            self._checked("replay")
            await self._ensure(topic, "replay", expires)

        box = KafkaLetters(configuration, worker, publisher, ready, topic, place, self._deadline)

        try:
            await box.open()
            yield box
        finally:
            # Nobody waits for it: the brokers may be silent.
            worker.end_thread(box.close)

    async def _subscribe(
        self, topic: str, handler: Handler, batch: BatchSize | None, overrides: Mapping[str, Any]
    ) -> None:
        if self._settings.group is None:
            msg = (
                f"subscribe: {self._describe()} has no group: say group_id=, here or in the URL; "
                "the instances of one group share its messages"
            )
            raise ConfigurationError(msg, operation="subscribe")

        await super()._subscribe(topic, handler, batch, overrides)

    async def _open(self) -> None:
        settings = self._settings
        check_files(settings)
        self._joined.clear()
        self._leaving.clear()
        outage = OutageLog(self._describe, "the brokers are", self._answered)
        # The caller's deadline is connect()'s; this one is each message's.
        limit = math.inf if self._deadline is None else self._deadline

        with translated(ERRORS, f"connect to {settings.where}"):
            self._publisher = publisher = Publisher(
                producer_configuration(settings, limit), self._describe(), outage, self._missing
            )

        self._worker = worker = Worker("kafka topics")
        await self._reach(publisher, worker)
        publisher.is_reached = True
        self._topics = topics = Topics(
            lambda: publisher.client,
            manager_configuration(settings),
            worker,
            make=settings.create_topics,
            partitions=settings.partitions,
            replication=settings.replication,
        )
        self._member = Member(
            consumer_configuration(settings),
            owner=self._describe(),
            reading=Reading(codec_of(self._options.codec).content_type),
            publisher=publisher,
            topics=topics,
            outage=outage,
            make=self._make_engine,
        )
        self._begin(self._member.engine)
        await self._engage_all()

    def _answered(self) -> None:
        if self._engine is not None:
            self._engine.answered()

    def _missing(self, topic: str) -> None:
        # It was removed: the next publish looks again, and makes it where that is wanted.
        if self._topics is not None:
            self._topics.forget(topic)

    async def _reach(self, publisher: Publisher, worker: Worker) -> None:
        """Return when a broker has answered; raise what hinders it."""
        while not await worker.call(lambda: _has_answered(publisher.client)):
            error = publisher.trouble

            if error is not None:
                tried = f"connect to {self._settings.where}"
                failed = error_of(tried, error, outcome="not_applied")
                failed.operation = "connect"
                raise failed

    def _make_engine(self, member: Member) -> DeliveryEngine:
        return DeliveryEngine(
            member,
            group=self._settings.group or "",
            owner=self._describe(),
            clock=self._options.clock,
        )

    async def _join(self, topic: str) -> None:
        await self._join_all([topic])

    async def _join_all(self, topics: Sequence[str]) -> None:
        while leaving := {self._leaving[each] for each in topics if each in self._leaving}:
            await asyncio.wait(leaving)

        # Together: each time the whole group assigns its partitions anew.
        member = self._member
        new = [topic for topic in topics if self._registered.get(topic)]

        if member is None or not new:
            return

        # They stay joined where nobody waits for it any more: their handlers stay too.
        self._joined.update(new)
        await member.read(self._joined)

    async def _prepare(self, topic: str, *registrations: Registration) -> None:
        # Before it is subscribed and has dead letters: it may be missing.
        if self._topics is not None:
            await self._topics.ensure(topic, "subscribe")

        await super()._prepare(topic, *registrations)

    async def _leave(self, topic: str, *, connected: bool) -> None:
        member = self._member

        if not connected or member is None or topic not in self._joined:
            return

        self._joined.discard(topic)
        # It may be gone when it is subscribed again.
        self._missing(topic)
        left = self._leaving[topic] = asyncio.get_running_loop().create_future()

        try:
            await member.read(self._joined)
        except InfrastructureError as exc:
            # Its handlers have ended all the same, and whoever reads the others is told by the log.
            logger.debug("%s: unsubscribe %s: %s", self._describe(), topic, exc)
        finally:
            left.set_result(None)

            if self._leaving.get(topic) is left:
                del self._leaving[topic]

        # It was subscribed again while its last handlers ran.
        if self._member is member and member.engine.handles(topic):
            try:
                await self._join(topic)
            except InfrastructureError:
                # Who subscribed it does not wait any more.
                logger.exception("%s: subscribe %s", self._describe(), topic)

    async def lag(self) -> dict[str, int]:
        """Return for each topic of the group how many messages it has not finished.

        Those of which it has committed something, and those that are subscribed here: in a partition
        where the group has not begun, all that is there waits for it.
        """
        self._check("lag")
        group, topics = self._settings.group, self._topics

        if group is None or topics is None:
            return {}

        async with Limit("lag", self._deadline):
            return await topics.lag(group, self._joined)

    async def _close(self) -> None:
        await super()._close()

        if self._member is not None:
            await self._member.leave()

        if self._publisher is not None:
            await self._publisher.flush()

    def _abort(self) -> None:
        super()._abort()
        member, self._member = self._member, None
        publisher, self._publisher = self._publisher, None
        worker, self._worker = self._worker, None
        self._topics = None

        if member is not None:
            member.abort()

        if publisher is not None:
            publisher.close()

        if worker is not None:
            worker.end_thread()

    def _abandon(self) -> None:
        super()._abandon()
        threads = (self._member, self._publisher, self._worker)

        if self._pid != os.getpid():
            # To end them would wait for threads that this process has not.
            _FOREIGN.append((threads, self._topics))
        else:
            for each in threads:
                if each is not None:
                    each.end_thread()

        self._member = self._publisher = self._worker = self._topics = None


def _has_answered(client: Any) -> bool:
    try:
        return client.cluster_id(_LOOK) is not None
    except KafkaException:
        # Not yet; what hinders it is told to the one who polls.
        return False
