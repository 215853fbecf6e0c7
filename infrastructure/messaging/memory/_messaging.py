"""MemoryMessaging: publish and subscribe inside one process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from threading import get_ident
from typing import Any, Unpack

from ..._core.deadline import Limit, open_instant, refuse_when_expired
from ...interfaces._several import at_position, several
from ...interfaces.exceptions import (
    ConnectionError,
    InfrastructureError,
    TimeoutError,
)
from .._delivery import DeliveryEngine
from .._messaging import EngineMessaging
from .._options import DeliveryKeywords
from .._payloads import Packer
from ._broker import broker_of
from ._member import Member
from ._settings import read_settings
from ._topic import Topic

__all__ = ["MemoryMessaging"]

# Publishers let the loop turn after half a millisecond or so, or nobody else would come to run: so
# many messages, each of which counts once more for every 256 bytes.
_TURN = 512
_UNIT = 8


class MemoryMessaging(EngineMessaging):
    """Messaging without a server: the rules of a broker, inside one process.

    ``memory://`` is private to its instance; ``memory://name`` is shared by all instances
    of that name in the process. Each topic has four partitions, so up to four instances of
    a group share its messages.

    ``group_id``  instances of one group compete; ``None``: the group ``default``.
    ``retain``    messages of each topic that are kept for groups to come; a new group begins
                  with them, without any at its subscription.
    ``max_log``   messages of a topic, unfinished by some group, before ``publish`` waits.
    ``deadline``  seconds for each call; 10 unless set otherwise.

    Every option but ``clock`` and ``reject_on`` may stand in the URL: ``memory://?retain=10``.
    The rest is how messages are handed to handlers: see ``DeliveryOptions``. Messages live
    as long as the instances: nothing survives the process. A group that disconnected finds
    what was published meanwhile, as long as any instance of the broker lives.
    """

    def __init__(
        self,
        url: str = "memory://",
        *,
        group_id: str | None = None,
        retain: int = 0,
        max_log: int = 10_000,
        deadline: float | None = None,
        **delivery: Unpack[DeliveryKeywords],
    ) -> None:
        settings = read_settings(
            MemoryMessaging,
            url,
            group_id=group_id,
            retain=retain,
            max_log=max_log,
            deadline=deadline,
            **delivery,
        )
        self._name = settings.name
        super().__init__(settings.delivery, deadline=settings.deadline)
        self._pack = Packer(self._options, in_process=True).pack
        self._broker = broker_of(self._name)
        self._topic = self._broker.topic
        self._broker.configure(max_log=settings.max_log, retain=settings.retain)
        self._group = self._broker.group(settings.group)
        self._member: Member | None = None
        self._instance = object()
        self._left = _TURN
        self._blocked: set[asyncio.Future[None]] = set()

    def _describe(self) -> str:
        return f"MemoryMessaging memory://{self._name}"

    async def publish(self, topic: str, message: Any) -> None:
        """Publish; returns when the broker has it, waits for room in the log until then."""
        # As in _check, but a handler may publish while disconnect waits for it.
        if (self._thread != get_ident() or not self._is_running()) and not self._finishing():
            self._refuse("publish")

        if open_instant() is not None:
            refuse_when_expired("publish")

        log = self._topic(topic)
        key, payload, headers, encoding, size = self._pack(message)
        self._left -= 1 + (size >> _UNIT)

        if self._left < 0 or log.is_crowded:
            await self._take_turn(log)

        log.append(key, payload, headers, encoding, size)

    async def publish_many(self, topic: str, messages: Iterable[Any]) -> None:
        """Publish each of ``messages`` in order; see ``MessagingInterface``."""
        self._check_many()
        log, pack = self._broker.topic(topic), self._pack

        for position, message in enumerate(several(messages, "messages")):
            try:
                packed = pack(message)
                self._left -= 1 + (packed[-1] >> _UNIT)

                if not position or self._left < 0 or log.is_crowded:
                    await self._take_turn(log)
                    self._check_many()
            except InfrastructureError as exc:
                at_position(exc, position)
                raise

            log.append(*packed)

    def _check_many(self) -> None:
        if self._finishing():
            refuse_when_expired("publish_many")
        else:
            self._check("publish_many")

    async def _take_turn(self, log: Topic) -> None:
        self._left = _TURN

        if not log.is_crowded:
            await asyncio.sleep(0)

        if not log.is_crowded:
            return

        try:
            async with Limit("publish", self._deadline):
                await log.wait_for_room(self._blocked)
        except TimeoutError as exc:
            msg = (
                f"publish: no room in {log.name} by the deadline: group {log.slowest()!r} has not "
                f"finished {log.held} messages. Handle them faster, unsubscribe, or raise max_log="
            )
            raise TimeoutError(
                msg, outcome="not_applied", retryable=True, operation="publish"
            ) from exc

    async def _open(self) -> None:
        self._broker.enter(self._instance)
        self._member = Member(self._broker, self._group, self._make_engine)
        self._begin(self._member.engine)
        await self._engage_all()

    def _make_engine(self, member: Member) -> DeliveryEngine:
        return DeliveryEngine(
            member,
            group=self._group.name,
            owner=self._describe(),
            clock=self._options.clock,
            # Nothing is saved by committing less often, and publishers wait for the room.
            commit_interval=0.0,
        )

    async def _join(self, topic: str) -> None:
        if self._member is not None:
            self._group.join(self._broker.topic(topic), self._member, self._instance)

    async def _leave(self, topic: str, *, connected: bool) -> None:
        log, member = self._broker.topic(topic), self._member

        if connected and member is not None:
            self._group.leave(log, member)

            # It was subscribed again while its last handlers ran.
            if member.engine.handles(topic):
                self._group.join(log, member, self._instance)

        if topic not in self._registered:
            self._group.forget(log, self._instance)

    def _abort(self) -> None:
        super()._abort()
        member, self._member = self._member, None

        if member is not None:
            for log in self._broker.topics():
                self._group.leave(log, member)

        self._broker.leave(self._instance)

        for future in self._blocked:
            if not future.done():
                msg = (
                    f"publish: {self._describe()} was closed by disconnect() before there was room"
                )
                future.set_exception(
                    ConnectionError(msg, outcome="not_applied", operation="publish")
                )

    def _abandon(self) -> None:
        super()._abandon()
        self._member = None
        self._blocked.clear()
