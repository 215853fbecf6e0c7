"""The fast mode: requests share a link to each primary; what the fast path cannot do is done here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any

from ..._core.deadline import Limit, expiry
from ..._core.tasks import Tasks
from ...interfaces.exceptions import ConnectionError, InfrastructureError, TimeoutError
from ._changes import Changes
from ._line import Line
from ._link import Link
from ._mode import UNANSWERED
from ._node import Node
from ._request import Request
from ._run import Run
from ._scan import NodeScan, Take
from ._signals import Lost, NotSent, Overdue, Refused, Signal
from ._sinks import Command
from ._topology import Topology
from ._wording import Wording

__all__ = ["Changed", "Multiplexed"]

Changed = Callable[[list[bytes] | None], None]

_BEAT = 1.0
"""Seconds within which a link must answer to count as heard."""


class Multiplexed:
    """Runs requests on the links of a topology.

    ``send`` is the fast path. What it cannot do, or what went wrong on it, goes to ``settle``,
    which knows the rules: reads are sent again, and what never left; a write whose answer was
    lost has an unknown outcome; redirections are followed.

    ``changed``  what a near cache wants to be told: the names of keys that a server reports as
                 changed, in the order of the stream, ``None`` where reports may have been missed.
    """

    def __init__(
        self, topology: Topology, deadline: float, wording: Wording, changed: Changed | None
    ) -> None:
        self.send = topology.send
        self._topology = topology
        self._deadline = deadline
        self._wording = wording
        self._changes = Changes()
        self._tasks = Tasks("RedisCache")
        self._changed = changed
        # What makes the server report changes of the keys that the next command reads; for a
        # near cache it reports those of all that are read.
        self._report = None if changed else ("CLIENT", "CACHING", "YES")
        topology.on_change = self._hear
        topology.on_astray = self._follow

    def _follow(self, name: str, lead: Command) -> None:
        """Send a lead again, the long way: the server would have it elsewhere."""
        request = Request("get_or_set", lead, name, reads=True)
        self._tasks.start(self._take_away(request), "a lease is taken away")

    async def _take_away(self, request: Request) -> None:
        # Where the server cannot be asked the lease lapses by itself: nobody is to hear of it.
        with suppress(InfrastructureError):
            await self.run(request)

    def note_large(self, name: str) -> None:
        """Hear that the value of a key is large: it rides a second link from now on."""
        self._topology.note_large(name)

    def distrust(self, request: Request) -> ConnectionError:
        """Return the error of a reply that does not fit; the link that brought it is closed."""
        self._topology.distrust(request.name)
        return self._wording.damaged(request)

    async def open(self) -> None:
        """Connect."""
        await self._topology.open()

    def close(self) -> None:
        """Close all links; what is under way gets a ``ConnectionError``."""
        self._topology.close()
        self._changes.tell()
        self._tasks.stop()

    def abandon(self) -> None:
        """Forget the links of a closed loop or a parent process."""
        self._topology.abandon()

    async def drain(self) -> None:
        """Return when what is on the links is answered."""
        await asyncio.gather(*(line.drained() for line in self._lines()))

    async def beat(self) -> bool:
        """Return whether all links answer now."""
        links = [line.link for line in self._lines() if isinstance(line.link, Link)]
        by = monotonic() + _BEAT

        try:
            await asyncio.gather(*(link.send(("PING",), by) for link in links))
        except Signal:
            return False

        return bool(links)

    async def settle(self, request: Request, why: Signal | Refused) -> Any:
        """Return the reply of a request that the fast path did not bring; raise ours."""
        return await self._settle(request, why, expiry(self._deadline))

    async def _settle(self, request: Request, why: Signal | Refused, expires: float) -> Any:
        if isinstance(why, Overdue):
            raise self._wording.overdue(request, sent=True) from None

        if isinstance(why, Lost) and not request.reads:
            raise self._wording.lost(request, why) from why.__cause__

        expires = min(why.expires, expires)
        return await self._run(request, expires, refused=why if isinstance(why, Refused) else None)

    async def run(self, request: Request) -> Any:
        """Return the reply of a request; raise ours."""
        return await self._run(request, expiry(self._deadline))

    async def _run(
        self,
        request: Request,
        expires: float,
        *,
        node: Node | None = None,
        refused: Refused | None = None,
    ) -> Any:
        limit = Limit(request.operation, expires=expires)

        try:
            async with limit:
                reply = await Run(self._topology, request, limit, self._wording, node).reply(
                    refused
                )
        except TimeoutError as exc:
            sent = limit.outcome != "not_applied"
            raise self._wording.overdue(request, sent=sent) from exc.__cause__

        if not request.fits(reply):
            raise self.distrust(request)

        return reply

    async def many(
        self, requests: Sequence[Request], replies: list[Any] | None = None
    ) -> list[Any]:
        """Return for each request its reply or our error; they go out together."""
        expires = expiry(self._deadline)
        sent = [self._start(request) for request in requests]
        replies = [] if replies is None else replies

        try:
            for request, future in zip(requests, sent, strict=True):
                replies.append(await self._one(request, future, expires))
        finally:
            # After a cancellation the others are nobody's.
            for place in range(len(replies), len(sent)):
                replies.append(_so_far(requests[place], sent[place]))

        return replies

    def _start(self, request: Request) -> asyncio.Future[Any] | Signal:
        if request.large:
            # It has a link of its own, where it holds up none of the others.
            return NotSent()

        try:
            return self.send(request.name, request.command, request.lead)
        except NotSent as why:
            return why

    async def _one(self, request: Request, sent: Awaitable[Any] | Signal, expires: float) -> Any:
        try:
            if isinstance(sent, Signal):
                return await self._settle(request, sent, expires)

            try:
                reply = await sent
            except Signal as why:
                return await self._settle(request, why, expires)

            if isinstance(reply, Refused):
                return await self._settle(request, reply, expires)

            return reply if request.fits(reply) else self.distrust(request)
        except InfrastructureError as exc:
            return exc

    async def scan(self, match: bytes, take: Take) -> bool:
        """Give ``take`` the keys of all primaries; ``False`` when these changed meanwhile."""

        def ask(node: Node, request: Request) -> Awaitable[Any]:
            return self._run(request, expiry(self._deadline), node=node)

        topology = self._topology
        scan = NodeScan(
            lambda: topology.nodes,
            ask,
            lambda node: node.main.made,
            is_clustered=topology.is_clustered,
        )
        return await scan.run(match, take)

    async def change(self, name: str, lock: bytes, seconds: float) -> None:
        """Return when the key or its lease may have changed, after ``seconds`` at the latest."""
        names = (name.encode(), lock)
        changed = self._changes.expect(*names)

        try:
            # From this read on the server reports the next change of the two.
            look = Request(
                "get_or_set", ("MGET", name, lock), name, reads=True, lead=self._report, answer=list
            )
            value, holder = await self.run(look)

            if value is None and holder is not None:
                await asyncio.wait({changed}, timeout=seconds)
        finally:
            self._changes.forget(changed, *names)

    def _hear(self, names: list[bytes] | None) -> None:
        if self._changed is not None:
            self._changed(names)

        self._changes.tell(names)

    def _lines(self) -> list[Line]:
        return [line for node in self._topology.nodes for line in (node.main, node.wide)]


def _so_far(request: Request, sent: asyncio.Future[Any] | Signal) -> Any:
    """Return the reply if it is there, and wait for none."""
    if isinstance(sent, Signal):
        return UNANSWERED

    if not sent.done():
        sent.cancel()

    if sent.cancelled() or sent.exception() is not None:
        return UNANSWERED

    reply = sent.result()
    return reply if not isinstance(reply, Refused) and request.fits(reply) else UNANSWERED
