"""One request on its way through losses, refusals and redirections."""

from __future__ import annotations

import asyncio
import math
from time import monotonic
from typing import Any

from ..._core.deadline import Limit
from ...interfaces.exceptions import ConnectionError
from ._link import Link
from ._node import Node
from ._request import Request
from ._signals import Lost, NotSent, Refused, Signal
from ._sinks import Command
from ._topology import Topology
from ._wording import Wording

__all__ = ["Run"]

_PASSING = frozenset({"LOADING", "MASTERDOWN", "CLUSTERDOWN"})
"""Refusals that pass by themselves when a server or a cluster comes up: reads wait for that."""

_PAUSE = 0.05
"""Seconds between two tries of a request that is refused so, or sent from node to node."""

_SLOWEST = 0.25
"""Seconds, the longest pause of a read under which links break."""

_QUICK = 5
"""Redirections that are followed at once."""


class Run:
    """Sends ``request`` until there is a reply that counts.

    ``limit`` ends it, and is told whether something was sent. ``node`` is where it must go;
    otherwise the topology says so, each time anew.
    """

    def __init__(
        self,
        topology: Topology,
        request: Request,
        limit: Limit,
        wording: Wording,
        node: Node | None,
    ) -> None:
        self._topology = topology
        self._request = request
        self._limit = limit
        self._wording = wording
        self._fixed = self._node = node
        self._asking = False
        self._steps = self._losses = 0
        self._until = monotonic() + topology.bridge

    async def reply(self, refused: Refused | None) -> Any:
        """Return the reply; ``refused`` is what the server said to a first try."""
        if refused is not None:
            await self._redirect(refused)

        while True:
            reply = await self._try()

            if isinstance(reply, Refused):
                await self._redirect(reply)
            elif isinstance(reply, Signal):
                await asyncio.sleep(self._pause(reply))
            else:
                return reply

    def _pause(self, why: Signal) -> float:
        """Return the seconds until the next try; even for 0 the deadline is able to come.

        One that loses link after link may be what breaks them, under all others too.
        """
        self._losses += isinstance(why, Lost)
        return min(_SLOWEST, _PAUSE * 2**self._losses) if self._losses > 1 else 0.0

    async def _try(self) -> Any:
        """Send once; a signal means that it may be sent again."""
        self._limit.outcome = "not_applied"

        self._refuse_closed()

        try:
            future = self._send(await self._link())
        except NotSent as why:
            return self._unsent(why)
        except ConnectionError as exc:
            exc.operation = self._request.operation
            raise

        self._limit.outcome = "unknown"

        try:
            return await future
        except NotSent as why:
            return self._unsent(why)
        except Lost as why:
            if self._request.reads:
                return why

            raise self._wording.lost(self._request, why) from why.__cause__

    def _refuse_closed(self) -> None:
        if self._topology.is_closed:
            # A refusal may have come in the turn of the end: where it leads nobody would close.
            raise self._wording.stopped(self._request)

    def _unsent(self, why: NotSent) -> NotSent:
        if self._topology.is_closed:
            raise self._wording.stopped(self._request)

        if self._fixed is not None and self._fixed.is_closed:
            raise why

        if self._node is not None and self._node.is_closed:
            # It was sent there by another node, and that is of yesterday now.
            self._node, self._asking = self._fixed, False

        return why

    async def _link(self) -> Link:
        request = self._request
        node = self._node or await self._topology.node_of(request.name)

        if request.large:
            node.note_large(request.name)

        link = await node.link_for(request.name)
        await link.room()
        return link

    def _send(self, link: Link) -> asyncio.Future[Any]:
        request = self._request

        if request.lead is None:
            return self._say(link, request.command)

        if not self._asking:
            lead = self._topology.lead(request.name, request.lead)
            return link.send(request.command, math.inf, lead)

        self._say(link, request.lead).cancel()
        return self._say(link, request.command)

    def _say(self, link: Link, command: Command) -> asyncio.Future[Any]:
        # It holds for one command only.
        if self._asking:
            link.send(("ASKING",), math.inf).cancel()

        return link.send(command, math.inf)

    async def _redirect(self, refused: Refused) -> None:
        """Go where the server sends us, or raise that it refuses."""
        self._limit.outcome = "not_applied"
        step = await self._topology.follow(refused)

        if step is not None:
            self._node, self._asking = step.node or self._fixed, step.asking
            self._steps += 1
            # Two nodes that send us to each other have to agree first.
            await asyncio.sleep(step.pause if self._steps <= _QUICK else _PAUSE)
        elif self._is_passing(refused):
            self._node, self._asking = self._fixed, False
            await asyncio.sleep(_PAUSE)
        else:
            raise self._wording.refused(self._request, refused) from refused

    def _is_passing(self, refused: Refused) -> bool:
        return self._request.reads and refused.code in _PASSING and monotonic() < self._until
