"""The messaging interface: what every message broker of the infrastructure can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType, TracebackType
from typing import Any, Optional, Self, Union

from ._context import message_infos
from ._several import at_position, several
from .exceptions import InfrastructureError, OperationError

__all__ = [
    "Message",
    "MessageInfo",
    "MessagingInterface",
    "current_message",
    "current_messages",
]


@dataclass(frozen=True)
class Message:
    """A payload to publish together with its key and its headers.

    ``payload``  any value of the types that a cache takes (see ``CachingInterface``).
    ``key``      messages of one key are handled one after another, in publish order;
                 a message without key is ordered with nothing. Not empty, at most 64 KiB.
    ``headers``  ``str`` to ``str``.

    Encoded, all three take at most 900 KiB, unless a backend is told otherwise.
    """

    payload: Any
    key: Optional[str] = None
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class MessageInfo:
    """What a handler may know of the message that it handles, beside its payload.

    ``key``        as published; bytes from elsewhere that are not UTF-8 stay ``bytes``.
    ``headers``    as published; foreign bytes stay ``bytes``. Those of a dead letter tell its
                   origin, their names begin with ``infrastructure-``.
    ``id``         the same for every delivery of one message, different for any other.
    ``timestamp``  when it was published, aware, in UTC; ``None`` where nobody noted it.
    ``attempt``    1 for the first call of this handler with it, counting only those that count.
    """

    topic: str
    key: Union[str, bytes, None]
    headers: Mapping[str, Union[str, bytes]]
    id: str
    timestamp: Optional[datetime]
    attempt: int


class MessagingInterface(ABC):
    """Publish and subscribe, at least once, ordered by key.

    **Topics** are ``[A-Za-z0-9._-]{1,249}``, not ``.`` or ``..``; anything else raises
    ``ValidationError``. **Payloads** keep their exact type, see ``CachingInterface``.

    **Delivery** is at least once for each group: duplicates are possible, loss is not.
    An instance belongs to one group: instances of one group compete for the messages,
    different groups each get them all.

    **Every method** but ``connect``, ``disconnect`` and ``subscribe`` raises
    ``ConnectionError`` before ``connect``, after ``disconnect`` and when the broker is
    lost; ``TimeoutError`` when its deadline passes; ``ConfigurationError`` in another
    event loop or process than the one that connected. Concurrent calls are safe.
    """

    @abstractmethod
    async def connect(self) -> None:
        """Connect to the message broker, and start the subscriptions made before.

        Idempotent; concurrent calls share one attempt. A failed attempt leaves nothing
        behind. Raises ``ConnectionError`` when the broker cannot be reached,
        ``ConfigurationError`` when the settings are wrong.
        """

    @abstractmethod
    async def disconnect(self) -> None:
        """Disconnect from the message broker.

        Stops fetching, lets running handlers finish, acknowledges what they finished and
        leaves the group; what is still running after the drain time is cancelled and not
        acknowledged. Idempotent, safe before ``connect``, never hangs; ``connect`` works
        again afterwards and brings the subscriptions back. Called by a handler it does not
        wait for that one.
        """

    @abstractmethod
    async def publish(self, topic: str, message: Any) -> None:
        """Publish ``message`` on ``topic``; return when the broker has durably accepted it.

        ``message`` is a ``Message``, or a payload without key and headers. One task's
        publishes to one key keep their order. ``outcome="not_applied"`` on an error means
        it was not and will not be sent; ``"unknown"`` that the answer was lost.
        """

    @abstractmethod
    async def subscribe(self, topic: str, handler: Callable[[Any], Awaitable[None]]) -> None:
        """Call ``handler`` with the payload of every message of ``topic``.

        Returning acknowledges the message. A raised error retries it and in the end moves
        it to the dead letters; an outage (``ConnectionError``, ``ConfigurationError``,
        whatever is ``retryable``) is waited out. Cancellation never acknowledges.
        Several handlers on a topic each get each message; the same handler twice is once.
        Before ``connect`` it is remembered; after it, returns when a message published
        from now on is sure to reach the group.
        """

    @abstractmethod
    async def unsubscribe(self, topic: str) -> None:
        """End all handlers of ``topic``: wait for those that run, acknowledge, forget.

        A topic without subscription: no effect. Called by a handler it does not wait for that
        one.
        """

    async def publish_many(self, topic: str, messages: Iterable[Any]) -> None:
        """Publish each of ``messages`` in order; one text is no messages.

        Not atomic: an error tells by ``row_index`` (0-based) which message it stopped at.
        """
        for position, message in enumerate(several(messages, "messages")):
            try:
                await self.publish(topic, message)
            except InfrastructureError as exc:
                at_position(exc, position)
                raise

    async def subscribe_batch(
        self,
        topic: str,
        handler: Callable[[list[Any]], Awaitable[None]],
        max_messages: int = 500,
        max_wait: float = 0.05,
    ) -> None:
        """Call ``handler`` with a list of payloads, in order for each key.

        A list holds at most ``max_messages`` payloads, and is handed over at the latest
        ``max_wait`` seconds after its first one came. Returning acknowledges all of it; an
        error retries the batch once, then its messages one by one. This inherited form
        gives lists of one.
        """
        await self.subscribe(topic, _ListOfOne(handler))

    async def __aenter__(self) -> Self:
        """Connect."""
        await self.connect()
        return self

    async def __aexit__(
        self,
        exc_type: Optional[type[BaseException]],
        exc: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        """Disconnect."""
        await self.disconnect()


@dataclass(frozen=True)
class _ListOfOne:
    """Calls a batch handler with one payload; equal to another one of the same handler."""

    handler: Callable[[list[Any]], Awaitable[None]]

    async def __call__(self, payload: Any) -> None:
        await self.handler([payload])


def current_messages() -> tuple[MessageInfo, ...]:
    """Return what is known of the messages that the calling handler handles.

    In the order of the list that a batch handler got. Raises ``OperationError`` outside
    a handler.
    """
    infos = message_infos.get()

    if infos is None:
        msg = "current_message() tells of the message being handled; no handler is running here"
        raise OperationError(msg)

    return infos()


def current_message() -> MessageInfo:
    """Return what is known of the one message that the calling handler handles.

    Raises ``OperationError`` outside a handler, and in a batch of several messages.
    """
    infos = current_messages()

    if len(infos) != 1:
        msg = f"this handler has a batch of {len(infos)} messages: use current_messages()"
        raise OperationError(msg)

    return infos[0]
