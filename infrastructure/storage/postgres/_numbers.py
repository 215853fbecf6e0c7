"""The number of a transaction, and on which history of which server it counts."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg.pq.abc import PGresult

__all__ = ["NUMBER", "SERVER", "Number", "number_of"]

SERVER = (
    "(SELECT system_identifier::text || '/' || pg_catalog.left(pg_catalog.pg_walfile_name("
    "pg_catalog.pg_current_wal_lsn()), 8) FROM pg_catalog.pg_control_system())"
)
"""The identifier of the cluster and its timeline: after a failover numbers are given anew."""

NUMBER = f"SELECT pg_catalog.pg_current_xact_id_if_assigned()::text, {SERVER}".encode()
"""Asks for the number of the open transaction, NULL where it has changed nothing yet."""


@dataclass(frozen=True, slots=True)
class Number:
    """``xid`` of a transaction on ``server``."""

    xid: int
    server: str


def number_of(result: PGresult) -> Number | None:
    """Return what ``NUMBER`` gave."""
    xid, server = result.get_value(0, 0), result.get_value(0, 1)
    return None if xid is None or server is None else Number(int(xid), server.decode())
