"""Which topics the driver of a consumer was told, and which assignments of the group are theirs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from time import monotonic

from confluent_kafka import KafkaException

from ..._core.tasks import logger
from ._worker import fail, give, post

__all__ = ["Naming"]

_PUT_OFF = 5.0
"""Seconds for which topics wait until the group has assigned those before, at most."""


class Naming:
    """Tells the driver topics, on the thread of the consumer.

    ``tell``      gives the driver topics, none: to leave the group; raises ``KafkaException``.
    ``assigned``  is called in place of an assignment where the driver will make none.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        tell: Callable[[Sequence[str]], None],
        assigned: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._tell = tell
        self._assigned = assigned
        self.is_settled = True
        """Whether the group has answered since topics were named."""
        # Named last, and whether the group has assigned them; it may refuse to.
        self._told: frozenset[str] = frozenset()
        self._is_assigned = False
        self._is_refused = False
        # Not told yet, since when, and to whom it is to be said when they are.
        self._waiting: tuple[list[str], float] | None = None
        self._answers: list[asyncio.Future[None]] = []
        # Those that no assignment has shown.
        self._unseen: frozenset[str] = frozenset()
        self._seen: frozenset[str] = frozenset()
        # How often topics were named, and up to which of them the group has assigned.
        self._count = 0
        self._answered = 0

    def put(self, topics: list[str], answer: asyncio.Future[None]) -> None:
        """Name these topics and no others when it is time; ``answer`` tells when the driver knows."""
        # The driver keeps topics back while the group assigns others, whose assignment would be
        # taken for theirs. Of several that wait here the last counts.
        since = monotonic() if self._waiting is None else self._waiting[1]
        self._waiting = topics, since
        self._answers.append(answer)

    def go_on(self, *, at_once: bool) -> None:
        """Tell what waits, if it is time for it."""
        if self._waiting is None:
            return

        topics, since = self._waiting

        if self.is_settled or not topics or at_once or monotonic() - since > _PUT_OFF:
            answers, self._answers, self._waiting = self._answers, [], None
            self._count += len(answers)
            self._name(topics, answers)

    def _name(self, topics: list[str], answers: list[asyncio.Future[None]]) -> None:
        before, named = self._told, frozenset(topics)

        if self._is_assigned and named == before:
            # Who was refused meanwhile names them once more: of what is assigned the driver tells nothing.
            self._assigned()
        elif not (named and named < before):
            self._is_assigned = False
            # Some refusals are told but once, perhaps before there was a topic.
            self.is_settled = self._is_refused or not topics
        # Of topics that are left out the driver may have no more than their names, and asks nobody then.

        try:
            self._tell(topics)
        except KafkaException as exc:
            self.is_settled = True

            for answer in answers:
                post(self._loop, fail, answer, exc)
        else:
            self._told = named
            # Who has no topics has no part in what the group assigns: the first ones are not kept back.
            added = named - before if before else frozenset()
            self._unseen = (self._unseen | added) & named
            self._seen &= named

            for answer in answers:
                post(self._loop, give, answer, None)

    def assigned(self, topics: Collection[str]) -> int:
        """Take note of an assignment that shows ``topics``; return which naming it is for."""
        unseen, self._unseen = self._unseen, frozenset()
        self._is_refused = False
        is_of_others = bool(unseen) and unseen.isdisjoint(topics)
        self._seen = self._told - unseen if is_of_others else self._told

        if is_of_others:
            # We got nothing of them, or it is for another member's sake that the group assigns: so
            # long the driver keeps topics back. Told now it does so in any case, and then asks again.
            self._tell_again()
        else:
            self.is_settled = self._is_assigned = True
            self._answered = self._count

        return self._answered

    def _tell_again(self) -> None:
        try:
            self._tell(sorted(self._told))
        except KafkaException as exc:
            # The driver says by itself what hinders it.
            logger.debug("the consumer says: %s", exc)

    def has_seen(self, topic: str) -> bool:
        """Return whether the group has assigned a topic that is named, to us or to others."""
        return topic in self._seen

    def lost(self) -> None:
        """Take note that what was assigned is somebody else's."""
        self._is_assigned = False

    def refused(self) -> None:
        """Take note that the group assigns nothing, as long as nobody changes a setting."""
        self.is_settled = self._is_refused = True
