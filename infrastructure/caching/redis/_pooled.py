"""The plain mode: each call has a connection of redis-py's pools to itself."""

from __future__ import annotations

import asyncio
import copy
import math
from collections.abc import Awaitable, Sequence
from time import monotonic
from typing import Any, NoReturn
from weakref import WeakKeyDictionary

from ..._core.deadline import Limit, expiry
from ...interfaces.exceptions import ConnectionError, InfrastructureError, TimeoutError
from ._dial import Dialer
from ._mode import UNANSWERED
from ._node import Node
from ._pool import Asking, Pool
from ._pool_run import PooledRun
from ._request import Request
from ._scan import NodeScan, Take
from ._signals import Lost, NotSent, Refused, Signal
from ._sinks import Command
from ._topology import Topology
from ._wording import Wording

__all__ = ["Pooled"]

_AGAIN = 0.05
"""Seconds until primaries are greeted again, where some were replaced meanwhile."""

_SOON, _SELDOM = 0.025, 0.25
"""Seconds between two looks at a key that another process is making: the first and the longest."""


class Pooled:
    """Runs requests on pools of ``size`` connections, one for each primary.

    The topology is that of the other mode, and says where the primaries are.
    """

    def __init__(
        self, topology: Topology, dialer: Dialer, size: int, deadline: float, wording: Wording
    ) -> None:
        self._topology = topology
        self._dialer = dialer
        self._size = size
        self._deadline = deadline
        self._wording = wording
        self._pools: WeakKeyDictionary[Node, Pool] = WeakKeyDictionary()

    def send(self, name: str, command: Command, lead: Command | None = None) -> NoReturn:
        """Send nothing: there is no fast path, all goes to ``settle``."""
        raise NotSent

    def note_large(self, name: str) -> None:
        """Do nothing: a large value holds up nobody on a connection of its own."""

    def distrust(self, request: Request) -> ConnectionError:
        """Return the error of a reply that does not fit; the pool gave up its connection."""
        return self._wording.damaged(request)

    async def beat(self) -> bool:
        """Return ``True``: no server reports changes here, so none can be late."""
        return True

    async def open(self) -> None:
        """Find the primaries and connect to each."""
        await self._topology.open()

        await self._greet()

    async def _greet(self) -> None:
        """Connect to each primary; some may be replaced meanwhile: connect's deadline ends it."""
        ping = Request("connect", ("PING",), "", reads=True)
        asked = [self._run(ping, math.inf, node) for node in self._topology.nodes]

        try:
            await asyncio.gather(*asked)
        except NotSent:
            await asyncio.sleep(_AGAIN)
            await self._greet()

    async def drain(self) -> None:
        """Return when what is under way is answered."""
        await asyncio.gather(*(pool.drained() for pool in list(self._pools.values())))

    def close(self) -> None:
        """Close all connections; what is under way gets a ``ConnectionError``."""
        self._topology.close()

    def abandon(self) -> None:
        """Forget the connections of a closed loop or a parent process."""
        self._topology.abandon()

        for pool in self._pools.values():
            pool.abandon()

    async def settle(self, request: Request, why: Signal | Refused) -> Any:
        """Return the reply of a request; raise ours."""
        return await self.run(request)

    async def run(self, request: Request) -> Any:
        """Return the reply of a request; raise ours."""
        return await self._run(request, expiry(self._deadline))

    async def _run(
        self,
        request: Request,
        expires: float,
        node: Node | None = None,
        refused: Refused | None = None,
    ) -> Any:
        limit = Limit(request.operation, expires=expires)
        run = PooledRun(self._topology, request, limit, self._wording, node, self._pool_of)

        try:
            async with limit:
                reply = await run.reply(refused)
        except TimeoutError as exc:
            # A frozen primary may have a successor.
            self._topology.silent()
            raise run.overdue() from exc.__cause__

        if not request.fits(reply):
            raise self.distrust(request)

        return reply

    def _pool_of(self, node: Node) -> Pool:
        if (pool := self._pools.get(node)) is None:
            pool = Pool(node.address, self._dialer, self._size, self._topology.bridge)
            self._pools[node] = pool
            node.at_close(pool.close)

        return pool

    async def many(
        self, requests: Sequence[Request], replies: list[Any] | None = None
    ) -> list[Any]:
        """Return for each request its reply or our error; those of one primary go out together."""
        replies = [] if replies is None else replies
        replies += [UNANSWERED] * len(requests)
        places: dict[Node, list[int]] = {}

        for place, request in enumerate(requests):
            try:
                node = await self._topology.node_of(request.name)
                places.setdefault(node, []).append(place)
            except InfrastructureError as exc:
                replies[place] = await self._one(request, exc)

        await asyncio.gather(
            *(self._together(node, requests, at, replies) for node, at in places.items())
        )
        return replies

    async def _together(
        self, node: Node, requests: Sequence[Request], places: Sequence[int], replies: list[Any]
    ) -> None:
        """Fill in the replies of a primary; what it refused or lost goes its way alone."""
        got = await self._ask(node, [requests[place] for place in places])

        for place, reply in zip(places, got, strict=True):
            replies[place] = await self._one(requests[place], reply)

    async def _ask(self, node: Node, requests: Sequence[Request]) -> Sequence[Any]:
        asking = Asking(Limit("many", expires=math.inf))

        try:
            return await self._pool_of(node).ask(requests, asking)
        except (Signal, InfrastructureError) as why:
            return [why] * len(requests)

    async def _one(self, request: Request, reply: Any) -> Any:
        if isinstance(reply, Lost) and not request.reads:
            error: InfrastructureError = self._wording.lost(request, reply)
            error.__cause__ = reply.__cause__
            return error

        if isinstance(reply, InfrastructureError):
            # One for each: whoever raises it writes in it which keys failed.
            error = copy.copy(reply)
            error.operation = request.operation
            return error

        if not isinstance(reply, Signal | Refused):
            return reply if request.fits(reply) else self.distrust(request)

        refused = reply if isinstance(reply, Refused) else None

        try:
            return await self._run(request, expiry(self._deadline), refused=refused)
        except InfrastructureError as exc:
            return exc

    async def scan(self, match: bytes, take: Take) -> bool:
        """Give ``take`` the keys of all primaries; ``False`` when these changed meanwhile."""

        def ask(node: Node, request: Request) -> Awaitable[Any]:
            return self._run(request, expiry(self._deadline), node)

        topology = self._topology
        scan = NodeScan(
            lambda: topology.nodes,
            ask,
            lambda node: self._pool_of(node).losses,
            is_clustered=topology.is_clustered,
        )
        return await scan.run(match, take)

    async def change(self, name: str, lock: bytes, seconds: float) -> None:
        """Return when the key or its lease has changed, after ``seconds`` at the latest."""
        until, pause = monotonic() + seconds, _SOON
        look = Request("get_or_set", ("MGET", name, lock), name, reads=True, answer=list)

        while True:
            value, holder = await self.run(look)
            left = until - monotonic()

            if value is not None or holder is None or left <= 0:
                return

            await asyncio.sleep(min(pause, left))
            pause = min(_SELDOM, 2 * pause)
