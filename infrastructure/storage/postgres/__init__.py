"""The storage on PostgreSQL and TimescaleDB, by libpq on the event loop."""

from __future__ import annotations

from .storage import PostgresStorage

__all__ = ["PostgresStorage"]
