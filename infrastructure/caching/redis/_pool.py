"""The connections to one server in the pooled mode: redis-py's blocking pool, with our rules."""

from __future__ import annotations

import asyncio
import builtins
import random
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider

from ..._core.deadline import Limit
from ..._core.errors import translated
from ..._core.secrets import Secret
from ...interfaces.exceptions import InfrastructureError
from ._dial import Dialer, Peer, show
from ._pool_wire import TcpWire, UnixWire, Wire
from ._request import Request
from ._signals import Lost, NotSent, Refused
from ._sinks import Command
from .errors import CONNECT_ERRORS, DRIVER_ERRORS

__all__ = ["Asking", "Pool"]

_ATTEMPT = 1.0
"""Seconds that one attempt to connect may take: a place in the pool is not held for longer."""

_PACE = 0.02
"""Seconds, the first step of the back-off between two attempts."""

_SLOWEST = 0.25
"""Seconds, the last step of it."""

_LOST = tuple(DRIVER_ERRORS)


@dataclass(slots=True)
class Asking:
    """How far an exchange has come.

    ``limit``  what ends it; its outcome is ``"unknown"`` once something may have been sent.
    ``waits``  whether it waits for a place in the pool.
    """

    limit: Limit
    waits: bool = False


class _Account(CredentialProvider):
    """Says to redis-py who we are, anew for each connection."""

    def __init__(self, user: str | None, password: Secret) -> None:
        self._user = user
        self._password = password

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        """Return the password, or user and password."""
        secret = self._password.reveal()
        return (secret,) if self._user is None else (self._user, secret)

    async def get_credentials_async(self) -> tuple[str] | tuple[str, str]:
        """Return the same: the driver's own complains in the log that it is not overridden."""
        return self.get_credentials()


class Pool:
    """At most ``size`` connections to ``address``.

    A call has a connection to itself. For ``bridge`` seconds after one was lost, new ones are
    tried again and again: a restart is no outage.
    """

    def __init__(self, address: Peer, dialer: Dialer, size: int, bridge: float) -> None:
        self.size = size
        self.is_closed = False
        self.losses = 0
        """How many connections the server closed or lost."""
        self._name = show(address)
        self._bridge = bridge
        self._bridged_until = 0.0
        self._attempts: set[asyncio.Timeout] = set()
        self._wires: weakref.WeakSet[Wire] = weakref.WeakSet()
        # Before the driver's own waiting, which forgets a caller whose predecessor was cancelled
        # as he was woken: asyncio.Condition loses the notification until Python 3.13.
        self._places = asyncio.Semaphore(size)
        self._connections: BlockingConnectionPool = BlockingConnectionPool(
            max_connections=size, timeout=None, keeper=self, **_settings(address, dialer)
        )

    async def ask(
        self, requests: Sequence[Request], asking: Asking, *, redirected: bool = False
    ) -> list[Any]:
        """Send all on one connection and return their replies, a ``Refused`` where it is an error.

        ``redirected``: the server must be told that another one sent us. Raises ``NotSent`` when
        the pool is closed, ``Lost`` when the connection broke, and ours when there is none.
        """
        asking.waits = True

        async with self._places:
            asking.waits = False
            wire = await self._connected()

            try:
                asking.limit.outcome = "unknown"
                return await _exchange(wire, requests, redirected)
            except _LOST as exc:
                self.lost()
                raise Lost(asking.limit.expires, exc) from exc
            finally:
                # What did not end well was disconnected by redis-py: see Wire.
                await self._connections.release(wire)

    async def _connected(self) -> Wire:
        failures = 0

        while not self.is_closed:
            try:
                if (wire := await self._attempt()) is not None:
                    return wire
            except InfrastructureError as exc:
                if not exc.retryable or monotonic() >= self._bridged_until:
                    raise

            failures += 1
            longest = min(_SLOWEST, _PACE * 2 ** min(failures, 10))
            await asyncio.sleep(random.uniform(_PACE, longest))  # noqa: S311 - no secret

        raise NotSent

    async def _attempt(self) -> Wire | None:
        """Return a connection, ``None`` when that took too long."""
        try:
            async with asyncio.timeout(_ATTEMPT) as attempt:
                self._attempts.add(attempt)

                try:
                    with translated(CONNECT_ERRORS, f"connect to {self._name}"):
                        return await self._connection()
                finally:
                    self._attempts.discard(attempt)
        except builtins.TimeoutError:
            return None

    async def _connection(self) -> Wire:
        try:
            wire: Wire = await self._connections.get_connection()  # type: ignore[no-untyped-call]
        except _LOST as exc:
            # The password is in the driver's frames, and reports of an error show these.
            raise exc.with_traceback(None) from None

        return wire

    async def drained(self) -> None:
        """Return when all that is under way is answered; take all places."""
        for _ in range(self.size):
            await self._places.acquire()

    def made(self, wire: Wire) -> None:
        """Keep an eye on a new connection."""
        self._wires.add(wire)

    def lost(self) -> None:
        """Note that a connection broke, or was found to be closed by the server."""
        self.losses += 1
        self._bridged_until = monotonic() + self._bridge

    def close(self) -> None:
        """Close all connections at once; what is under way gets ``Lost`` or ``NotSent``."""
        self.is_closed = True
        self._bridged_until = 0.0

        for attempt in self._attempts:
            # One that has expired this moment cannot be told so again.
            if not attempt.expired():
                attempt.reschedule(0)

        for wire in self._wires:
            wire.abort()

        # `drained` took the places for good: who tries again, or waits, is to hear of the end.
        for _ in range(self.size):
            self._places.release()

    def abandon(self) -> None:
        """Forget the connections of a closed loop or a parent process, without touching them."""
        self.is_closed = True

        for wire in self._wires:
            wire.abandon()


async def _exchange(wire: Wire, requests: Sequence[Request], redirected: bool) -> list[Any]:
    commands, ends = _commands(requests, redirected)
    replies = await wire.exchange(commands)
    mine = [replies[end] for end in ends]

    if not all(map(_fits, requests, mine)):
        # A byte was lost on the way: what comes next is not to be believed either.
        wire.abort()

    return mine


def _commands(requests: Sequence[Request], redirected: bool) -> tuple[list[Command], list[int]]:
    """Return what is sent, and where in it each request's own command stands."""
    commands: list[Command] = []
    ends: list[int] = []

    for request in requests:
        for command in (request.lead, request.command):
            if command is not None:
                # ASKING holds for one command only.
                commands += (("ASKING",), command) if redirected else (command,)

        ends.append(len(commands) - 1)

    return commands, ends


def _fits(request: Request, reply: Any) -> bool:
    return isinstance(reply, Refused) or request.fits(reply)


def _settings(address: Peer, dialer: Dialer) -> Mapping[str, Any]:
    """Return what redis-py is to do on each connection, and above all what it is not to do."""
    place = (
        {"connection_class": UnixWire, "path": address}
        if isinstance(address, str)
        else {
            "connection_class": TcpWire,
            "host": address[0],
            "port": address[1],
            "tls": dialer.tls,
        }
    )
    user, password = dialer.user, dialer.password

    if user is not None and password is None:
        # A user may have none: without a word the server would take us for another.
        password = Secret("")

    return {
        **place,
        "db": dialer.database,
        "client_name": dialer.client_name,
        "credential_provider": None if password is None else _Account(user, password),
        # For older servers and proxies too; and nothing comes that was not asked for.
        "protocol": 2,
        # The deadline is ours. With its own time-outs the driver loses cancellations on Python
        # 3.11, and with its own retries it repeats writes.
        "socket_timeout": None,
        "socket_connect_timeout": None,
        "retry": Retry(NoBackoff(), 0),
        "health_check_interval": 0,
    }
