"""Where the keys are: on one server, behind sentinels or over a cluster; here, on one server."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from ..._core.deadline import open_instant
from ._dial import Dialer, Peer
from ._line import BRIDGE
from ._node import Node
from ._signals import NotSent, Refused
from ._sinks import Command, Lead

__all__ = ["Fixed", "Standalone", "Step", "Topology"]


@dataclass(frozen=True, slots=True)
class Step:
    """Where a refused request goes next; ``asking`` where the server must be told so first."""

    node: Node | None = None
    asking: bool = False
    pause: float = 0.0


class Topology(ABC):
    """Knows the primaries, and follows them when they change; listens to their lines.

    ``on_astray``  called with the name of a key and the command that was sent ahead of one for it,
                   when that was refused: its slot is moving.
    ``on_change``  called with the names of keys that a server reports as changed, in the order
                   of the stream; with ``None`` when reports may have been missed.
    """

    bridge: ClassVar[float] = BRIDGE
    is_clustered: ClassVar[bool] = False
    """Whether keys may move from one of the primaries to another."""

    def __init__(self, dialer: Dialer) -> None:
        self.on_astray: Callable[[str, Command], object] = _ignore
        self.on_change: Callable[[list[bytes] | None], None] = _ignore
        self.is_closed = False
        self._dialer = dialer

    @abstractmethod
    async def open(self) -> None:
        """Find the primaries and connect; raises ``ConnectionError`` when that fails."""

    def close(self) -> None:
        """Close all links at once."""
        self.is_closed = True

        for node in self.nodes:
            node.close()

    def abandon(self) -> None:
        """Forget all links: their loop is closed, or in another process."""
        self.is_closed = True

        for node in self.nodes:
            node.abandon()

    @property
    @abstractmethod
    def nodes(self) -> Sequence[Node]:
        """The primaries."""

    @abstractmethod
    def send(self, name: str, command: Command, lead: Command | None = None) -> asyncio.Future[Any]:
        """Send a command for the key on its open link, or raise ``NotSent``: the fast path."""

    @abstractmethod
    def distrust(self, name: str) -> None:
        """Hear that a link for a key brings replies that are not its own: it is closed."""

    @abstractmethod
    def note_large(self, name: str) -> None:
        """Hear that the value of a key is large."""

    @abstractmethod
    async def node_of(self, name: str) -> Node:
        """Return the primary of the key."""

    async def follow(self, refused: Refused) -> Step | None:
        """Return where a request that was refused so goes now; ``None``: it stays refused."""
        return None

    def lead(self, name: str, command: Command) -> Lead:
        """Return what goes out just before a command for the key, in the same write."""
        return Lead(command, partial(self.on_astray, name, command))

    def pushed(self, frame: list[Any]) -> None:
        """Hear what a server says by itself."""
        if frame[0] == b"invalidate":
            self.on_change(frame[1])

    def lost(self) -> None:
        """Hear that a link is gone: with it went what the server would have reported on it."""
        self.on_change(None)

    def silent(self) -> None:  # noqa: B027 - one server: there is nobody else to ask
        """Hear that a link owes an answer."""

    def _node(self, address: Peer) -> Node:
        return Node(address, self._dialer, self, self.bridge)


class Standalone(Topology):
    """One server, at one address."""

    def __init__(self, address: Peer, dialer: Dialer) -> None:
        super().__init__(dialer)
        self._one = self._node(address)

    @property
    def nodes(self) -> Sequence[Node]:
        """The one server."""
        return (self._one,)

    async def open(self) -> None:
        """Connect to it."""
        await self._one.main.ready()

    def send(self, name: str, command: Command, lead: Command | None = None) -> asyncio.Future[Any]:
        """Send on the one link."""
        node = self._one

        if name in node.large:
            raise NotSent

        return node.main.link.send(
            command, open_instant(), None if lead is None else self.lead(name, lead)
        )

    def distrust(self, name: str) -> None:
        """Close the links."""
        self._one.distrust()

    def note_large(self, name: str) -> None:
        """Let the key ride the second link."""
        self._one.note_large(name)

    async def node_of(self, name: str) -> Node:
        """Return the one server."""
        return self._one


class Fixed(Standalone):
    """One server, to which others keep the connections."""

    async def open(self) -> None:
        """Connect to nothing."""


def _ignore(*_what: object) -> None:
    """Hear of what nobody waits for."""
