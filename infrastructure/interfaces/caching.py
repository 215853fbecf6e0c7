"""The cache interface: what every cache of the infrastructure can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Optional, Self

from ._context import expiry
from ._flights import Flight, Flights
from ._several import mapped, several
from .exceptions import InfrastructureError

__all__ = ["CachingInterface", "escape_pattern"]


def escape_pattern(text: str) -> str:
    r"""Return the ``scan_keys`` pattern that matches exactly ``text``.

    Escapes ``* ? [ ] \`` with a backslash; ``escape_pattern("a*") + ":*"`` finds
    the keys that begin with ``a*:``.
    """
    return "".join("\\" + char if char in "*?[]\\" else char for char in text)


class CachingInterface(ABC):
    """A cache of values under string keys.

    **Keys** are non-empty ``str``, encodable in UTF-8 and at most 64 KiB then; they are
    never normalised. Anything else raises ``ValidationError``.

    **Values** keep their exact type: ``None, bool, int`` of any size, ``float`` (nan and
    infinities too), ``str, bytes, list, tuple, set, frozenset, dict`` with scalar keys,
    ``datetime`` (naive, or aware by a fixed offset or a ``ZoneInfo``), ``date, time,
    timedelta, Decimal, UUID``, nested. Anything else, and what encodes to more than
    16 MiB, raises ``ValidationError``.

    **Every method** but ``connect`` and ``disconnect`` raises ``ConnectionError`` before
    ``connect``, after ``disconnect`` and when the server is lost; ``TimeoutError`` when
    its deadline passes; ``ConfigurationError`` in another event loop or process than the
    one that connected. Concurrent calls are safe. ``asyncio.CancelledError`` passes
    through at once; a cancelled ``set`` or ``delete`` may or may not have happened.
    """

    @abstractmethod
    async def connect(self) -> None:
        """Connect to the cache server.

        Idempotent; concurrent calls share one attempt. A failed attempt leaves nothing
        behind. Raises ``ConnectionError`` when the server cannot be reached,
        ``ConfigurationError`` when the settings are wrong.
        """

    @abstractmethod
    async def disconnect(self) -> None:
        """Disconnect from the cache server.

        Idempotent, safe before ``connect`` and after a failed one; never hangs. What is
        in flight finishes or fails. ``connect`` works again afterwards.
        """

    @abstractmethod
    async def get(self, key: str) -> Optional[Any]:
        """Return the value of ``key``, or ``None`` when there is none.

        A stored ``None`` gives ``None`` too: ``exists`` tells them apart. The value is the
        caller's own copy. A stored value that cannot be decoded is an ``OperationError``,
        never a miss.
        """

    @abstractmethod
    async def set(self, key: str, value: Any, ttl: Optional[int] = None) -> None:
        """Store ``value`` under ``key``.

        ``ttl`` in seconds, 1 to 2**31-1; ``None`` stores without expiry and clears an
        earlier one; ``0`` means already expired: the key is gone. Negative, larger,
        ``bool`` or not an ``int``: ``ValidationError``.
        """

    @abstractmethod
    async def delete(self, key: str) -> bool:
        """Remove ``key``; return ``True`` exactly when a live key was removed."""

    @abstractmethod
    async def exists(self, key: str) -> bool:
        """Return whether ``key`` is live."""

    @abstractmethod
    async def ttl(self, key: str) -> Optional[int]:
        """Return the seconds until ``key`` expires, rounded up.

        A live key never shows 0. ``None`` when the key is missing or has no expiry:
        ``exists`` tells them apart.
        """

    @abstractmethod
    async def scan_keys(self, pattern: str) -> list[str]:
        r"""Return every live key that matches ``pattern``, once each, in no promised order.

        A glob over characters that must match the whole key, case-sensitively: ``*`` any
        run, ``?`` one character, ``[abc]``, ``[a-z]``, ``[^a]`` and ``[!a]`` a class,
        ``\`` escapes the next character. A malformed pattern (an unterminated or empty
        class, a final backslash) raises ``ValidationError``. A key that lives through
        the whole scan is in the answer. See ``escape_pattern``.
        """

    async def get_many(self, keys: Iterable[str]) -> dict[str, Any]:
        """Return the values of those ``keys`` that are there; one text is no keys.

        Not atomic. A failure raises with ``outcome="unknown"`` and ``failed_keys``.
        """
        found: dict[str, Any] = {}

        async def look(key: str) -> None:
            value = await self.get(key)

            if value is not None or await self.exists(key):
                found[key] = value

        await _each("get_many", list(several(keys, "keys")), look)
        return found

    async def set_many(self, mapping: Mapping[str, Any], ttl: Optional[int] = None) -> None:
        """Store every value of ``mapping`` as ``set`` does.

        Not atomic. A failure raises with ``outcome="unknown"`` and ``failed_keys``.
        """

        async def store(key: str) -> None:
            await self.set(key, mapping[key], ttl)

        await _each("set_many", list(mapped(mapping, "keys")), store)

    async def delete_many(self, keys: Iterable[str]) -> int:
        """Remove ``keys``; return how many live ones were removed; one text is no keys.

        Not atomic. A failure raises with ``outcome="unknown"`` and ``failed_keys``.
        """
        removed = 0

        async def remove(key: str) -> None:
            nonlocal removed
            removed += await self.delete(key)

        await _each("delete_many", list(several(keys, "keys")), remove)
        return removed

    async def get_or_set(
        self, key: str, factory: Callable[[], Awaitable[Any]], ttl: Optional[int] = None
    ) -> Any:
        """Return the value of ``key``; where it is missing, make it by ``factory`` and store it.

        ``factory`` is called once however many callers of this process wait; cancelling
        some of them, the first one too, touches only those. Its error reaches all who
        wait and is not cached. A stored ``None`` is a hit. It runs in a copy of its first
        caller's context, outside any transaction, as long as one of the waiters has time
        left. A ``set`` of the key meanwhile wins: the made value then goes to the
        waiters, not to the cache.
        """
        expires = expiry(None)
        found = await self.get_many([key])

        if key in found:
            return found[key]

        async def make(flight: Flight) -> Any:
            # Another flight may have ended between the look above and this one.
            again = await self.get_many([key])

            if key in again:
                return again[key]

            value = await factory()

            if not await self.exists(key):
                await self.set(key, value, ttl)

            return value

        flights: Flights = vars(self).setdefault("_infrastructure_flights", Flights())
        return await flights.run(key, make, expires)

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


async def _each(operation: str, keys: list[str], action: Callable[[str], Awaitable[None]]) -> None:
    """Run ``action`` for each key; the first error stops it and names the keys not done."""
    for position, key in enumerate(keys):
        try:
            await action(key)
        except InfrastructureError as exc:
            exc.operation = operation
            exc.failed_keys = tuple(keys[position:])

            if position:
                exc.outcome = "unknown"

            raise
