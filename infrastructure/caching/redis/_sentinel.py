"""One primary behind sentinels: it is where the sentinel with the newest knowledge says."""

from __future__ import annotations

import asyncio
import builtins
import math
from collections.abc import Sequence
from typing import Any

from ..._core.deadline import open_instant
from ...interfaces.exceptions import ConfigurationError, ConnectionError, InfrastructureError
from ._dial import Dialer, Peer
from ._followed import ANSWER, Followed
from ._line import Line
from ._node import Node
from ._replies import without_arguments
from ._signals import NotSent, Refused, Signal
from ._sinks import Command
from ._topology import Step

__all__ = ["Sentinel"]


class Sentinel(Followed):
    """The primary of ``service``.

    All sentinels are asked, and of their answers that of the highest configuration epoch
    counts: one that was away for a while still names the old primary. What is dialled must
    say of itself that it is a primary.
    """

    def __init__(
        self, sentinels: Sequence[Peer], service: str, dialer: Dialer, asking: Dialer
    ) -> None:
        super().__init__(dialer)
        self._service = service
        self._lines = [Line(peer, asking, _Deaf()) for peer in sentinels]
        self._one: Node | None = None

    @property
    def nodes(self) -> Sequence[Node]:
        """The primary, where one is known."""
        return () if self._one is None else (self._one,)

    def close(self) -> None:
        """Close all links at once."""
        super().close()

        for line in self._lines:
            line.close()

    def abandon(self) -> None:
        """Forget all links."""
        super().abandon()

        for line in self._lines:
            line.abandon()

    def send(self, name: str, command: Command, lead: Command | None = None) -> asyncio.Future[Any]:
        """Send on the link to the primary."""
        node = self._one

        if node is None or name in node.large:
            raise NotSent

        return node.main.link.send(
            command, open_instant(), None if lead is None else self.lead(name, lead)
        )

    def distrust(self, name: str) -> None:
        """Close the links to the primary."""
        if self._one is not None:
            self._one.distrust()

    def note_large(self, name: str) -> None:
        """Let the key ride the second link."""
        if self._one is not None:
            self._one.note_large(name)

    async def node_of(self, name: str) -> Node:
        """Return the primary."""
        if self._one is None:
            await self.refresh()

        assert self._one is not None
        return self._one

    async def follow(self, refused: Refused) -> Step | None:
        """Look again when the primary turns out to be none any more; what was refused stays so."""
        if refused.code in ("READONLY", "MASTERDOWN"):
            self.silent()

        return None

    async def _refresh(self) -> None:
        answers = await asyncio.gather(*map(self._ask, self._lines))
        known = [answer for answer in answers if isinstance(answer, tuple)]

        if not known:
            raise self._nobody(answers)

        _, peer = max(known)

        if self._one is None or self._one.address != peer:
            old, self._one = self._one, self._node(peer)

            if old is not None:
                # Now: what it still acknowledges is lost with it.
                old.close()

    async def _ask(self, line: Line) -> tuple[int, Peer] | Exception | None:
        """Return the epoch and the primary, ``None`` where the service is not known."""
        try:
            async with asyncio.timeout(ANSWER):
                link = await line.ready()
                address, fields = await asyncio.gather(
                    link.send(("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._service), math.inf),
                    link.send(("SENTINEL", "MASTER", self._service), math.inf),
                )
        except (InfrastructureError, Signal, builtins.TimeoutError) as exc:
            return exc

        if isinstance(address, Refused):
            return address

        if address is None or isinstance(fields, Refused):
            return None

        return int(fields[b"config-epoch"]), (address[0].decode(), int(address[1]))

    def _nobody(self, answers: Sequence[Any]) -> InfrastructureError:
        if None in answers:
            msg = f"the sentinels know no service {self._service!r}; SENTINEL MASTERS lists theirs"
            return ConfigurationError(msg, operation="connect")

        for answer in answers:
            if isinstance(answer, ConfigurationError):
                return answer

        said = "; ".join(map(_said, self._lines, answers))
        msg = f"no sentinel tells where {self._service!r} is: {said}"

        if any(map(_lacks_command, answers)):
            return ConfigurationError(
                f"{msg}; a server, and no sentinel, answers there: say redis://",
                operation="connect",
            )

        return ConnectionError(msg, outcome="not_applied", operation="connect")


def _said(line: Line, answer: Any) -> str:
    """Return what came of asking a sentinel; an error of ours names it by itself."""
    if isinstance(answer, InfrastructureError):
        return str(answer)

    return f"{line.name}: {without_arguments(str(answer)) or 'no answer'}"


def _lacks_command(answer: Any) -> bool:
    return isinstance(answer, Refused) and "unknown command" in str(answer).lower()


class _Deaf:
    """Listens to nothing: links to sentinels are made when they are asked."""

    def pushed(self, frame: list[Any], /) -> None:
        """Hear nothing."""

    def lost(self) -> None:
        """Hear nothing."""

    def silent(self) -> None:
        """Hear nothing."""
