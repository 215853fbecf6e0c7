"""One request on its way through losses, refusals and redirections, in the pooled mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..._core.deadline import Limit
from ...interfaces.exceptions import ConnectionError, TimeoutError
from ._node import Node
from ._pool import Asking, Pool
from ._request import Request
from ._run import Run
from ._signals import Lost, NotSent
from ._topology import Topology
from ._wording import Wording

__all__ = ["PooledRun"]


class PooledRun(Run):
    """Sends a request on a connection of a pool, and follows the same rules otherwise.

    ``pool_of``  gives the pool of a node.
    """

    def __init__(
        self,
        topology: Topology,
        request: Request,
        limit: Limit,
        wording: Wording,
        node: Node | None,
        pool_of: Callable[[Node], Pool],
    ) -> None:
        super().__init__(topology, request, limit, wording, node)
        self._pool_of = pool_of
        self._progress = Asking(limit)
        self._pool: Pool | None = None

    async def _try(self) -> Any:
        self._limit.outcome = "not_applied"
        self._refuse_closed()

        try:
            node = self._node or await self._topology.node_of(self._request.name)
            self._pool = self._pool_of(node)
            got = await self._pool.ask([self._request], self._progress, redirected=self._asking)
        except NotSent as why:
            return self._unsent(why)
        except Lost as why:
            self._topology.lost()

            if self._request.reads:
                return why

            raise self._wording.lost(self._request, why) from why.__cause__
        except ConnectionError as exc:
            exc.operation = self._request.operation
            raise

        return got[0]

    def overdue(self) -> TimeoutError:
        """Return the error of a request whose deadline passed."""
        if self._progress.waits and self._pool is not None:
            return self._wording.crowded(self._request, self._pool.size)

        return self._wording.overdue(self._request, sent=self._limit.outcome != "not_applied")
