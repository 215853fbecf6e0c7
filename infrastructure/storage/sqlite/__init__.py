"""The storage on SQLite: the standard library's ``sqlite3``, on threads and on the event loop."""

from __future__ import annotations

from .storage import SQLiteStorage

__all__ = ["SQLiteStorage"]
