"""What the server itself says, while nobody of ours answers."""

from __future__ import annotations

from typing import Any

import psycopg

from infrastructure.testing.postgres import PostgresCounters

__all__ = ["unrest", "value"]


def value(control: psycopg.Connection[Any], query: str, *params: Any) -> Any:
    """Return the one value of an answer; the placeholders are ``%s``."""
    row = control.execute(query, params).fetchone()  # type: ignore[call-overload] # ours
    return None if row is None else row[0]


def unrest(counters: PostgresCounters) -> list[dict[str, Any]]:
    """Return who runs something, or has a transaction open."""
    return [session for session in counters.sessions() if session["state"] != "idle"]
