"""What every messaging backend on the delivery engine shares: subscriptions, and a safe end."""

from __future__ import annotations

import asyncio
import builtins
import time
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from inspect import Signature
from types import TracebackType
from typing import Any, ClassVar, Unpack

from .._core.deadline import Limit, expiry
from .._core.lifecycle import Lifecycle
from .._core.names import check_topic
from .._core.tasks import Tasks, start_task
from ..interfaces.exceptions import ConnectionError
from ..interfaces.messaging import MessagingInterface
from ._batches import BatchSize
from ._delivery import DeliveryEngine
from ._options import DeliveryKeywords, DeliveryOptions
from ._registrations import Registration, check_subscription
from ._subscriptions import Handler
from ._url_options import full_signature
from ._watch import calling, waiting

__all__ = ["EngineMessaging"]

# Seconds for joining a group.
_SUBSCRIBE = 30.0

# Seconds to commit and leave after a drain, and a drain's least where the deadline has passed.
_MARGIN = 2.0
_LEAST_DRAIN = 0.4

# Seconds to leave when the body of an ``async with`` was cancelled.
_FORCED = 0.9


class EngineMessaging(Lifecycle, MessagingInterface):
    """A backend that hands its records to the delivery engine.

    It makes ``_engine`` in ``_open``, calls ``_engage_all`` there, and says how to join
    and leave the group of a topic.
    """

    _default_deadline: ClassVar[float | None] = 10.0
    __signature__: ClassVar[Signature]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        # What help() shows, and whoever opens by URL reads: each option by its name.
        cls.__signature__ = full_signature(cls.__init__)

    def __init__(self, options: DeliveryOptions, *, deadline: float | None) -> None:
        super().__init__(deadline=deadline)
        self._options = options
        self._registered: dict[str, list[Registration]] = {}
        self._engine: DeliveryEngine | None = None
        self._engaged: set[Registration] = set()
        # Those whose dead-letter topics somebody just looks for.
        self._preparing: dict[Registration, asyncio.Future[None]] = {}
        # The tasks of unsubscribe; an old connection's may still run when a new one is made.
        self._endings: dict[tuple[DeliveryEngine, str], asyncio.Task[None]] = {}
        self._background = Tasks(self._describe())
        self._drain = options.drain_timeout
        self._close_within = options.drain_timeout + _MARGIN

    @abstractmethod
    async def _join(self, topic: str) -> None:
        """Have the messages of ``topic`` delivered from now on; once more has no effect."""

    async def _join_all(self, topics: Sequence[str]) -> None:
        """Join several topics; where that is cheaper than one after the other, do it so."""
        for topic in topics:
            await self._join(topic)

    @abstractmethod
    async def _leave(self, topic: str, *, connected: bool) -> None:
        """Give ``topic`` up; where it is ``_registered`` again, begin afresh with it.

        ``connected``: else the instance has left the group with all its topics meanwhile.
        """

    async def subscribe(
        self,
        topic: str,
        handler: Callable[[Any], Awaitable[None]],
        **overrides: Unpack[DeliveryKeywords],
    ) -> None:
        """Call ``handler`` with every message; ``overrides`` are options for it alone.

        Where the same handler is subscribed twice, what was said first counts.
        """
        await self._subscribe(topic, handler, None, overrides)

    async def subscribe_batch(
        self,
        topic: str,
        handler: Callable[[list[Any]], Awaitable[None]],
        max_messages: int = 500,
        max_wait: float = 0.05,
        **overrides: Unpack[DeliveryKeywords],
    ) -> None:
        """Call ``handler`` with lists of messages; ``overrides`` are options for it alone."""
        await self._subscribe(topic, handler, BatchSize(max_messages, max_wait), overrides)

    async def _subscribe(
        self, topic: str, handler: Handler, batch: BatchSize | None, overrides: Mapping[str, Any]
    ) -> None:
        options = self._options.override(overrides)
        check_subscription(topic, handler, options)

        # It has engaged what was registered, and in the next turn of the loop we are connected.
        if self._opening is not None and self._opening.done():
            await asyncio.sleep(0)

        # Before connect, or while connecting or disconnecting: connect engages it.
        if self._live is not None:
            self._check("subscribe")

        registration = self._register(topic, Registration(handler, options, batch))

        # Where it is remembered only, that counts for good: whoever fails later does not take it back.
        registration.asking += 1

        if self._live is None:
            return

        with waiting():
            try:
                async with Limit("subscribe", _SUBSCRIBE) as limit:
                    await self._prepare(topic, registration)
                    # From now on it stays, whoever gives up to wait for it.
                    limit.outcome = "unknown"

                    if self._engine is not None and self._registered.get(topic):
                        await self._join(topic)
            except BaseException:
                if registration.asking == 1 and registration not in self._engaged:
                    self._forget(topic, registration)

                raise
            finally:
                registration.asking -= 1

    def _register(self, topic: str, registration: Registration) -> Registration:
        """Return the registration of that handler, which may be there already."""
        known = self._registered.setdefault(topic, [])

        for each in known:
            if each.handler == registration.handler:
                return each

        known.append(registration)
        return registration

    def _forget(self, topic: str, registration: Registration) -> None:
        known = self._registered.get(topic, [])

        # It may have been unsubscribed meanwhile.
        if registration in known:
            known.remove(registration)

            if not known:
                del self._registered[topic]

    async def _engage_all(self) -> None:
        # Handlers may be added while this waits; the last look is followed by no wait.
        while waiting_topics := [
            topic
            for topic, known in self._registered.items()
            if not self._engaged.issuperset(known)
        ]:
            for topic in waiting_topics:
                await self._prepare(topic, *self._registered.get(topic, ()))

            await self._join_all([each for each in waiting_topics if self._registered.get(each)])

    async def _prepare(self, topic: str, *registrations: Registration) -> None:
        """Give the engine these handlers of ``topic``, as far as it has not got them yet."""
        engine = self._engine

        if engine is None:
            return

        for registration in registrations:
            # Who joins before the engine has it would get nothing; and the other may give up.
            while preparing := self._preparing.get(registration):
                await asyncio.wait({preparing})

            if registration not in self._engaged:
                await self._engage(engine, topic, registration)

    async def _engage(self, engine: DeliveryEngine, topic: str, registration: Registration) -> None:
        under_way = self._preparing
        prepared = under_way[registration] = asyncio.get_running_loop().create_future()

        try:
            await engine.prepare(topic, registration.options)
        finally:
            del under_way[registration]
            prepared.set_result(None)

        # It may have been unsubscribed meanwhile.
        if self._engine is engine and registration in self._registered.get(topic, ()):
            self._engaged.add(registration)
            engine.subscribe(topic, registration.handler, registration.options, registration.batch)

    async def unsubscribe(self, topic: str) -> None:
        """End all handlers of ``topic``; see ``MessagingInterface``."""
        self._check("unsubscribe")
        self._engaged.difference_update(self._registered.pop(check_topic(topic), ()))
        engine = self._engine

        # At once: what is subscribed from now on is another subscription.
        if engine is None:
            return

        engine.end(topic)

        if not engine.is_ending(topic):
            return

        within = self._options.drain_timeout

        with waiting() as caller:
            ending = self._end_of(engine, topic)

            async with Limit("unsubscribe", within + _MARGIN, outcome="unknown"):
                await engine.until(
                    lambda: ending.done() or (caller is not None and engine.is_resting(topic)),
                    within + _MARGIN,
                )

        if ending.done():
            ending.result()

    def _end_of(self, engine: DeliveryEngine, topic: str) -> asyncio.Task[None]:
        """Return the task that ends ``topic``, one for all who wait for it."""
        ending = self._endings.get((engine, topic))

        if ending is None:
            ending = self._background.start(self._end(engine, topic), f"unsubscribe {topic}")
            ending.add_done_callback(lambda _: engine.look_again())
            self._endings[engine, topic] = ending

        return ending

    async def _end(self, engine: DeliveryEngine, topic: str) -> None:
        try:
            # Again where it was subscribed and unsubscribed once more while we left.
            while engine.is_ending(topic):
                await engine.ended(topic, self._options.drain_timeout)
                await self._leave(topic, connected=self._engine is engine)
        finally:
            del self._endings[engine, topic]

    async def connect(self) -> None:
        """Connect; see ``MessagingInterface``. Not from a handler that a disconnect waits for."""
        if self._finishing():
            msg = (
                f"connect: the disconnect of {self._describe()} waits for this handler; "
                "connect again when the handler has returned"
            )
            raise ConnectionError(msg, outcome="not_applied", operation="connect")

        await super().connect()

    async def disconnect(self) -> None:
        """Disconnect; from inside a handler, return when all others are done."""
        self._drain = min(self._drain, max(_LEAST_DRAIN, expiry(None) - time.monotonic()))
        engine = self._engine

        with waiting() as caller:
            if caller is None or engine is None:
                await self._hurry()
                await super().disconnect()
                return

            # Now: the handler may return before the end has begun, and another one follow it.
            engine.halt()
            # The end waits for the calling handler too, so this cannot wait for the end.
            closing = start_task(super().disconnect(), name=f"disconnect {self._describe()}")
            closing.add_done_callback(lambda _: engine.look_again())

            try:
                # It has begun when we return: connect() would find itself connected still.
                await asyncio.sleep(0)
                await engine.until(
                    lambda: closing.done() or engine.is_resting(), self._close_within + _MARGIN
                )
            except asyncio.CancelledError:
                closing.cancel()
                raise

    async def _hurry(self) -> None:
        """Where another disconnect is under way with more time than we have, give it ours."""
        engine, closing = self._engine, self._closing

        if engine is None or closing is None:
            return

        try:
            async with asyncio.timeout(self._drain + _MARGIN):
                await engine.drain(self._drain)
        except builtins.TimeoutError:
            # Nobody takes the last commit: what is under way is forced, as it would be by itself.
            closing.cancel()
        except asyncio.CancelledError:
            closing.cancel()
            raise

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Disconnect; without waiting for handlers when the body was cancelled."""
        if exc_type is not None and issubclass(exc_type, asyncio.CancelledError):
            self._drain, self._close_within = 0.0, _FORCED

            if self._closing is not None:
                self._closing.cancel()

        await self.disconnect()

    def _finishing(self) -> bool:
        """Return whether the caller is a handler that a disconnect is waiting for."""
        engine = self._engine
        return self._closing is not None and engine is not None and engine.owns(calling())

    def _begin(self, engine: DeliveryEngine) -> None:
        """Use ``engine`` for the connection that is being opened."""
        self._engine = engine
        self._engaged.clear()
        self._preparing = {}
        self._drain = self._options.drain_timeout
        self._close_within = self._drain + _MARGIN

    async def _close(self) -> None:
        if self._engine is not None:
            await self._engine.drain(self._drain)

    def _abort(self) -> None:
        engine, self._engine = self._engine, None

        if engine is not None:
            engine.close()

    def _abandon(self) -> None:
        # Its tasks belong to a loop that is gone: nothing of it may be touched.
        self._engine = None
