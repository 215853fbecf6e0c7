"""Opens a link: the socket, TLS, and one round trip in which the server learns who we are."""

from __future__ import annotations

import asyncio
import math
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from ..._core.errors import translated
from ..._core.secrets import Secret
from ...interfaces.exceptions import ConfigurationError, ConnectionError
from ._link import Link
from ._replies import without_arguments
from ._signals import Lost, Refused
from ._sinks import Command
from .errors import CONNECT_ERRORS, refusal

__all__ = ["Dialer", "Ears", "Peer", "Tracking", "show"]

Tracking = Literal["all", "asked", "none"]

Peer = tuple[str, int] | str
"""Host and port, or the path of a Unix socket."""

_PLAIN = "; if the port wants TLS, say rediss://"


@dataclass(frozen=True, slots=True)
class Ears:
    """Who hears what a link says by itself: that it broke, that it owes an answer, a push frame."""

    lost: Callable[[Link], None]
    silent: Callable[[Link], None]
    push: Callable[[list[Any]], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Dialer:
    """Opens links of one kind: data links, or those to the sentinels.

    ``tracking``  ``"all"``: the server tells what it changes of every key read on the link;
                  ``"asked"``: of those for which CLIENT CACHING YES was sent before.
    ``primary``   whether only a server will do that says that it is one.
    """

    deadline: float
    user: str | None = None
    password: Secret | None = None
    database: int = 0
    client_name: str | None = None
    tls: ssl.SSLContext | None = None
    tracking: Tracking = "asked"
    primary: bool = False

    async def dial(self, address: Peer, ears: Ears) -> Link:
        """Return an open link, or raise ``ConnectionError`` or ``ConfigurationError``."""
        name = show(address)
        link = Link(name, self.deadline, lost=ears.lost, silent=ears.silent, push=ears.push)

        try:
            with translated(CONNECT_ERRORS, f"connect to {name}"):
                await self._connect(address, link)

            await self._greet(link)
        except BaseException:
            link.close()
            raise

        return link

    async def _connect(self, address: Peer, link: Link) -> None:
        loop = asyncio.get_running_loop()

        if isinstance(address, str):
            await loop.create_unix_connection(lambda: link, address)
            return

        host, port = address
        transport, _ = await loop.create_connection(
            lambda: link, host, port, ssl=self.tls, server_hostname=host if self.tls else None
        )
        _tune(transport.get_extra_info("socket"))

    async def _greet(self, link: Link) -> None:
        """Say all at once: it is one round trip, and what fails is told by its own reply."""
        steps = self._say(link)

        try:
            replies = await asyncio.gather(*(step.reply for step in steps))
        except Lost as lost:
            raise _hung_up(link, steps, "" if self.tls else _PLAIN) from lost

        for step, reply in zip(steps, replies, strict=True):
            if step.needed and isinstance(reply, Refused):
                raise _refused(link, step.name, reply)

            # Where it may not be asked it is believed.
            if step.name == "ROLE" and isinstance(reply, list) and reply[0] != b"master":
                msg = f"connect to {link.name}: it is a replica; a failover is under way"
                raise ConnectionError(msg, outcome="not_applied", operation="connect")

        link.tracks = self.tracking != "none" and not isinstance(replies[-1], Refused)

    def _say(self, link: Link) -> list[_Step]:
        if link.error is not None:
            raise _hung_up(link, ())

        # Without the deadline of a call: how long an attempt may take is the line's to say.
        return [
            _Step(str(command[0]), needed, link.send(command, math.inf))
            for command, needed in self._steps()
        ]

    def _steps(self) -> list[tuple[Command, bool]]:
        """Return the commands, each with whether the link is of no use without it."""
        hello: list[str | bytes | int] = ["HELLO", 3]

        if self.user is not None or self.password is not None:
            # A user may have no password: without a word the server would take us for another.
            secret = "" if self.password is None else self.password.reveal()
            hello += ["AUTH", self.user or "default", secret]

        if self.client_name:
            hello += ["SETNAME", self.client_name]

        steps: list[tuple[Command, bool]] = [(tuple(hello), True)]

        if self.database:
            steps.append((("SELECT", self.database), True))

        steps.append((("CLIENT", "SETINFO", "LIB-NAME", "infrastructure"), False))

        if self.primary:
            steps.append((("ROLE",), False))

        if self.tracking != "none":
            opted = ("OPTIN",) if self.tracking == "asked" else ()
            steps.append((("CLIENT", "TRACKING", "ON", *opted), self.tracking == "all"))

        return steps


def show(address: Peer) -> str:
    """Return an address as people write it."""
    return address if isinstance(address, str) else f"{address[0]}:{address[1]}"


@dataclass(frozen=True, slots=True)
class _Step:
    """A command of the handshake by its name only: a password may be among its other words."""

    name: str
    needed: bool
    reply: asyncio.Future[Any]


def _hung_up(link: Link, steps: Sequence[_Step], hint: str = "") -> Exception:
    """Return why the server closed the connection: one that is full says so before."""
    if isinstance(link.error, Refused):
        return _refused(link, "HELLO", link.error)

    for step in steps:
        if step.reply.exception() is None and isinstance(step.reply.result(), Refused):
            return _refused(link, step.name, step.reply.result())

    msg = f"connect to {link.name}: the connection was lost in the handshake: {link.error}{hint}"
    return ConnectionError(msg, outcome="not_applied", operation="connect")


def _refused(link: Link, command: str, reply: Refused) -> Exception:
    tried = f"connect to {link.name}, {command}"
    error: Exception = refusal(reply, tried, "connect")

    if reply.code in ("NOPROTO", "ERR") and "unknown command" in str(reply).lower():
        msg = (
            f"{tried}: the server does not speak RESP3 (Redis 6 and Valkey do); "
            'for an older one or a proxy before it use mode="pooled"'
        )
        error = ConfigurationError(msg, operation="connect")

    # Some servers repeat the words of the command, a password among them.
    error.__cause__ = Refused(without_arguments(str(reply)))
    return error


def _tune(sock: socket.socket | None) -> None:
    """Send small requests at once, and notice a peer that is gone, idle links too."""
    if sock is None:
        return

    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    # Not every system has them, and none needs them.
    for name, value in (("TCP_KEEPIDLE", 15), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
        with suppress(AttributeError, OSError):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
