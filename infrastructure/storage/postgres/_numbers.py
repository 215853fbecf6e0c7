"""The number of a transaction, and on which history of which server it counts."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg.pq.abc import PGresult

__all__ = [
    "HISTORY",
    "IDENTITY",
    "LIFE",
    "NUMBER",
    "NUMBER_AND_SERVER",
    "Number",
    "identity_of",
    "number_of",
]

HISTORY = (
    "CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN (SELECT system_identifier::text || '/' "
    "|| pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8) "
    "FROM pg_catalog.pg_control_system()) END"
)
"""The identifier of the cluster and its timeline: after a failover numbers are given anew.

A server that writes keeps both until it is started again; one in recovery has none of its own.
"""

LIFE = "coalesce(extract(epoch FROM pg_catalog.pg_stat_get_bgwriter_stat_reset_time())::text, '')"
"""What changes with a crash, in which statistics are lost, and not when a server is stopped.

A number that was given shortly before a crash is given again after it, to another transaction.
"""

SERVER = f"{HISTORY} || ' ' || {LIFE}"

IDENTITY = f"SELECT {SERVER}"

_XID = "SELECT pg_catalog.pg_current_xact_id_if_assigned()::text"
NUMBER = _XID.encode()
"""Asks for the number of the open transaction, NULL where it has changed nothing yet."""
NUMBER_AND_SERVER = f"{_XID}, {SERVER}".encode()


@dataclass(frozen=True, slots=True)
class Number:
    """``xid`` of a transaction on ``server``: its history and its life."""

    xid: int
    server: str


def identity_of(result: PGresult) -> str:
    """Return what ``IDENTITY`` gave, nothing where the server has none."""
    return (result.get_value(0, 0) or b"").decode()


def number_of(result: PGresult, server: str) -> Number | None:
    """Return what ``NUMBER`` gave on ``server``, or what was asked with it."""
    xid = result.get_value(0, 0)

    if result.nfields > 1:
        server = (result.get_value(0, 1) or b"").decode()

    return Number(int(xid), server) if xid is not None and server else None
