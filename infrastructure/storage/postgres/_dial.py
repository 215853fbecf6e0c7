"""Opens a connection of libpq's on the event loop, and cancels what one is doing."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Optional

import psycopg
from psycopg import pq
from psycopg.pq import ConnStatus, PollingStatus, abc

from ..._core.deadline import Limit
from ..._core.errors import translated
from ...interfaces.exceptions import ConfigurationError, InfrastructureError
from ._greeting import Greeting, answer, question
from ._reach import reach
from ._resolve import resolve
from ._settings import Options
from ._sockets import wait_for_socket
from .errors import CONNECT_ERRORS, lost

__all__ = ["Dialled", "cancel", "dial"]

# The first whose cancelling does not hold the loop.
_OLDEST_LIBPQ = 170000


@dataclass(frozen=True, kw_only=True, slots=True)
class Dialled:
    """A connection, and what its server said of itself.

    ``pooled``      a pooler stands between: no state of a session lasts.
    ``timescale``   the version of the extension, ``None`` where the database has none.
    """

    pgconn: abc.PGconn
    server_version: int
    pooled: bool
    read_only: bool
    in_recovery: bool
    timescale: Optional[str]


async def dial(options: Options, expires: float) -> Dialled:
    """Return a connection that is ready, non-blocking and set as the storage needs it.

    Raises ``ConnectionError``, ``ConfigurationError`` or, at ``expires`` (an instant of
    ``time.monotonic()``), ``TimeoutError``; nothing was applied then, and nothing is left
    behind, by a cancellation neither.
    """
    _check_ground()
    where = options.where

    async with Limit("connect", expires=expires) as limit:
        limit.more = f" before {where} answered; look whether it does"

        with translated(CONNECT_ERRORS, f"connect to {where}"):
            pgconn = await reach(options, await resolve(options), limit)

        try:
            with translated(CONNECT_ERRORS, f"connect to {where}"):
                pgconn.nonblocking = 1
                greeting = await _greet(pgconn, options)
        except BaseException:
            pgconn.finish()
            raise

    return Dialled(
        pgconn=pgconn,
        server_version=pgconn.server_version,
        pooled=greeting.pooled,
        read_only=greeting.read_only,
        in_recovery=greeting.in_recovery,
        timescale=greeting.timescale,
    )


async def cancel(pgconn: abc.PGconn, expires: float) -> bool:
    """Ask the server to stop what it does for ``pgconn``; no answer tells whether it did.

    It raises nothing but a cancellation of its own task, and returns by ``expires``. ``False``:
    nobody knows whether the server was asked, or will be.
    """
    with suppress(psycopg.Error, InfrastructureError):
        asked = pgconn.cancel_conn()

        try:
            async with Limit("cancel", expires=expires):
                asked.start()
                return await _poll_cancel(asked)
        finally:
            asked.finish()

    return False


async def _poll_cancel(asked: abc.PGcancelConn) -> bool:
    wanted = PollingStatus.WRITING

    while wanted in (PollingStatus.READING, PollingStatus.WRITING):
        await wait_for_socket(
            asked.socket,
            read=wanted == PollingStatus.READING,
            write=wanted == PollingStatus.WRITING,
        )
        wanted = PollingStatus(asked.poll())

    return wanted == PollingStatus.OK


async def _greet(pgconn: abc.PGconn, options: Options) -> Greeting:
    pid = pgconn.backend_pid
    pgconn.send_query(question(options, pid).encode())

    while pgconn.flush():
        await wait_for_socket(pgconn.socket, read=True, write=True)
        pgconn.consume_input()

    while pgconn.is_busy():
        await wait_for_socket(pgconn.socket, read=True)
        pgconn.consume_input()

    result = pgconn.get_result()

    if result is None or pgconn.status != ConnStatus.OK:
        raise lost(f"connect to {options.where}", pgconn.get_error_message(), "not_applied")

    greeting = answer(result, options, pid)

    # One statement was sent: what follows is the end of its answer.
    while pgconn.is_busy():
        await wait_for_socket(pgconn.socket, read=True)
        pgconn.consume_input()

    assert pgconn.get_result() is None
    return greeting


def _check_ground() -> None:
    """Raise where the driver or the event loop cannot do what is asked of them."""
    if pq.version() < _OLDEST_LIBPQ:
        msg = (
            f"libpq {pq.version() // 10000} is too old, 17 is needed: "
            "pip install 'infrastructure-interfaces[postgres]'"
        )
        raise ConfigurationError(msg, operation="connect")

    if type(asyncio.get_running_loop()).__name__ == "ProactorEventLoop":
        msg = (
            "this event loop cannot watch a socket of libpq's: on Windows run "
            "asyncio.Runner(loop_factory=asyncio.SelectorEventLoop)"
        )
        raise ConfigurationError(msg, operation="connect")
