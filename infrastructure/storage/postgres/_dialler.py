"""Makes the connections of one storage, each of its kind, and counts them."""

from __future__ import annotations

from collections.abc import Callable

from ...interfaces.exceptions import ConfigurationError
from ._connection import Connection
from ._dial import Dialled, dial
from ._group import GroupLane, Write
from ._lane import Lane
from ._listen import ListeningConnection
from ._outage import Outage
from ._settings import Options
from ._wire import Wire

__all__ = ["Dialler"]

Ended = Callable[[Wire], None]


class Dialler:
    """Each method returns a connection, or raises; ``ended`` is called when it is gone."""

    def __init__(self, options: Options, outage: Outage) -> None:
        self._options = options
        self._outage = outage

    async def _dial(self, expires: float) -> Dialled:
        with self._outage.noted():
            return await dial(self._options, expires)

    def _names(self, found: Dialled) -> int:
        # Behind a pooler the next statement may run on another server, which knows no name.
        named = not found.pooled and self._options.prepared == "auto"
        return self._options.statement_cache if named else 0

    def _read_write(self, found: Dialled) -> bool:
        return self._options.read_write or found.in_recovery

    async def connection(self, ended: Ended, expires: float) -> Connection:
        """Open one that somebody has to himself."""
        found = await self._dial(expires)
        return Connection(
            found.pgconn,
            self._outage.opened(ended),
            names=self._names(found),
            pipelined=self._options.pipelining,
            pooled=found.pooled,
            read_write=self._read_write(found),
        )

    async def lane(self, ended: Ended, expires: float) -> Lane:
        """Open one that many share."""
        found = await self._dial(expires)
        return Lane(
            found.pgconn,
            self._outage.opened(ended),
            names=self._names(found),
            read_write=self._read_write(found),
        )

    async def group(
        self, ended: Ended, expires: float, alone: Callable[[Write], None]
    ) -> GroupLane:
        """Open one whose writes share their commits."""
        found = await self._dial(expires)
        return GroupLane(found.pgconn, self._outage.opened(ended), alone, names=self._names(found))

    async def listener(self, ended: Ended, expires: float) -> ListeningConnection:
        """Open one that listens, perhaps at an address of its own."""
        found = await dial(self._options.listen or self._options, expires)

        if found.pooled:
            found.pgconn.finish()
            msg = (
                "listen: the server is behind a pooler, where a LISTEN belongs to whoever comes "
                "next; give the server's own address by listen_url="
            )
            raise ConfigurationError(msg, operation="listen")

        return ListeningConnection(found.pgconn, ended)
