"""Lets libpq connect to one of several addresses, its socket watched by the event loop."""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import Mapping
from typing import Optional

from psycopg.pq import ConnStatus, PGconn, PollingStatus, abc

from ..._core.deadline import Limit
from ._login import refused
from ._resolve import Spot
from ._settings import Options
from ._sockets import wait_for_socket
from ._tls import tls_parameters

__all__ = ["reach"]

# Seconds for which a host that gives no sign of life is waited for while there are others.
_PATIENCE = 2.0
# As the other backends have it: a peer that is gone is noticed on an idle link, too.
_KEEPALIVE = {"keepalives_idle": "15", "keepalives_interval": "5", "keepalives_count": "3"}


async def reach(options: Options, spots: list[Spot], limit: Limit) -> abc.PGconn:
    """Return a connection that let us in, or raise; which address, and in what order, says libpq.

    It knows no time for each of them: one that is silent for long is put behind the others.
    """
    left, patience = len(spots), _PATIENCE

    while len(spots) > 1:
        share = min(patience, limit.remaining / left)
        attempt = _Attempt(options, spots)

        try:
            async with asyncio.timeout(share):
                return await attempt.run()
        except builtins.TimeoutError:
            passed = attempt.passed()
            spots = spots[passed:] + spots[:passed]
            left -= passed

        if left < 1:
            left, patience = len(spots), 2 * patience

    return await _Attempt(options, spots).run()


class _Attempt:
    def __init__(self, options: Options, spots: list[Spot]) -> None:
        self._options = options
        self._spots = spots
        self._at: Optional[tuple[bytes, bytes, bytes]] = None

    async def run(self) -> abc.PGconn:
        """Return the connection, or raise and leave nothing behind."""
        pgconn = PGconn.connect_start(_conninfo(_parameters(self._options, self._spots)))

        try:
            await _poll(pgconn)

            if pgconn.status != ConnStatus.OK:
                raise refused(pgconn, self._options.where)
        except BaseException:
            self._at = (pgconn.host, pgconn.hostaddr, pgconn.port)
            pgconn.finish()
            raise

        return pgconn

    def passed(self) -> int:
        """Return how many addresses were tried, the one included that gave no sign of life."""
        for index, spot in enumerate(self._spots):
            if self._at == tuple(map(str.encode, (spot.host, spot.address, str(spot.port)))):
                return index + 1

        return 1


async def _poll(pgconn: abc.PGconn) -> None:
    if pgconn.status == ConnStatus.BAD:
        return

    # As libpq's manual has it: before the first poll it wants to write.
    wanted = PollingStatus.WRITING

    while wanted in (PollingStatus.READING, PollingStatus.WRITING):
        # The socket is another one at the next address.
        await wait_for_socket(
            pgconn.socket,
            read=wanted == PollingStatus.READING,
            write=wanted == PollingStatus.WRITING,
        )
        wanted = PollingStatus(pgconn.connect_poll())


def _parameters(options: Options, spots: list[Spot]) -> Mapping[str, Optional[str]]:
    address = options.address
    return {
        "host": ",".join(spot.host for spot in spots),
        "hostaddr": ",".join(spot.address for spot in spots),
        "port": ",".join(str(spot.port) for spot in spots),
        "dbname": address.database,
        "user": address.user,
        "password": None if address.password is None else address.password.reveal(),
        "client_encoding": "UTF8",
        "application_name": options.application_name,
        "target_session_attrs": options.target_session_attrs,
        # It may ask a server of its own, and would hold the loop.
        "gssencmode": "disable",
        **tls_parameters(options, [spot.address or spot.host for spot in spots]),
        **_KEEPALIVE,
    }


def _conninfo(parameters: Mapping[str, Optional[str]]) -> bytes:
    """Return the text that libpq parses: not a URL, so that it has nothing to say of a password."""
    pairs = ((name, value) for name, value in parameters.items() if value is not None)
    return " ".join(f"{name}='{_escaped(value)}'" for name, value in pairs).encode()


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")
