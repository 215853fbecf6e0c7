"""The values that are stored, sent and encoded in the benchmarks."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

__all__ = ["PLAIN", "RICH"]

PLAIN: Final[dict[str, Any]] = {
    "id": 12345,
    "name": "سلام-user",
    "email": "user@example.com",
    "score": 9.75,
    "tags": ["a", "b"],
    "ok": True,
}
"""What most caches and messages hold: a small dict of what JSON knows."""

RICH: Final[dict[str, Any]] = {
    "id": UUID(int=7),
    "price": Decimal("10.50"),
    "at": datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC),
    "t": (1, 2),
    "s": "سلام",
    "b": b"\x00",
}
"""What JSON and plain msgpack do not know."""
