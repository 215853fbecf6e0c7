"""One server: a line for the many small requests, another for large values."""

from __future__ import annotations

from collections.abc import Callable

from ._dial import Dialer, Peer, show
from ._line import BRIDGE, Line, Listener
from ._link import Link

__all__ = ["Node"]

_MAX_LARGE = 10_000
"""Keys that are remembered as large."""


class Node:
    """A server with its two lines.

    A key whose value was once seen to be large rides the second line from then on, so that
    its requests stay in order; the first of them waits until the first line has answered
    what was sent there before, which may be a write that its caller no longer waits for.
    """

    def __init__(
        self, address: Peer, dialer: Dialer, listener: Listener, bridge: float = BRIDGE
    ) -> None:
        self.address = address
        self.is_closed = False
        self.main = Line(address, dialer, listener, bridge)
        self.wide = Line(address, dialer, listener, bridge)
        self._at_close: list[Callable[[], None]] = []
        self.large: dict[str, bool] = {}
        """Keys that ride the second line, and whether the first is known to be done with them."""

    def __repr__(self) -> str:
        return f"<Node {show(self.address)}>"

    def note_large(self, name: str) -> None:
        """Let the key ride the second line; when there are too many, those who can go back do."""
        if name in self.large:
            return

        if len(self.large) >= _MAX_LARGE:
            if self.wide.is_busy:
                return

            self.large.clear()

        self.large[name] = False

    async def link_for(self, name: str) -> Link:
        """Return the link on which requests for the key go, once it is open."""
        if name not in self.large:
            return await self.main.ready()

        link = await self.wide.ready()

        if not self.large.get(name, True):
            await self.main.drained()
            self.large[name] = True

        return link

    def at_close(self, call: Callable[[], None]) -> None:
        """Call it when this is a primary no more, or was closed with the rest."""
        self._at_close.append(call)

    def distrust(self) -> None:
        """Close both links: one of them brought a reply that was not its own. New ones are made."""
        for line in (self.main, self.wide):
            if isinstance(line.link, Link):
                line.link.fail(ConnectionAbortedError("a reply did not fit its command"))

    @property
    def is_left(self) -> bool:
        """Whether it is no primary any more, and may still refuse what it was sent."""
        return self.main.is_left or self.wide.is_left

    def leave(self) -> None:
        """Send it nothing more, and close both links when it has refused what it was sent."""
        self.is_closed = True
        self.main.leave()
        self.wide.leave()
        self._tell()

    def close(self) -> None:
        """Close both links at once."""
        self.is_closed = True
        self.main.close()
        self.wide.close()
        self._tell()

    def _tell(self) -> None:
        # Once: one that was left may be closed with the rest.
        calls, self._at_close = self._at_close, []

        for call in calls:
            call()

    def abandon(self) -> None:
        """Forget both links."""
        self.main.abandon()
        self.wide.abandon()
