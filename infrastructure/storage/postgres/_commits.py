"""Whether a transaction was committed whose COMMIT got no answer: the server is asked for its number."""

from __future__ import annotations

import asyncio
import time

from ...interfaces.exceptions import ConnectionError, InfrastructureError
from ._numbers import HISTORY, LIFE, Number
from ._pool import Pool

__all__ = ["settle_commit"]

_WITHIN = 2.0
"""Seconds for which the server is asked, and waited for where it is away."""
_AGAIN = 0.05
_STATUS = (
    "SELECT pg_catalog.pg_xact_status('{xid}'::text::xid8), "
    f"{HISTORY} = '{{history}}', {LIFE} = '{{life}}'"
)


async def settle_commit(pool: Pool, number: Number, error: ConnectionError, expires: float) -> None:
    """Return where the transaction was committed; else raise ``error``, with what is known."""
    until = min(expires, time.monotonic() + _WITHIN)

    while time.monotonic() < until:
        try:
            status = await _status(pool, number, until)
        except InfrastructureError:
            if pool.is_closed:
                break

            status = "in progress"

        if status == "committed":
            return

        if status == "aborted":
            msg = f"{error.message} -- the server says that it was rolled back"
            raise ConnectionError(msg, outcome="not_applied", operation="commit") from error

        if status != "in progress":
            break

        await asyncio.sleep(_AGAIN)

    raise error


async def _status(pool: Pool, number: Number, expires: float) -> str | None:
    """Return what the server says; ``None`` where it cannot tell, or is another one by now."""
    connection = await pool.lease(expires, None, "commit")

    try:
        history, _, life = number.server.partition(" ")
        text = _STATUS.format(xid=number.xid, history=history, life=life)
        found = (await connection.simple(text, expires, "commit", harmless=True))[-1]
    finally:
        pool.release(connection)

    status, same, unbroken = (found.get_value(0, column) for column in range(3))

    # After a crash it may be the status of another transaction; but a commit that was not lost
    # with it would never be shown as undone.
    if status is None or same != b"t" or (unbroken != b"t" and status == b"committed"):
        return None

    return status.decode()
